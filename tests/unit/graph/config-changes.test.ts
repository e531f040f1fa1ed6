import { describe, expect, it } from '@jest/globals';
import { FIXED, SOURCE, TABLE } from '../../support/config-effects.js';
import { configKeys } from '../../support/config-keys.js';
import { graphOf, HOST, type Node } from '../../support/graph.js';
import { changesBetween } from '../../support/graph-changes.js';
import { OUTSIDE_ENGINES } from '../../support/outside-engines.js';
import { DATA_HOST, placedStack } from '../../support/placed.js';
import { stackFile } from '../../support/stack-file.js';

type Config = Readonly<Record<string, unknown>>;

const FILE: Config = stackFile('Pulumi.dev.yaml');
/** With the one part that is off by default. */
const DEV: Config = {
  ...FILE,
  monitoring: { ...(FILE['monitoring'] as Config), alertWebhook: 'https://alerts.example.org/one' },
};
/** With nothing that only one image source has. */
const BOTH: Config = { ...DEV, monitoring: { ...(DEV['monitoring'] as Config), grafana: false } };
const PROD: Config = stackFile('Pulumi.prod.yaml');

/** A value for each kind that the dev stack does not use. */
const KINDS: Readonly<Record<string, Config>> = {
  ...Object.fromEntries(Object.entries(OUTSIDE_ENGINES).map(([top, kind]) => [`${top}(external)`, kind])),
  'gateway(machine)': { kind: 'machine', host: 'gw.example.org', hostKey: 'ssh-ed25519 AAAA', privateKey: 'one' },
  'backupTarget(s3)': {
    kind: 's3',
    endpoint: 's3.example.org',
    bucket: 'backups',
    accessKey: 'one',
    secretKey: 'two',
  },
  'telegram(real)': { kind: 'real', apiId: 1, apiHash: '0'.repeat(32) },
};

const CONTAINER = /^replace (every Container|telegram-)/;

const graphs = new Map<string, Promise<Map<string, Node>>>();
/** Each graph is made once. */
async function graph(config: Config, host = HOST): Promise<Map<string, Node>> {
  const id = JSON.stringify([config, host]);
  const known = graphs.get(id) ?? graphOf(config, host);
  graphs.set(id, known);
  return known;
}

/** The configuration in which a key counts, and the same with its new value. */
function step(key: string, value: unknown): { readonly before: Config; readonly after: Config } {
  const [, name = '', top = '', leaf] = /^((\w+)(?:\(\w+\))?)(?:\.(\w+))?$/.exec(key) ?? [];
  if (key === 'environment') return { before: { ...PROD, environment: 'development' }, after: PROD };
  // What only one source has comes and goes with it: tests/unit/graph/images.test.ts.
  if (key === 'images') return { before: BOTH, after: { ...BOTH, images: value } };
  if (key === 'tlsAuthorities')
    return { before: { ...DEV, ...OUTSIDE_ENGINES }, after: { ...DEV, ...OUTSIDE_ENGINES, [key]: value } };
  if (top === 'dockerHosts') {
    const other = { ...DATA_HOST, [leaf ?? '']: value };
    return {
      before: placedStack('Pulumi.dev.yaml', ['redis']),
      after: placedStack('Pulumi.dev.yaml', ['redis'], other),
    };
  }
  if (top === 'source') return { before: DEV, after: { ...DEV, source: { ...SOURCE, [leaf ?? '']: value } } };
  const stack = top.startsWith('backup') ? { ...DEV, backup: { enabled: true } } : DEV;
  const before = name in KINDS ? { ...stack, [top]: KINDS[name] } : stack;
  if (leaf === 'kind') return { before, after: { ...before, [top]: KINDS[`${top}(${String(value)})`] } };
  return { before, after: { ...before, [top]: leaf ? { ...(before[top] as Config), [leaf]: value } : value } };
}

describe('a change of one key', () => {
  it('R12 every key of the schema has its line', () => {
    const lines = [...TABLE.map(([key]) => key), ...Object.keys(FIXED)];
    expect(lines.sort()).toEqual([...configKeys().keys()].sort());
  });

  it.each(TABLE)('O2 %s = %j changes exactly what it should', async (key, value, changes) => {
    const { before, after } = step(key, value);
    const upstream = { ...HOST, imageSource: 'upstream' } as const;
    const pulled = key.startsWith('monitoring.grafana');
    const [from, to] = [pulled ? upstream : HOST, pulled || key === 'images' ? upstream : HOST];
    expect(changesBetween(await graph(before, from), await graph(after, to))).toEqual([...new Set(changes)].sort());
  });

  it.each(TABLE)('R12 the reference says of %s what its change does to a container', (key, _value, changes) => {
    const said = configKeys().get(key) ?? '';
    const replaced = changes.some((change) => CONTAINER.test(change));
    if (said.includes('Changed in place')) expect(replaced).toBe(false);
    if (said.includes('replaces the container')) expect(replaced).toBe(true);
  });
});
