import { beforeAll, describe, expect, it } from '@jest/globals';
import { changed, graphOf, type Node } from '../../support/graph.js';
import { DATA_HOST, placedStack } from '../../support/placed.js';
import { stackFile } from '../../support/stack-file.js';

const DEV = 'Pulumi.dev.yaml';
/** Fixed addresses there, by the containers' names. */
const THERE = {
  'telegram-backup': '172.28.77.54',
  'telegram-node-exporter-data': '172.28.77.73',
  'telegram-pgbouncer': '172.28.77.11',
  'telegram-rabbitmq': '172.28.77.40',
  'telegram-redis-master': '172.28.77.20',
  'telegram-redis-replica': '172.28.77.21',
  'telegram-redis-sentinel-1': '172.28.77.31',
  'telegram-redis-sentinel-2': '172.28.77.32',
  'telegram-redis-sentinel-3': '172.28.77.33',
  'telegram-timescaledb': '172.28.77.10',
};

type Graph = Map<string, Node>;
const containers = (graph: Graph) => [...graph.values()].filter(({ type }) => type.endsWith(':Container'));
const named = (graph: Graph, name: string): Node => {
  const found = [...graph.values()].find((node) => node.name === name);
  if (!found) throw new Error(`there is no ${name}`);
  return found;
};
const text = (graph: Graph, name: string) => JSON.stringify(named(graph, name).inputs);
const environment = (graph: Graph, name: string): Record<string, string> =>
  Object.fromEntries(
    (named(graph, name).inputs['envs'] as string[]).map((line) => {
      const [variable = '', value = ''] = line.split(/=(.*)/s);
      return [variable, value];
    }),
  );

