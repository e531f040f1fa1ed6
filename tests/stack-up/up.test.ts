import { beforeAll, describe, expect, it } from '@jest/globals';
import { existsSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SNAPSHOT_FILE, takeSnapshot } from '../support/docker-snapshot.js';
import { imageSource, partsOf } from '../support/parts.js';
import {
  connections,
  inspectAll,
  must,
  run,
  TEST_CONFIG,
  TEST_PREFIX,
  TEST_STACK,
  TEST_STATE,
  testPort,
  type CommandResult,
  type Inspected,
} from '../support/test-stack.js';

const MINUTES = 60_000;

/** What tells that nobody touched a container. */
const identity = ({ Id, Name, State }: Inspected) => `${Name} ${Id} ${State.StartedAt}`;

describe('up', () => {
  let first: CommandResult;
  let before: Inspected[];
  let parts: string[];

  beforeAll(async () => {
    // An earlier run that was cut off may have left its stack.
    if (existsSync(join(TEST_STATE, TEST_STACK, 'engine'))) must('destroy', ['--yes']);
    expect(await inspectAll()).toEqual([]);
    first = must('up', ['--engine', 'embedded', '--config', TEST_CONFIG]);
    before = await inspectAll();
    parts = Object.keys(partsOf(await imageSource()));
  }, 15 * MINUTES);

  it('O10 the embedded engine applies the program, and says so', () => {
    expect(first.stderr).toContain('• engine: embedded, because it was asked for');
    expect(first.stderr).toContain('it has no preview, no history and no remote backend');
  });

  it('O1 from nothing to every container healthy', () => {
    const health = before.map(({ Name, State }) => `${Name} ${State.Health?.Status ?? 'no health check'}`);
    expect(health.sort()).toEqual(parts.map((part) => `/${TEST_PREFIX}telegram-${part} healthy`).sort());
  });

  it('O1 prints addresses by group on stdout, progress and the next command on stderr', () => {
    expect(first.stdout.split('\n').filter((line) => line !== '' && !line.startsWith(' '))).toEqual([
      'Data layer',
      'Gateway',
      'Telegram',
      'Monitoring',
    ]);
    expect(first.stdout).toMatch(new RegExp(` {2}timescaledb +postgresql://127.0.0.1:${String(testPort(15_434))}\\n`));
    expect(first.stdout).toMatch(new RegExp(` {2}api +http://127.0.0.1:${String(testPort(14_010))}\\n`));
    expect(first.stderr).toMatch(/^• images: (upstream|debian), because /m);
    expect(first.stderr).toMatch(/✔ up in .*; next: npm run smoke, npm run doctor\n✔ status page: http:\S+\/\n$/);
  });

  it('M2 says that there is no Grafana where the image source has none, and how to get one', () => {
    const said = first.stderr.includes('! there is no Grafana: Debian has none; set telegram:images to upstream');
    expect(said).toBe(!parts.includes('grafana'));
  });

  it(
    'O1 a second up changes nothing and says how long it took',
    async () => {
      const second = must('up');
      expect(second.stderr).toContain('✔ no changes\n');
      expect(second.stderr).toContain('because it made this stack');
      expect((await inspectAll()).map(identity).sort()).toEqual(before.map(identity).sort());
      const [, took = ''] = /✔ up in ((?:\d+ min )?[\d.]+ s);/.exec(second.stderr) ?? [];
      process.stderr.write(`    N7 second up: ${took}\n`);
      expect(took).not.toBe('');
    },
    5 * MINUTES,
  );

  it('O10 the state of the stack holds no secret in plain, and is for its owner alone', () => {
    const secrets = Object.values(connections()).flatMap(({ password, key }) => [password ?? '', key ?? '']);
    const long = secrets.filter((secret) => secret.length >= 16);
    expect(long.length).toBeGreaterThan(5);
    const folder = join(TEST_STATE, TEST_STACK);
    for (const name of readdirSync(folder).filter((entry) => statSync(join(folder, entry)).isFile())) {
      const text = readFileSync(join(folder, name), 'utf8');
      expect({ name, leaks: long.filter((secret) => text.includes(secret)).length }).toEqual({ name, leaks: 0 });
    }
    for (const name of ['engine-state.json', 'outputs.sealed', 'passphrase'])
      expect(`${name} ${(statSync(join(folder, name)).mode & 0o777).toString(8)}`).toBe(`${name} 600`);
    expect((statSync(join(folder, 'backend')).mode & 0o777).toString(8)).toBe('700');
  });

  it('O10 leaves what Docker says of it for the tests of the other engine', async () => {
    const snapshot = await takeSnapshot();
    writeFileSync(SNAPSHOT_FILE, JSON.stringify(snapshot, null, 1));
    expect(Object.keys(snapshot.containers).length).toBe(parts.length);
  });

  it('O1 nothing that git tracks changed by it', () => {
    expect(run('generate', ['--check']).code).toBe(0);
    expect(readFileSync(TEST_CONFIG, 'utf8')).not.toContain('instanceId');
  });
});
