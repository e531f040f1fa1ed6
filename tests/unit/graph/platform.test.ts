import { beforeAll, describe, expect, it } from '@jest/globals';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { INVARIANTS } from '../../../policy/invariants.js';
import { changed, graphOf, HOST, type Node } from '../../support/graph.js';
import { stackFile } from '../../support/stack-file.js';

const ROOT = join(__dirname, '..', '..', '..');
const GOLDEN = join(ROOT, 'tests', 'golden', 'dev-graph.json');
/** Resources that a rotation changes; the preview of the real engine shows the same (tests/cli). */
const ROTATION = join(ROOT, 'tests', 'golden', 'rotation.txt');

/** Content hashes change with every edit of a source file; the shape does not. */
function stable(graph: Map<string, Node>): unknown {
  const nodes = [...graph.values()].map(({ fingerprint: _, ...node }) => node);
  const text = JSON.stringify(nodes, null, 1)
    .replace(/:[0-9a-f]{12}"/g, ':<hash>"')
    .replace(/[0-9a-f]{64}/g, '<sha256>')
    .replace(/\b[0-9a-f]{16}\b/g, '<hash>')
    .replace(/telegram-gateway-[0-9a-f]{12}/g, 'telegram-gateway-<hash>')
    .replace(/releases\/[0-9a-f]{12}/g, 'releases/<hash>')
    .replace(/HASH=[0-9a-f]{12}/g, 'HASH=<hash>');
  return JSON.parse(text);
}

describe('the program under mocks', () => {
  let dev: Map<string, Node>;
  beforeAll(async () => {
    dev = await graphOf(stackFile('Pulumi.dev.yaml'));
  }, 120_000);

  it('D13 declares every container by its name', () => {
    const names = [...dev.values()]
      .filter(({ type }) => type.endsWith(':Container'))
      .map(({ inputs }) => inputs['name']);
    expect(names.sort()).toEqual([
      'telegram-consumer',
      'telegram-gateway-api',
      'telegram-gateway-host',
      'telegram-node-exporter',
      'telegram-pgbouncer',
      'telegram-pgbouncer-exporter',
      'telegram-postgres-exporter',
      'telegram-prometheus',
      'telegram-rabbitmq',
      'telegram-redis-exporter',
      'telegram-redis-master',
      'telegram-redis-replica',
      'telegram-redis-sentinel-1',
      'telegram-redis-sentinel-2',
      'telegram-redis-sentinel-3',
      'telegram-simulator',
      'telegram-timescaledb',
    ]);
  });

  it.each(Object.entries(INVARIANTS))('D9 D12 every resource %s', (_, invariant) => {
    const broken = [...dev.values()].flatMap((node) => {
      const why = invariant(node);
      return why ? [`${node.name}: ${why}`] : [];
    });
    expect(broken).toEqual([]);
  });

  it('O10 the graph is the golden one', () => {
    const actual = stable(dev);
    if (process.env['UPDATE_GOLDEN']) writeFileSync(GOLDEN, `${JSON.stringify(actual, null, 1)}\n`);
    expect(actual).toEqual(JSON.parse(readFileSync(GOLDEN, 'utf8')));
  });

  it('O10 the same configuration gives the same graph', async () => {
    const again = await graphOf(stackFile('Pulumi.dev.yaml'));
    // The simulator's RSA key is made by a command, here once a process.
    expect(changed(dev, again)).toEqual([]);
  }, 120_000);

  it('O5 one more epoch changes exactly the listed resources: one slot of each credential, no container', async () => {
    const next = await graphOf({ ...stackFile('Pulumi.dev.yaml'), credentialEpoch: 2 });
    const names = changed(dev, next);
    if (process.env['UPDATE_GOLDEN']) writeFileSync(ROTATION, `${names.join('\n')}\n`);
    expect(names).toEqual(readFileSync(ROTATION, 'utf8').trim().split('\n'));
    expect(names.filter((name) => name.includes(':Container '))).toEqual([]);
    const passwords = names.filter((name) => /:Random(Password|Bytes) /.test(name));
    expect(passwords.length).toBeGreaterThan(20);
    expect(passwords.filter((name) => !/-a(-salt)?$/.test(name))).toEqual([]);
  }, 120_000);

  it('O5 the step after that changes the same resources, and of each credential the other slot', async () => {
    const second = await graphOf({ ...stackFile('Pulumi.dev.yaml'), credentialEpoch: 2 });
    const third = await graphOf({ ...stackFile('Pulumi.dev.yaml'), credentialEpoch: 3 });
    const listed = readFileSync(ROTATION, 'utf8').trim().split('\n');
    const turned = listed.map((name) =>
      name.replace(/-a$|-a(?=-salt$)/, '-b').replace(/(?<=credential-epoch-)\d/, (epoch) => String(Number(epoch) + 1)),
    );
    expect(changed(second, third)).toEqual(turned.sort());
  }, 120_000);

  it('M2 O5 where Grafana can be had, its admin gets another password with each epoch, and the key of its database stays', async () => {
    const upstream = { ...HOST, imageSource: 'upstream' } as const;
    const of = (credentialEpoch: number) => graphOf({ ...stackFile('Pulumi.dev.yaml'), credentialEpoch }, upstream);
    const [first, second, third] = [await of(1), await of(2), await of(3)];
    for (const turned of [changed(first, second), changed(second, third)].map((names) => names.join('\n'))) {
      expect(turned).toMatch(/secrets-grafana-admin$/m);
      expect(turned).toMatch(/monitoring-grafana-files$/m);
      expect(turned).not.toMatch(/secrets-grafana-key|telegram-grafana$/m);
    }
  }, 240_000);

  it('O5 the record of a completed epoch waits for every part, that of its beginning comes before every password', () => {
    const record = (stage: string) => `docker:index/volume:Volume credential-epoch-1-${stage}`;
    const parts = dev.get(record('completed'))?.dependsOn.map((key) => key.split(' ')[1]);
    expect(parts?.sort()).toEqual([
      'consumer-credentials',
      'gateway-api-credentials',
      'gateway-service',
      'monitoring-credentials',
      'telegram-consumer',
      'telegram-gateway-api',
      'telegram-migrations-roles',
      'telegram-node-exporter',
      'telegram-pgbouncer',
      'telegram-pgbouncer-exporter',
      'telegram-pgbouncer-userlist',
      'telegram-postgres-exporter',
      'telegram-prometheus',
      'telegram-rabbitmq-users',
      'telegram-redis-exporter',
      'telegram-redis-reload',
    ]);
    const turning = [...dev.values()].filter(({ inputs }) => inputs['keepers'] !== undefined);
    expect(turning.length).toBeGreaterThan(40);
    expect(turning.filter(({ dependsOn }) => !dependsOn.includes(record('begun')))).toEqual([]);
  });

  it('O5 nobody is told a new password before it is accepted everywhere', () => {
    const after = (key: string): string[] => {
      const found = dev.get(key)?.dependsOn ?? [];
      return [...found, ...found.flatMap(after)];
    };
    const accepted = ['telegram-pgbouncer-userlist', 'telegram-redis-reload', 'telegram-rabbitmq-users'];
    const command = (name: string) =>
      [...dev.keys()].find((key) => key.startsWith('command:') && key.endsWith(` ${name}`)) ?? name;
    expect(after(command('telegram-pgbouncer-userlist'))).toContain(command('telegram-migrations-roles'));
    for (const name of ['gateway-credentials', 'consumer-credentials'])
      expect(after(command(name))).toEqual(expect.arrayContaining(accepted.map(command)));
    expect(after(command('gateway-api-credentials'))).toEqual(
      expect.arrayContaining(accepted.slice(0, 2).map(command)),
    );
  });

  it('D2 only a production stack whose owner did not accept it refuses a PgBouncer below its floor', async () => {
    const floor = (graph: Map<string, Node>) =>
      [...graph.values()].some(({ name }) => name === 'telegram-pgbouncer-floor');
    const prod = stackFile('Pulumi.prod.yaml');
    const pgbouncer = { ...(prod['pgbouncer'] as object), acceptBelowFloor: true };
    expect(floor(dev)).toBe(false);
    expect(floor(await graphOf(prod))).toBe(true);
    expect(floor(await graphOf({ ...prod, pgbouncer }))).toBe(false);
  }, 120_000);

  it('R10 a production stack has neither simulator nor gateway container', async () => {
    const prod = await graphOf({ ...stackFile('Pulumi.prod.yaml') });
    const names = [...prod.values()].map(({ name }) => name).join(' ');
    expect(names).not.toContain('simulator');
    expect(names).not.toContain('gateway-host');
    const volumes = [...prod.values()].filter(({ type, name }) => type.endsWith(':Volume') && name.endsWith('-data'));
    expect(volumes.length).toBeGreaterThan(3);
    expect(volumes.every(({ options }) => options['protect'] === true && options['retainOnDelete'] === true)).toBe(
      true,
    );
  }, 120_000);
});
