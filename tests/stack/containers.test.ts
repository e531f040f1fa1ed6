import { beforeAll, describe, expect, it } from '@jest/globals';
import { Client } from 'pg';
import { isOwnUser, RUN_AS_ROOT } from '../../policy/invariants.js';
import { clientConfig, rowsOf } from '../support/database.js';
import { imageSource, partsOf } from '../support/parts.js';
import {
  docker,
  inside,
  inspectAll,
  type Inspected,
  TEST_PREFIX,
  testPort,
  testSubnet,
} from '../support/test-stack.js';

/** PgBouncer's console. */
const CONSOLE = { service: 'pgbouncer-admin', database: 'pgbouncer' };
const MB = 2 ** 20;
const NETWORK = `${TEST_PREFIX}telegram-network`;

let all: Inspected[];
const part = (name: string): Inspected => {
  const found = all.find(({ Name }) => Name === `/${TEST_PREFIX}telegram-${name}`);
  if (!found) throw new Error(`no container ${name}`);
  return found;
};

beforeAll(async () => {
  all = await inspectAll();
}, 60_000);

describe('every container', () => {
  it('D9 publishes on loopback only', () => {
    const published = all.flatMap(({ Name, NetworkSettings }) =>
      Object.values(NetworkSettings.Ports).flatMap((bindings) =>
        (bindings ?? []).map(({ HostIp }) => `${Name} ${HostIp}`),
      ),
    );
    expect(published.length).toBeGreaterThan(12);
    expect(published.filter((line) => !line.endsWith(' 127.0.0.1'))).toEqual([]);
  });

  it('D12 has CPU and memory limits, swap included, and bounded logs', () => {
    for (const { Name, HostConfig } of all) {
      const { Memory, MemorySwap, NanoCpus, LogConfig } = HostConfig;
      expect({ Name, limited: Memory > 0 && MemorySwap === Memory && NanoCpus > 0 }).toEqual({ Name, limited: true });
      expect(LogConfig.Config).toEqual({ 'max-size': '10m', 'max-file': '3' });
    }
  });

  it('D13 stands in the one network of the stack, at its fixed address, and nothing else does', async () => {
    const [network] = JSON.parse(await docker('network', 'inspect', NETWORK)) as [
      { IPAM: { Config: { Subnet: string }[] }; Containers: Record<string, { Name: string; IPv4Address: string }> },
    ];
    expect(network.IPAM.Config.map(({ Subnet }) => Subnet)).toEqual([testSubnet(0)]);
    for (const { Name, NetworkSettings } of all)
      expect({ Name, networks: Object.keys(NetworkSettings.Networks) }).toEqual({ Name, networks: [NETWORK] });
    const places = Object.values(network.Containers).map(
      ({ Name, IPv4Address }) => `${Name.replace(`${TEST_PREFIX}telegram-`, '')} ${IPv4Address.split('/')[0] ?? ''}`,
    );
    const expected = Object.entries(partsOf(await imageSource()));
    expect(places.sort()).toEqual(expected.map(([name, last]) => `${name} ${testSubnet(0, String(last))}`).sort());
  });

  it('D13 keeps its data in named volumes alone', () => {
    const mounts = all.flatMap(({ Name, Mounts }) =>
      Mounts.map((mount) => ({ ...mount, Name: `${Name} ${mount.Name ?? ''}` })),
    );
    const foreign = mounts.filter(({ Type, Name }) => Type === 'volume' && !Name.includes(` ${TEST_PREFIX}telegram-`));
    expect(foreign).toEqual([]);
  });

  it('D12 runs without privileges', () => {
    for (const { Name, HostConfig } of all) {
      expect({ Name, Privileged: HostConfig.Privileged, drops: HostConfig.CapDrop }).toEqual({
        Name,
        Privileged: false,
        drops: ['ALL'],
      });
      expect([Name, ...(HostConfig.SecurityOpt ?? [])]).toContain('no-new-privileges:true');
    }
  });

  it('D12 S5 runs every process as a user of its own, on a root that cannot be written, but for those that the rules except', async () => {
    const exceptions = Object.keys(RUN_AS_ROOT).map((name) => `/${TEST_PREFIX}${name}`);
    const others = all.filter(({ Name }) => !exceptions.includes(Name));
    expect(others).toHaveLength(all.length - exceptions.length);
    for (const { Name, Config, HostConfig } of others) {
      const [, ...uids] = (await docker('top', Name.slice(1), '-eo', 'uid,pid')).split('\n');
      const asRoot = uids.filter((line) => line.trim().startsWith('0 '));
      expect({ Name, own: isOwnUser(Config.User), asRoot, readOnly: HostConfig.ReadonlyRootfs }).toEqual({
        Name,
        own: true,
        asRoot: [],
        readOnly: true,
      });
      expect(uids.length).toBeGreaterThan(0);
    }
  });
});

