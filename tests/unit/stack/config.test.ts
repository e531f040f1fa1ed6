import { describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { environmentSchema } from '../../../runtime/config.js';
import { parseConfig, parseStackFile } from '../../../stack/config.js';
import { UserError } from '../../../stack/errors.js';
import { cpusOf, memoryOf } from '../../../stack/sizes.js';
import { stackSchema } from '../../../stack/config-schema.js';
import { EXAMPLE_AUTHORITY, EXAMPLE_SERVER } from '../../support/certificates/index.js';
import { stackFile } from '../../support/stack-file.js';

const ROOT = join(__dirname, '..', '..', '..');

function mistakes(raw: Record<string, unknown>): string {
  try {
    parseConfig(raw);
  } catch (error) {
    if (error instanceof UserError) return error.message;
    throw error;
  }
  return '';
}

const SSH_KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAA';
const production = {
  environment: 'production',
  dataPolicy: 'retain',
  gateway: { kind: 'machine', host: 'gateway.example.org', hostKey: SSH_KEY },
  telegram: { kind: 'real', apiId: 1, apiHash: '0'.repeat(32) },
};

describe('stack configuration', () => {
  it('R12 an empty configuration is complete by its defaults and frozen', () => {
    const config = parseConfig({});
    expect(config.pgbouncer.port).toBe(6434);
    expect(Object.isFrozen(config.pgbouncer)).toBe(true);
  });

  it('R12 unknown keys and wrong types are all reported at once, each with its path', () => {
    const text = mistakes({ nonsense: 1, timescale: { kind: 'container', port: 'x', colour: 'red' } });
    expect(text).toContain('telegram:nonsense: unknown key');
    expect(text).toContain('telegram:timescale.port:');
    expect(text).toContain('telegram:timescale.colour: unknown key');
  });

  it('O11 two ports alike name both keys', () => {
    expect(mistakes({ api: { port: 5434 } })).toContain('telegram:api.port: port 5434 is also telegram:timescale.port');
  });

  it('O11 an even number of Sentinels is refused', () => {
    expect(mistakes({ redis: { kind: 'container', sentinels: 2 } })).toContain(
      'telegram:redis.sentinels: expected an odd number, got 2',
    );
  });

  it('O11 a pool larger than max_connections allows is refused', () => {
    const text = mistakes({
      timescale: { kind: 'container', maxConnections: 25 },
      pgbouncer: { maxServerConnections: 20 },
    });
    expect(text).toContain('telegram:pgbouncer.maxServerConnections: expected at most 15');
  });

  it.each([
    ['off', 'queue', 'expected "poll" while telegram:rabbitmq.kind is "off"'],
    ['off', 'dual', 'expected "poll" while telegram:rabbitmq.kind is "off"'],
    ['container', 'poll', 'expected "queue" or "dual" with a broker'],
    ['off', 'poll', ''],
    ['container', 'dual', ''],
  ])('R7 a broker that is %s and a consumer that would %s fit each other, or are refused', (kind, mode, said) => {
    const text = mistakes({ rabbitmq: { kind }, consumer: { mode } });
    if (said === '') expect(text).toBe('');
    else expect(text).toContain(`telegram:consumer.mode: ${said}`);
  });

  it('R7 groups have a queue where there is a broker, each name once', () => {
    const groups = (names: string[], kind = 'container') =>
      mistakes({ rabbitmq: { kind }, consumer: { groups: names, mode: kind === 'off' ? 'poll' : 'queue' } });
    expect(groups(['reports', 'search'])).toBe('');
    expect(groups(['reports', 'reports'])).toContain('telegram:consumer.groups: "reports" is there already');
    expect(groups(['default'])).toContain('telegram:consumer.groups: "default" is there already');
    expect(groups(['Reports!'])).toContain('telegram:consumer.groups');
    expect(groups(['reports'], 'off')).toContain('expected none without a broker');
  });

  it('R13 further accounts are named once, by names that a unit can have', () => {
    const accounts = (names: string[]) => mistakes({ gateway: { kind: 'container', accounts: names } });
    expect(accounts(['second', 'third'])).toBe('');
    expect(accounts(['second', 'second'])).toContain('telegram:gateway.accounts: "second" is there already');
    for (const name of ['default', 'a b', '../x']) expect(accounts([name])).toContain('telegram:gateway.accounts');
  });

  it('D14 authorities are certificates of authorities, one or several', () => {
    const bundle = `An authority\n${EXAMPLE_AUTHORITY}\nand once more\n${EXAMPLE_AUTHORITY}`;
    expect(parseConfig({ tlsAuthorities: bundle }).tlsAuthorities).toBe(bundle);
    for (const raw of [{}, { tlsAuthorities: '' }]) expect(parseConfig(raw).tlsAuthorities).toBeUndefined();
  });

  it.each([
    ['/etc/ssl/certs/company.pem', 'expected certificates in PEM form'],
    [EXAMPLE_SERVER, 'certificate 1 of 1 (CN=mq.example.org) is not that of an authority'],
    [`${EXAMPLE_AUTHORITY}${EXAMPLE_AUTHORITY.replace('MII', 'XXX')}`, 'certificate 2 of 2 cannot be read'],
    [
      `${EXAMPLE_AUTHORITY}${EXAMPLE_AUTHORITY.replaceAll('CERTIFICATE', 'PRIVATE KEY')}`,
      'expected certificates alone: this key is no secret',
    ],
  ])('D14 what is no bundle of authorities is refused', (tlsAuthorities, words) => {
    expect(mistakes({ tlsAuthorities })).toContain(`telegram:tlsAuthorities: ${words}`);
  });

  it('R10 production refuses the simulator', () => {
    expect(mistakes({ ...production, telegram: { kind: 'simulator' } })).toContain(
      'a production stack refuses the simulator',
    );
  });

  it('R12 production without API id or host key is refused', () => {
    const text = mistakes({
      ...production,
      telegram: { kind: 'real', apiHash: '0'.repeat(32) },
      gateway: { kind: 'machine', host: 'gateway.example.org' },
    });
    expect(text).toContain('telegram:telegram.apiId:');
    expect(text).toContain('telegram:gateway.hostKey:');
    expect(mistakes(production)).toBe('');
  });

  it('D12 the prod example fits 9 CPU and 7.5 GB, the dev example a 2-core, 4 GB machine', () => {
    const prod = stackSchema.parse(stackFile('Pulumi.prod.yaml'));
    expect(cpusOf(prod)).toBeLessThanOrEqual(9);
    expect(memoryOf(prod)).toBeLessThanOrEqual(7_680);
    expect(memoryOf(parseConfig(stackFile('Pulumi.dev.yaml')))).toBeLessThanOrEqual(3_584);
  });

  it('R12 the committed stack files hold every key and none that is unknown', () => {
    const keys = Object.keys(stackSchema.shape).filter(
      (key) =>
        !['instanceId', 'namePrefix', 'bindAddress', 'docker', 'dockerHosts', 'source', 'tlsAuthorities'].includes(key),
    );
    for (const file of ['Pulumi.dev.yaml', 'Pulumi.prod.yaml'])
      expect(Object.keys(stackFile(file))).toEqual(expect.arrayContaining(keys));
  });

  it('R12 Pulumi.yaml declares exactly the keys of the schema', () => {
    const project = parse(readFileSync(join(ROOT, 'Pulumi.yaml'), 'utf8')) as {
      config: Record<string, { description: string; default?: unknown }>;
    };
    expect(Object.keys(project.config).sort()).toEqual(Object.keys(stackSchema.shape).sort());
    for (const { description } of Object.values(project.config)) expect(description.length).toBeGreaterThan(20);
    // The CLI refuses every stack file that does not set a key without a default.
    const open = Object.entries(project.config).filter(([, value]) => value.default === undefined);
    expect(open.map(([key]) => key)).toEqual([]);
  });

  it('R12 .env.example names every variable of the runtime and the port of every service, each once', () => {
    const lines = readFileSync(join(ROOT, '.env.example'), 'utf8').split('\n');
    const names = lines.flatMap((line) => /^(TELEGRAM_[A-Z_]+)=/.exec(line)?.[1] ?? []);
    expect(new Set(names).size).toBe(names.length);
    expect(names).toEqual(expect.arrayContaining(Object.keys(environmentSchema.shape)));
    const services = ['DB', 'PGBOUNCER', 'REDIS_MASTER', 'RABBITMQ', 'API', 'PROMETHEUS', 'GRAFANA'];
    expect(names).toEqual(expect.arrayContaining(services.map((name) => `TELEGRAM_${name}_PORT`)));
    expect(lines).toContain('TELEGRAM_GRAFANA_PORT=3100');
  });

  it('R12 an empty structure is an absent one', () => {
    expect(parseStackFile({ 'telegram:source': '{}', 'telegram:timescale': '{}' })).toEqual(parseStackFile({}));
  });
});
