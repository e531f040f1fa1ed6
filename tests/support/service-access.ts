import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { passwordHash } from '../../components/rabbitmq/users.js';
import { container, must, type Connections } from './test-stack.js';

const BROKER_ADMIN = 'test-admin';

/**
 * What the service tests read (see services.ts), for the running test stack. The stack's own logins are those of readers; the
 * tests make databases and vhosts, so they get an administrator of their own at the broker and the cache's `admin`.
 */
export function serviceEnvironment(): Record<string, string> {
  const known = JSON.parse(must('connections', ['--json', '--show-secrets']).stdout) as Connections;
  const address = (service: string): string => `${known[service]?.host ?? ''}:${String(known[service]?.port)}`;
  const database = known['timescaledb'];
  const broker = `${BROKER_ADMIN}:${brokerAdministrator()}`;
  return {
    TEST_DATABASE_URL: `postgresql://${database?.user ?? ''}:${database?.password ?? ''}@${address('timescaledb')}/postgres`,
    TEST_AMQP_URL: `amqp://${broker}@${address('rabbitmq')}`,
    TEST_AMQP_MANAGEMENT_URL: `http://${broker}@${address('rabbitmq-management')}`,
    TEST_REDIS_URL: `redis://admin:${cacheAdmin()}@${cacheMaster()}`,
    TEST_BASE_IMAGE: 'telegram-hybrid-stack/base:trixie',
  };

  /** A failover may have made the replica the master. */
  function cacheMaster(): string {
    const role = inside('redis-master', 'REDISCLI_AUTH=$(head -1 /credentials/admin) redis-cli --user admin role');
    return address(role.startsWith('master') ? 'redis-master' : 'redis-replica');
  }
}

/** Makes the broker's administrator, or gives it a new password. The hash goes by stdin, as the stack does it with its own users. */
function brokerAdministrator(): string {
  const password = randomBytes(16).toString('hex');
  const user = {
    name: BROKER_ADMIN,
    password_hash: passwordHash(password, randomBytes(4).toString('base64')),
    hashing_algorithm: 'rabbit_password_hashing_sha256',
    tags: ['administrator'],
  };
  const script =
    'umask 077; trap "rm -f /tmp/test-admin.json" EXIT; cat >/tmp/test-admin.json; rabbitmqctl --quiet import_definitions /tmp/test-admin.json </dev/null';
  inside('rabbitmq', script, JSON.stringify({ users: [user] }));
  return password;
}

function cacheAdmin(): string {
  return inside('redis-master', 'head -1 /credentials/admin');
}

function inside(part: string, script: string, input = ''): string {
  const output = execFileSync('docker', ['exec', '-i', container(part), 'sh', '-c', script], {
    input,
    timeout: 60_000,
  });
  return output.toString().trim();
}
