import { beforeAll, describe, expect, it } from '@jest/globals';
import * as pulumi from '@pulumi/pulumi';
import { GatewayService, type GatewayServiceArgs } from '../../../components/gateway-service/index.js';

interface Seen {
  readonly type: string;
  readonly name: string;
  readonly inputs: Record<string, unknown>;
}
const SECRET_MARK = '4dabf18193072939515e22adb298388d';

const recorded: Seen[] = [];
const find = (suffix: string) => {
  const seen = recorded.find(({ name }) => name === `gateway-${suffix}`);
  if (!seen) throw new Error(`no resource gateway-${suffix}`);
  return seen.inputs;
};

/** The document behind the marker that Pulumi puts around a secret. */
const secret = (value: unknown) => {
  const wrapped = value as Record<string, unknown>;
  expect(wrapped[SECRET_MARK]).toBeDefined();
  return wrapped['value'];
};

describe('GatewayService', () => {
  beforeAll(async () => {
    await pulumi.runtime.setMocks(
      {
        newResource: ({ type, name, inputs }) => {
          recorded.push({ type, name, inputs: inputs as Record<string, unknown> });
          return { id: `${name}-id`, state: inputs as Record<string, unknown> };
        },
        call: ({ token }) => {
          throw new Error(`unexpected call of ${token}`);
        },
      },
      'project',
      'dev',
      false,
    );
    const args: GatewayServiceArgs = {
      target: {
        host: 'gateway.example.org',
        user: 'deploy',
        hostKey: 'ssh-ed25519 AAAA',
        privateKey: pulumi.secret('PRIVATE'),
      },
      hostId: 'host-1',
      release: {
        hash: '0123456789ab',
        archive: 'dist/release/telegram-gateway-0123456789ab.tar.gz',
        nodeVersion: '24.21.0',
        nodeArchive: 'dist/release/node-24.21.0-linux-x64.tar.gz',
      },
      environment: { TELEGRAM_DB_HOST: 'db.example.org' },
      credentials: pulumi.secret({ database: { user: 'gateway_a', password: 'PASSWORD' } }),
      credentialEpoch: 1,
      session: pulumi.secret('SESSION'),
      memoryMb: 400,
      healthPort: 4006,
    };
    const service = new GatewayService('gateway', args);
    await new Promise<void>((resolve) => {
      pulumi.all(service.ready.map((resource) => resource.urn)).apply(() => {
        resolve();
      });
    });
  });

  it('S3 copies both archives into the staging folder of this very host', () => {
    expect(find('copy-node')).toMatchObject({
      remotePath: '/opt/telegram-gateway/staging/node-24.21.0-linux-x64.tar.gz',
      triggers: ['host-1'],
    });
    expect(find('copy-release')).toMatchObject({
      remotePath: '/opt/telegram-gateway/staging/telegram-gateway-0123456789ab.tar.gz',
      triggers: ['host-1'],
    });
  });

  it('S4 every connection pins the host key', () => {
    const connections = recorded.map(({ inputs }) => inputs['connection']).filter((value) => value !== undefined);
    expect(connections).toHaveLength(8);
    for (const connection of connections) {
      const plain = (connection as Record<string, unknown>)[SECRET_MARK] ? secret(connection) : connection;
      expect(plain).toMatchObject({
        host: 'gateway.example.org',
        port: 22,
        user: 'deploy',
        hostKey: 'ssh-ed25519 AAAA',
      });
    }
  });

  it('S4 secrets travel by stdin, marked secret, and stand in no command', () => {
    expect(secret(find('credentials')['stdin'])).toBe('{"database":{"user":"gateway_a","password":"PASSWORD"}}');
    expect(secret(find('session')['stdin'])).toBe('SESSION');
    const commands = recorded.map(({ inputs }) => `${String(inputs['create'])} ${String(inputs['delete'])}`).join('\n');
    expect(commands).not.toMatch(/PASSWORD|SESSION|PRIVATE/);
  });

  it('S4 nothing of a secret step is logged', () => {
    expect(find('credentials')['logging']).toBe('none');
    expect(find('session')['logging']).toBe('none');
  });

  it('S6 every step runs again on another host, and only the removal undoes anything', () => {
    for (const step of ['prepare', 'install', 'credentials', 'session', 'service'])
      expect(find(step)).toMatchObject({ triggers: ['host-1'] });
    expect(recorded.filter(({ inputs }) => inputs['delete'] !== undefined).map(({ name }) => name)).toEqual([
      'gateway-removal',
    ]);
  });

  it('S3 the removal belongs to the address, so that a moved gateway leaves its old host first', () => {
    expect(find('removal')).toMatchObject({ create: 'true', triggers: ['gateway.example.org', 22] });
    expect(String(find('removal')['delete'])).toMatch(/^sudo -n sh -c 'systemctl disable --now telegram-gateway/);
  });

  it('S1 the service step carries unit and environment', () => {
    const stdin = String(find('service')['stdin']);
    expect(stdin).toContain('TELEGRAM_DB_HOST="db.example.org"');
    expect(stdin).toContain('TELEGRAM_SESSION_FILE="/opt/telegram-gateway/.session/default.session"');
    expect(stdin).toContain('NoNewPrivileges=yes');
  });

  it('D9 health listens on loopback unless told otherwise', () => {
    expect(String(find('service')['stdin'])).toContain('TELEGRAM_LISTEN_HOST="127.0.0.1"');
  });
});