describe('D1 TimescaleDB', () => {
  it('D1 has its limits, its port and the tuning that follows from them', async () => {
    const { HostConfig, NetworkSettings } = part('timescaledb');
    expect([HostConfig.Memory / MB, HostConfig.NanoCpus / 1e9]).toEqual([1024, 2]);
    expect(NetworkSettings.Ports['5432/tcp']).toEqual([{ HostIp: '127.0.0.1', HostPort: String(testPort(15_434)) }]);
    const [settings] =
      await rowsOf(`select current_setting('shared_buffers') as buffers, current_setting('max_connections') as connections,
              current_setting('max_parallel_workers') as workers, current_setting('fsync') as fsync`);
    expect(settings).toEqual({ buffers: '256MB', connections: '80', workers: '2', fsync: 'on' });
  });

  it('D1 has database, schema, TimescaleDB and pg_stat_statements', async () => {
    const [row] =
      await rowsOf(`select current_database() as database, to_regnamespace('telegram_gateway') is not null as schema,
              (select count(*)::int from pg_extension where extname = 'timescaledb') as timescaledb,
              current_setting('shared_preload_libraries') as preloaded`);
    expect(row).toEqual({
      database: 'telegram_gateway',
      schema: true,
      timescaledb: 1,
      preloaded: 'timescaledb,pg_stat_statements',
    });
  });

  it('D1 counts statements', async () => {
    const [row] = await rowsOf<{ calls: number }>(
      "select sum(calls)::int as calls from pg_stat_statements where query ilike '%telegram_gateway%'",
    );
    expect(row?.calls).toBeGreaterThan(0);
  });

  it('D1 wants a password from everybody, also on loopback', async () => {
    const client = new Client({ ...clientConfig('timescaledb'), password: 'wrong' });
    client.on('error', () => undefined);
    await expect(client.connect()).rejects.toThrow(/password authentication failed/);
  });
});

describe('D2 PgBouncer', () => {
  it('D2 pools by transaction, with at most 20 server connections in all', async () => {
    const settings = await rowsOf<{ key: string; value: string }>('show config', [], CONSOLE);
    const value = (name: string) => settings.find(({ key }) => key === name)?.value;
    expect([value('pool_mode'), value('auth_type')]).toEqual(['transaction', 'scram-sha-256']);
    const databases = await rowsOf<{ name: string; max_connections: number | string }>('show databases', [], CONSOLE);
    const limit = databases.find(({ name }) => name === 'telegram_gateway')?.max_connections;
    expect([Number(limit), Number(value('max_db_connections'))]).toContain(20);
  });

  it('D2 is at or above its floor 1.26.1', async () => {
    const [row] = await rowsOf<{ version: string }>('show version', [], CONSOLE);
    const [, major, minor, patch] = (/(\d+)\.(\d+)\.(\d+)/.exec(row?.version ?? '') ?? []).map(Number);
    expect((major ?? 0) * 10_000 + (minor ?? 0) * 100 + (patch ?? 0)).toBeGreaterThanOrEqual(12_601);
  });

  it('D2 its user list holds verifiers, no password', async () => {
    const lines = (await inside('pgbouncer', 'cat', '/credentials/userlist.txt')).split('\n');
    expect(lines.length).toBeGreaterThanOrEqual(14);
    for (const line of lines) expect(line).toMatch(/^"[a-z_]+" "SCRAM-SHA-256\$4096:/);
  });
});
