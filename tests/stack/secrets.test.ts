import { beforeAll, describe, expect, it } from '@jest/globals';
import { connections, docker, inside, inspectAll, TEST_PREFIX } from '../support/test-stack.js';

const LEAST_LENGTH = 16;

/** Every text inside a JSON value. */
function texts(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  return value !== null && typeof value === 'object' ? Object.values(value).flatMap(texts) : [];
}

/** Secrets of every kind: what people are shown, what processes read, what the services keep. */
async function secretsOfTheStack(): Promise<string[]> {
  const files: readonly (readonly [string, string])[] = [
    ['gateway-host', '/opt/telegram-gateway/credentials/credentials.json'],
    ['consumer', '/credentials/credentials.json'],
    ['gateway-api', '/credentials/credentials.json'],
    ['simulator', '/credentials/keys.json'],
  ];
  const contents = await Promise.all(files.map(async ([part, path]) => inside(part, 'cat', path)));
  const lines = await Promise.all([
    inside('gateway-host', 'cat', '/opt/telegram-gateway/.session/default.session'),
    inside('redis-master', 'cat', '/credentials/admin', '/credentials/sentinel', '/credentials/sentinel-client'),
    inside('rabbitmq', 'cat', '/credentials/erlang.cookie'),
    inside('timescaledb', 'cat', '/credentials/bootstrap-password'),
  ]);
  const shown = Object.values(connections()).flatMap(({ password, key }) => [password, key]);
  const all = [
    ...contents.flatMap((text) => texts(JSON.parse(text))),
    ...lines.flatMap((text) => text.split('\n')),
    ...shown,
  ];
  return [...new Set(all)].filter(
    (text): text is string => text !== undefined && text.length >= LEAST_LENGTH && !/^0+$/.test(text),
  );
}

/** The unit has a user namespace of its own: only root of the Docker host may look into it. */
async function gatewayEnvironment(host: string): Promise<string> {
  const processes = (await docker('top', host, '-eo', 'pid,args')).split('\n');
  const [pid = ''] =
    processes
      .find((line) => line.includes('telegram.cjs gateway'))
      ?.trim()
      .split(/\s+/) ?? [];
  const image = await docker('inspect', '--format', '{{.Image}}', host);
  const rights = ['--pid=host', '--cap-add=SYS_PTRACE', '--security-opt=apparmor=unconfined'];
  return docker('run', '--rm', '--network=none', ...rights, '--entrypoint', 'cat', image, `/proc/${pid}/environ`);
}

describe('S4 secrets', () => {
  let secrets: string[];
  let parts: string[];
  beforeAll(async () => {
    secrets = await secretsOfTheStack();
    parts = (await inspectAll()).map(({ Name }) => Name.replace(`/${TEST_PREFIX}telegram-`, ''));
  }, 60_000);
  const leaks = (text: string) => secrets.filter((secret) => text.includes(secret)).length;

  it('are many, so that the search below means something', () => {
    expect(secrets.length).toBeGreaterThanOrEqual(18);
  });

  it('S4 stand in no command line and in no environment of a process', async () => {
    const script = 'cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null | tr "\\0" "\\n"';
    for (const part of parts) {
      const text = await inside(part, 'sh', '-c', `${script}; true`);
      expect(text.length).toBeGreaterThan(20);
      expect({ part, leaks: leaks(text) }).toEqual({ part, leaks: 0 });
    }
    const gateway = await gatewayEnvironment(`${TEST_PREFIX}telegram-gateway-host`);
    expect(gateway).toContain('TELEGRAM_SESSION_FILE=');
    expect(leaks(gateway)).toBe(0);
  }, 60_000);

  it('S4 stand nowhere in what Docker tells of containers, volumes and images', async () => {
    const names = parts.map((part) => `${TEST_PREFIX}telegram-${part}`);
    const inspected = await docker('inspect', ...names);
    const images = await docker('inspect', ...(JSON.parse(inspected) as { Image: string }[]).map(({ Image }) => Image));
    expect([leaks(inspected), leaks(images)]).toEqual([0, 0]);
  });

  it('S4 stand in no log', async () => {
    for (const part of parts) {
      const text = await docker('logs', `${TEST_PREFIX}telegram-${part}`);
      expect({ part, leaks: leaks(text) }).toEqual({ part, leaks: 0 });
    }
    const journal = await inside('gateway-host', 'journalctl', '--no-pager', '-o', 'cat');
    expect(journal).toContain('"service":"gateway"');
    expect(leaks(journal)).toBe(0);
  }, 60_000);
});
