import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { LOOKING } from './places.js';

/** Every argument and every variable of any process of the Docker host, once each, while something runs. */
export class ProcessWatch {
  readonly #chunks: Buffer[] = [];
  readonly #child;

  constructor(
    helper: string,
    private readonly name: string,
  ) {
    const all = "cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null | tr '\\0' '\\n'";
    const look = `while :; do ${all}; sleep 0.1; done | awk '!seen[$0]++ { print; fflush() }'`;
    const [run, ...options] = LOOKING;
    this.#child = spawn('docker', [run, '--name', name, ...options, '--entrypoint', 'sh', helper, '-c', look]);
    this.#child.stdout.on('data', (chunk: Buffer) => this.#chunks.push(chunk));
  }

  /** All that was seen. */
  async stop(): Promise<string> {
    if (this.#child.exitCode === null) {
      const closed = once(this.#child, 'close');
      execFileSync('docker', ['rm', '-f', this.name], { stdio: 'ignore' });
      await closed;
    }
    return Buffer.concat(this.#chunks).toString('latin1');
  }
}