describe('a stack with parts on a further Docker host', () => {
  let home: Graph;
  let all: Graph;
  beforeAll(async () => {
    const backup = { enabled: true };
    home = await graphOf({ ...stackFile(DEV), backup });
    all = await graphOf({ ...placedStack(DEV, ['timescale', 'redis', 'rabbitmq']), backup });
  }, 120_000);

  it('D14 its parts, and what goes with the database, have its provider, network, address and ports', () => {
    const there = containers(all).filter(({ options }) => options['provider'] === 'ground-on-data-docker');
    const address = ({ inputs }: Node) => (inputs['networksAdvanced'] as { ipv4Address: string }[])[0]?.ipv4Address;
    expect(Object.fromEntries(there.map((node) => [node.name, address(node)]))).toEqual(THERE);
    const bound = there.flatMap(({ inputs }) => (inputs['ports'] as { ip: string }[]).map(({ ip }) => ip));
    expect(new Set(bound)).toEqual(new Set([DATA_HOST.address]));
    expect(named(all, 'ground-on-data-network').inputs).toMatchObject({
      name: 'telegram-network',
      ipamConfigs: [{ subnet: DATA_HOST.subnet }],
    });
    expect(named(all, 'ground-on-data-docker').inputs).toEqual({ host: DATA_HOST.host });
  });

  it('D14 volumes, images and tools of such a part are on its Docker host, and nowhere else', () => {
    const volumes = [...all.values()].filter(
      ({ type, name }) => type.endsWith(':Volume') && /-(timescaledb|pgbouncer|redis|rabbitmq|backup)-/.test(name),
    );
    expect(volumes.length).toBeGreaterThan(10);
    for (const { options } of volumes) expect(options['provider']).toBe('ground-on-data-docker');
    for (const tool of ['telegram-migrations-schema', 'telegram-redis-credential-files', 'telegram-rabbitmq-users'])
      expect(named(all, tool).inputs['environment']).toMatchObject({ DOCKER_HOST: DATA_HOST.host });
    const images = [...all.values()].filter(({ type }) => type.endsWith(':RemoteImage')).map(({ name }) => name);
    expect(images.sort()).toEqual([
      ...['image-backup-on-data', 'image-exporters', 'image-exporters-on-data', 'image-gateway-host'],
      ...['image-pgbouncer-on-data', 'image-prometheus', 'image-rabbitmq-on-data', 'image-redis-on-data'],
      ...['image-runtime', 'image-runtime-on-data', 'image-timescaledb-on-data'],
    ]);
  });

  it.each(['telegram-consumer', 'telegram-gateway-api'])('D14 %s reaches them by their published addresses', (name) => {
    const told = environment(all, name);
    expect(told).toMatchObject({
      TELEGRAM_DB_HOST: '10.0.0.12',
      TELEGRAM_PGBOUNCER_PORT: '6434',
      TELEGRAM_RABBITMQ_HOST: '10.0.0.12',
      TELEGRAM_REDIS_SENTINELS: '10.0.0.12:26379,10.0.0.12:26380,10.0.0.12:26381',
    });
    expect(told['TELEGRAM_REDIS_NAT_MAP']).toContain('172.28.77.20:6379=10.0.0.12:6379');
  });

  it('D14 so do Prometheus and its exporters, and each Docker host is asked for its own figures', () => {
    const prometheus = text(all, 'telegram-prometheus');
    for (const target of [
      '10.0.0.12:15692',
      '10.0.0.12:6380',
      '10.0.0.12:26381',
      '10.0.0.12:9100',
      '172.28.40.73:9100',
    ])
      expect(prometheus).toContain(target);
    // Alerts on its disk and memory name it.
    expect(prometheus).toMatch(/10\.0\.0\.12:9100\\n +labels:\\n +docker_host: data\\n/);
    expect(text(home, 'telegram-prometheus')).not.toContain('docker_host: ');
    expect(text(all, 'telegram-postgres-exporter')).toContain('10.0.0.12:5434');
    expect(text(all, 'telegram-pgbouncer-exporter')).toContain('10.0.0.12:6434');
    expect(JSON.stringify(named(all, 'telegram-node-exporter-data').inputs['volumes'])).toContain(
      'telegram-backup-state',
    );
    expect(JSON.stringify(named(all, 'telegram-node-exporter').inputs['volumes'])).not.toContain('telegram-backup');
  });

  it('D14 the API shows the broker there, and the gateway may talk to that host', async () => {
    expect(environment(all, 'telegram-gateway-api')['TELEGRAM_STATUS_BROKER']).toBe('10.0.0.12:15692');
    const telegram = { kind: 'real', apiId: 1, apiHash: '0'.repeat(32) };
    const real = await graphOf({ ...placedStack(DEV, ['redis']), telegram });
    expect(text(real, 'gateway-service')).toContain('172.28.40.0/24 10.0.0.12');
  });

  it('D14 beside each other they talk inside their network', () => {
    expect(text(all, 'telegram-pgbouncer')).toContain('host=172.28.77.10 port=5432');
    expect(environment(all, 'telegram-backup')).toMatchObject({
      BACKUP_REDIS: '172.28.77.21:6379 172.28.77.20:6379',
      BACKUP_RABBITMQ: '172.28.77.40:15672',
    });
  });

  it('D14 the database there lets in who comes from a private network, the one at home only its own', () => {
    expect(text(all, 'telegram-timescaledb')).toContain('192.168.0.0/16');
    expect(text(home, 'telegram-timescaledb')).not.toContain('192.168.0.0/16');
  });

  it('D14 a host that nothing stands on changes nothing', async () => {
    const idle = await graphOf({ ...stackFile(DEV), backup: { enabled: true }, dockerHosts: { data: DATA_HOST } });
    expect(changed(home, idle)).toEqual([]);
  });

  it('D14 with the cache alone elsewhere, database and broker stay where they are', async () => {
    const graph = await graphOf(placedStack(DEV, ['redis']));
    const there = containers(graph).filter(({ options }) => options['provider'] !== 'explicit');
    expect(there.map(({ name }) => name)).toEqual(
      Object.keys(THERE).filter((name) => /redis|node-exporter/.test(name)),
    );
    expect(environment(graph, 'telegram-consumer')).toMatchObject({
      TELEGRAM_DB_HOST: '172.28.40.11',
      TELEGRAM_RABBITMQ_HOST: '172.28.40.40',
    });
  });

  it('O5 a rotation changes the same there as at home', async () => {
    const file = placedStack(DEV, ['timescale', 'redis', 'rabbitmq']);
    const [before, after] = [
      await graphOf({ ...file, credentialEpoch: 1 }),
      await graphOf({ ...file, credentialEpoch: 2 }),
    ];
    const plain = stackFile(DEV);
    const steps = changed(
      await graphOf({ ...plain, credentialEpoch: 1 }),
      await graphOf({ ...plain, credentialEpoch: 2 }),
    );
    expect(changed(before, after)).toEqual(steps);
  });
});
