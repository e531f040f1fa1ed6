import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { join } from 'node:path';
import { SUITES } from '../../components/image-names.js';
import type { DrillResult } from '../../ops/backup/drill.js';
import { OtherStack } from '../support/other-stack.js';
import { settled } from '../support/prometheus.js';
import { SecondEngine } from '../support/second-engine.js';
import { flawless, ready, testPort, testSubnet } from '../support/test-stack.js';

const MINUTES = 60_000;
/** What stands on the second engine: all three parts, what goes with the database, and an exporter of that host. */
const THERE = [
  ...['backup', 'node-exporter-data', 'pgbouncer', 'rabbitmq', 'redis-master', 'redis-replica'],
  ...['redis-sentinel-1', 'redis-sentinel-2', 'redis-sentinel-3', 'timescaledb'],
];
const SERVICES = ['backup', 'exporters', 'pgbouncer', 'rabbitmq', 'redis', 'timescaledb'];

interface Check {
  readonly name: string;
  readonly ok: boolean;
  readonly detail: string;
  readonly fix: string | null;
}

const refusal = SecondEngine.refusal();
const title = 'D14 a stack on two Docker hosts';

/** Every part that can stand on another Docker host stands there, the database with its backup. */
(refusal === null ? describe : describe.skip)(refusal === null ? title : `${title} (${refusal})`, () => {
  const engine = new SecondEngine();
  const stack = new OtherStack('far', {
    'telegram:images': 'debian',
    'telegram:backup': { enabled: true },
    'telegram:dockerHosts': { data: { host: engine.host, address: engine.address, subnet: testSubnet(4) } },
  });
  for (const part of ['timescale', 'redis', 'rabbitmq']) stack.beginWith(`telegram:${part}.on`, 'data');
  const names = (list: readonly string[]) => list.map((part) => `${stack.prefix}telegram-${part}`);
  const there = async (...filter: string[]) =>
    (await engine.docker('ps', ...filter, '--format', '{{.ID}} {{.Names}}')).split('\n').filter(Boolean).sort();
  const complaints = () => {
    const { checks } = JSON.parse(stack.run('doctor', '--json').stdout) as { checks: Check[] };
    return checks.filter(({ ok }) => !ok);
  };
  const flows = () => {
    const { stdout } = stack.must('smoke', '--json', '--count', '20', '--rate', '50');
    expect(JSON.parse(stdout)).toMatchObject(flawless(20));
  };

  beforeAll(async () => {
    await engine.create();
    // An earlier run that was cut off may have left its stack, whose second half is gone by now.
    await stack.removeAll();
    await engine.copyImages(
      [join('dist', 'image'), ...SERVICES.map((service) => join('images', service))],
      `telegram-hybrid-stack/base:${SUITES['redis'] ?? 'trixie'}`,
    );
  }, 10 * MINUTES);
  afterAll(async () => {
    await stack.removeAll().finally(() => engine.remove());
  }, 5 * MINUTES);

  it(
    'D14 each part is where the configuration says, messages flow through, and the next `up` changes nothing',
    async () => {
      const { stderr, stdout } = stack.must('up');
      expect(stderr).toContain(`• on data (${engine.host}): `);
      const port = String(testPort(5_672 + 20_000 + 2_000));
      expect(stdout).toContain(`amqp://${engine.address}:${port}`);
      const before = await there();
      expect(before.map((line) => line.split(' ')[1]).sort()).toEqual(names(THERE));
      const here = (await stack.containers()).map(({ Name }) => Name.slice(1));
      expect(here.filter((name) => names(THERE).includes(name))).toEqual([]);
      expect(here).toContain(`${stack.prefix}telegram-consumer`);
      flows();
      expect(stack.must('up').stderr).toContain('✔ no changes\n');
      expect(await there()).toEqual(before);
    },
    10 * MINUTES,
  );

  it(
    'D14 what was killed there is mended by `up`, and every check passes',
    async () => {
      await engine.docker('kill', ...names(['rabbitmq']));
      await engine.docker('rm', '-f', ...names(['redis-sentinel-1']));
      stack.must('up');
      expect((await there()).map((line) => line.split(' ')[1]).sort()).toEqual(names(THERE));
      flows();
      // Prometheus asks every fifteen seconds.
      const answer = async () => Promise.resolve(complaints());
      expect(await settled(answer, (all) => all.length === 0, 2 * MINUTES)).toEqual([]);
    },
    8 * MINUTES,
  );

  it(
    'D14 O5 O8 commands of every day do there what they do on one host, and messages flow after each',
    async () => {
      const before = await there();
      stack.must('backup');
      const { stderr: restored } = stack.must('restore', '--latest', '--yes');
      expect(restored).toMatch(/✔ restored to its last change/);
      expect(await there()).toEqual(before);
      flows();
      stack.must('backup');
      const drilled = JSON.parse(stack.must('restore', '--drill', '--json').stdout) as DrillResult;
      expect(drilled).toMatchObject({ good: true, differences: [] });

      expect(stack.must('rotate').stderr).toContain('✔ epoch 2 complete');
      expect(await there()).toEqual(before);

      stack.must('stop');
      expect(await there()).toEqual([]);
      stack.must('start');
      expect(await there()).toEqual(before);
      const healthy = async () => (await there('--filter', 'health=healthy')).length;
      expect(await settled(healthy, (count) => count === before.length, 2 * MINUTES)).toBe(before.length);
      flows();

      const { stdout: log } = stack.must('logs', 'timescaledb', '--lines', '5');
      expect(log.trim().split('\n').length).toBeGreaterThan(0);
      expect(stack.must('logs').stdout.split('\n')).toEqual(expect.arrayContaining(['consumer', 'timescaledb']));
      expect(stack.must('dlq', 'list', '--json').code).toBe(0);
      process.stderr.write(`    D14 drill on the other host: ${drilled.seconds.toFixed(1)} s\n`);
    },
    10 * MINUTES,
  );

  it(
    'D14 while that host is away, the doctor says so, and nothing is removed; once it is back, messages flow again',
    async () => {
      await engine.stop();
      const red = complaints();
      const found = (name: string) => red.find((check) => check.name === name);
      expect(found('docker')?.detail).toContain(`no Docker engine answers at ${engine.host}`);
      expect(found('containers')?.detail).toContain(`${names(['timescaledb'])[0] ?? ''} is out of reach`);
      expect(found('containers')?.fix).toContain(`start the Docker engine at ${engine.host}`);
      for (const command of [stack.run('up'), stack.run('destroy', '--yes')]) {
        expect(command.code).toBe(1);
        expect(command.stderr).toContain(
          `✖ DOCKER_DOWN no Docker engine answers at ${engine.host} (telegram:dockerHosts.data.host)`,
        );
      }
      await engine.start();
      stack.must('up');
      flows();
    },
    8 * MINUTES,
  );

  it(
    'D14 destroyed, it leaves nothing on either host, and the first one is as it was',
    async () => {
      stack.must('destroy', '--yes');
      expect(await there('-a')).toEqual([]);
      expect(await engine.docker('volume', 'ls', '-q')).toBe('');
      expect(await engine.docker('network', 'ls', '-q', '--filter', 'type=custom')).toBe('');
      expect([await stack.containers(), await stack.volumes(), await stack.networks()]).toEqual([[], [], []]);
      await engine.remove();
      expect(await ready('api')).toBe(true);
    },
    5 * MINUTES,
  );
});
