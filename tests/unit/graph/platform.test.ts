import { beforeAll, describe, expect, it } from '@jest/globals';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { INVARIANTS } from '../../../policy/invariants.js';
import { changed, graphOf, type Node } from '../../support/graph.js';
import { stackFile } from '../../support/stack-file.js';

const ROOT = join(__dirname, '..', '..', '..');
const GOLDEN = join(ROOT, 'tests', 'golden', 'dev-graph.json');

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
      'telegram-pgbouncer',
      'telegram-rabbitmq',
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

  it('O5 one more epoch changes one slot of each machine credential and no container', async () => {
    const next = await graphOf({ ...stackFile('Pulumi.dev.yaml'), credentialEpoch: 2 });
    const names = changed(dev, next);
    expect(names.filter((name) => name.includes(':Container ') || name.includes(':Volume '))).toEqual([]);
    const passwords = names.filter((name) => name.includes(':RandomPassword '));
    expect(passwords.length).toBeGreaterThan(10);
    expect(passwords.every((name) => name.endsWith('-a'))).toBe(true);
  }, 120_000);

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
