import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { waitFor } from './services.js';
import { docker } from './test-stack.js';

/** OpenSSH's own agent with one key, from an image that has it, on a socket of this machine. */
export class SshAgent {
  private constructor(
    private readonly name: string,
    private readonly folder: string,
  ) {}

  static async start(name: string, image: string, privateKey: string): Promise<SshAgent> {
    const agent = new SshAgent(name, mkdtempSync(join(tmpdir(), 'agent-')));
    const user = `${String(process.getuid?.() ?? 0)}:${String(process.getgid?.() ?? 0)}`;
    await docker('rm', '-f', name).catch(() => '');
    await docker(
      ...['run', '-d', '--name', name, '--user', user, '--network', 'none', '-v', `${agent.folder}:/agent`],
      ...[image, 'ssh-agent', '-D', '-a', '/agent/socket'],
    );
    await waitFor('agent', () => Promise.resolve(existsSync(agent.socket)), 30_000);
    const add = ['exec', '-i', '-e', 'SSH_AUTH_SOCK=/agent/socket', name, 'ssh-add', '-q', '-'];
    execFileSync('docker', add, { input: privateKey, timeout: 30_000 });
    return agent;
  }

  /** For `SSH_AUTH_SOCK`. */
  get socket(): string {
    return join(this.folder, 'socket');
  }
}
