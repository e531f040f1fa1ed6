import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { CAPABILITIES, SYSTEMD_CONTAINER } from '../../components/gateway-host/render.js';
import { ed25519KeyPair, type SshKeyPair } from '../../stack/ssh-keys.js';
import { waitFor } from './services.js';
import { docker } from './test-stack.js';

export interface MachineArgs {
  /** Container name. */
  readonly name: string;
  /** Image with systemd and sshd. */
  readonly image: string;
  readonly network: string;
  readonly address: string;
  /** Login → whether it becomes root by sudo without a password. Nobody else gets in. */
  readonly logins: Readonly<Record<string, boolean>>;
  /** Whether its sshd lets connections through. @default false */
  readonly forwards?: boolean;
  /** Host port of sshd on loopback; 0: Docker chooses. @default not published */
  readonly sshPort?: number;
}

/** A container that plays a machine of somebody else's: systemd, sshd with host keys of three kinds, no root login. */
export class Machine {
  /** The key that all of its logins take. */
  readonly clientKey: SshKeyPair = newKey();
  /** Line of its Ed25519 host key, one of three. */
  hostKey = '';

  private constructor(readonly args: MachineArgs) {}

  static async start(args: MachineArgs): Promise<Machine> {
    const machine = new Machine(args);
    await docker('rm', '-f', args.name).catch(() => '');
    await docker('run', '-d', '--name', args.name, '--hostname', args.name, ...containerOptions(args), args.image);
    await waitFor('systemd of the machine', async () => machine.#booted(), 60_000);
    await machine.sh(setUp(args, machine.clientKey.publicKeyLine));
    machine.hostKey = (await machine.sh('cut -d" " -f1,2 /etc/ssh/ssh_host_ed25519_key.pub')).trim();
    return machine;
  }

  /** Output of a shell script on it, as root. */
  async sh(script: string): Promise<string> {
    return docker('exec', this.args.name, 'sh', '-c', script);
  }

  /** Its files in which one of the texts stands, one text a line, sorted; the texts travel by stdin. */
  async filesHolding(texts: string): Promise<string[]> {
    const folders = ['/etc', '/home', '/opt', '/root', '/run', '/tmp', '/var', '/dev/shm'];
    const search = ['grep', '-rlaF', '-D', 'skip', '-f', '-', '--', ...folders];
    const { status, stdout, stderr } = spawnSync('docker', ['exec', '-i', this.args.name, ...search], {
      input: texts,
      encoding: 'utf8',
      timeout: 120_000,
      maxBuffer: 16 * 2 ** 20,
    });
    // 2: files that went while it looked, besides what it found.
    if (status === null || stdout + stderr === '') throw new Error(`grep ended with ${String(status)}`);
    return Promise.resolve(stdout.split('\n').filter(Boolean).sort());
  }

  /** Host port of its sshd. */
  async publishedPort(): Promise<number> {
    return Number((await docker('port', this.args.name, '22/tcp')).split('\n')[0]?.split(':').at(-1));
  }

  async #booted(): Promise<boolean> {
    return this.sh('systemctl is-active dbus.socket').then(
      () => true,
      () => false,
    );
  }
}

export function newKey(): SshKeyPair {
  return ed25519KeyPair(randomBytes(32));
}

/** As the stack's own gateway host, but for `no-new-privileges`: sudo is such a privilege. */
function containerOptions({ network, address, sshPort }: MachineArgs): string[] {
  const { cgroupnsMode, securityOpts, tmpfs } = SYSTEMD_CONTAINER;
  return [
    ...['--network', network, '--ip', address, '--cgroupns', cgroupnsMode, '--cap-drop', 'ALL'],
    ...CAPABILITIES.flatMap((name) => ['--cap-add', name]),
    ...securityOpts.filter((option) => !option.startsWith('no-new')).flatMap((option) => ['--security-opt', option]),
    ...Object.entries(tmpfs).flatMap(([path, options]) => ['--tmpfs', `${path}:${options}`]),
    ...(sshPort === undefined ? [] : ['--publish', `127.0.0.1:${sshPort === 0 ? '' : String(sshPort)}:22`]),
  ];
}

/** What an administrator does on a fresh machine. Without PAM sshd takes a locked password for a locked account. */
function setUp({ logins, forwards }: MachineArgs, publicKey: string): string {
  const users = Object.entries(logins).map(
    ([name, root]) => `
useradd --create-home --shell /bin/sh --password '*' ${name}
install -d -m 0700 -o ${name} -g ${name} /home/${name}/.ssh
echo '${publicKey}' > /home/${name}/.ssh/authorized_keys
chown ${name}: /home/${name}/.ssh/authorized_keys
${root ? `echo '${name} ALL=(root) NOPASSWD: ALL' > /etc/sudoers.d/${name}` : `usermod -aG sudo ${name}`}`,
  );
  const sshd = ['PermitRootLogin no', 'PasswordAuthentication no', 'UsePAM no', 'MaxStartups 50:30:100'].concat(
    `AllowTcpForwarding ${forwards ? 'yes' : 'no'}`,
  );
  return `set -eu
rm -f /run/nologin
ssh-keygen -A >/dev/null
printf '%s\\n' ${sshd.map((line) => `'${line}'`).join(' ')} > /etc/ssh/sshd_config.d/stack.conf
${users.join('\n')}
systemctl reset-failed ssh
systemctl restart ssh`;
}
