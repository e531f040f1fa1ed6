import { newKey, Machine } from './machines.js';
import { SshAgent } from './ssh-agent.js';
import { container, docker, TEST_PREFIX, testSubnet } from './test-stack.js';

const MACHINES = ['jump', 'machine', 'agent'].map((name) => TEST_PREFIX + name);

/**
 * A machine for the gateway as production has one: a login with sudo and one without, reached through a jump host alone, both with
 * pinned host keys; the key of the one is in the configuration, that of the other in an SSH agent.
 */
export class RemoteHost {
  /** In the network of the test stack. */
  static readonly address = testSubnet(0, '90');

  private constructor(
    readonly jump: Machine,
    readonly machine: Machine,
    readonly agent: SshAgent,
  ) {}

  /** Beside a running test stack, in whose network they stand. */
  static async start(): Promise<RemoteHost> {
    const image = await docker('inspect', '--format', '{{.Image}}', container('gateway-host'));
    const common = { image, network: `${TEST_PREFIX}telegram-network` };
    const jump = await Machine.start({
      ...common,
      name: `${TEST_PREFIX}jump`,
      address: testSubnet(0, '91'),
      logins: { hop: false },
      forwards: true,
      sshPort: 0,
    });
    const machine = await Machine.start({
      ...common,
      name: `${TEST_PREFIX}machine`,
      address: RemoteHost.address,
      logins: { deploy: true, nosudo: false },
    });
    const agent = await SshAgent.start(`${TEST_PREFIX}agent`, image, machine.clientKey.privateKeyOpenSsh);
    return new RemoteHost(jump, machine, agent);
  }

  static async remove(): Promise<void> {
    await docker('rm', '-f', '-v', ...MACHINES);
  }

  /** For whoever runs the commands. */
  get env(): Record<string, string> {
    return { SSH_AUTH_SOCK: this.agent.socket };
  }

  /** `telegram:gateway`, with some keys changed. */
  async config(changes: object = {}): Promise<{ readonly jump: object; readonly [key: string]: unknown }> {
    const { jump, machine } = this;
    return {
      kind: 'machine',
      host: RemoteHost.address,
      user: 'deploy',
      hostKey: machine.hostKey,
      healthAddress: RemoteHost.address,
      viewpoint: 'inNetwork',
      memoryMb: 300,
      jump: {
        host: '127.0.0.1',
        port: await jump.publishedPort(),
        user: 'hop',
        hostKey: jump.hostKey,
        privateKey: jump.clientKey.privateKeyOpenSsh,
      },
      ...changes,
    };
  }
}

/** Of no machine. */
export const foreignHostKey = () => newKey().publicKeyLine;
