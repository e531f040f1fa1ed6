import { describe, expect, it } from '@jest/globals';
import { makeRoomOn, setClockOn } from '../../../ops/doctor/host.js';
import { DockerHosts } from '../../../ops/docker-hosts.js';
import { parseConfig } from '../../../stack/config.js';
import { DockerHost } from '../../../stack/docker-host.js';
import { UserError } from '../../../stack/errors.js';
import { misplaced } from '../../../stack/preflight-names.js';
import { sameEngine } from '../../../stack/preflight.js';
import { containersOn, portsOn } from '../../../stack/ports.js';
import { isPrivate } from '../../../stack/private-address.js';
import { memoryOf, memoryOn } from '../../../stack/sizes.js';
import { namedSites, sitesOf } from '../../../stack/sites.js';
import { HOST } from '../../support/graph.js';
import { DATA_HOST } from '../../support/placed.js';

const LABEL = 'org.telegram-hybrid-stack.instance=mine';
const there = { kind: 'container', on: 'data' };
const PLACED = { dockerHosts: { data: DATA_HOST }, redis: there };

/** Lines of the mistakes of a configuration. */
function mistakes(raw: Readonly<Record<string, unknown>>): string[] {
  try {
    parseConfig(raw);
    return [];
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return error.message
      .split('\n')
      .slice(1)
      .map((line) => line.replace(/^ {2}- /, ''));
  }
}

describe('parts on further Docker hosts', () => {
  it.each(['0.0.0.0', '8.8.8.8', '127.0.0.1', '169.254.1.1', '172.32.0.1', 'data.example.org', 'fd00::1'])(
    'D14 S3 %s is no address for it, and the reason is told',
    (address) => {
      const [line, ...others] = mistakes({ dockerHosts: { data: { ...DATA_HOST, address } } });
      expect(line).toMatch(/^telegram:dockerHosts\.data\.address: /);
      expect(others).toEqual([]);
    },
  );

  it('D14 of a public address it is said that nothing between the hosts is encrypted', () => {
    expect(mistakes({ dockerHosts: { data: { ...DATA_HOST, address: '203.0.113.5' } } })[0]).toContain('carry no TLS');
  });

  it.each(['10.0.0.12', '172.31.255.1', '192.168.1.1', '100.64.0.7'])('D14 %s is one', (address) => {
    expect(isPrivate(address)).toBe(true);
    expect(mistakes({ ...PLACED, dockerHosts: { data: { ...DATA_HOST, address } } })).toEqual([]);
  });

  it.each<[string, Record<string, unknown>, string]>([
    [
      'an unknown host',
      { ...PLACED, rabbitmq: { kind: 'container', on: 'other' } },
      'telegram:rabbitmq.on: expected one of data, got "other"',
    ],
    [
      'no hosts at all',
      { redis: there },
      'telegram:redis.on: expected a Docker host of telegram:dockerHosts, which names none, got "data"',
    ],
    [
      'the subnet of the home host',
      { ...PLACED, subnet: DATA_HOST.subnet },
      'telegram:dockerHosts.data.subnet: 172.28.77.0/24 is also that of the home host; choose another /24',
    ],
    [
      'an address in its own subnet',
      { ...PLACED, dockerHosts: { data: { ...DATA_HOST, address: '172.28.77.9' } } },
      "telegram:dockerHosts.data.address: 172.28.77.9 is in the stack's own network 172.28.77.0/24",
    ],
    [
      'a backup that cannot reach the broker',
      { ...PLACED, timescale: there, backup: { enabled: true } },
      'telegram:rabbitmq.on: expected data, or a private telegram:bindAddress: the backup on data cannot reach 127.0.0.1 of the home host',
    ],
  ])('D14 %s is a mistake', (_, raw, line) => {
    expect(mistakes(raw)).toEqual([line]);
  });

  it('D14 a port may be used on both hosts, and not twice on one', () => {
    const port = 6379;
    expect(mistakes({ ...PLACED, api: { port } })).toEqual([]);
    expect(mistakes({ ...PLACED, redis: { ...there, replicaPort: port } })).toEqual([
      'telegram:redis.replicaPort: port 6379 is also telegram:redis.masterPort',
    ]);
  });

  it('D14 names, ports and memory are counted where they are', () => {
    const config = parseConfig({ ...PLACED, backup: { enabled: true }, timescale: there, rabbitmq: there });
    expect(containersOn(config, 'data')).toEqual([
      ...['telegram-timescaledb', 'telegram-pgbouncer', 'telegram-redis-master', 'telegram-redis-replica'],
      ...['telegram-redis-sentinel-1', 'telegram-redis-sentinel-2', 'telegram-redis-sentinel-3'],
      ...['telegram-rabbitmq', 'telegram-node-exporter-data', 'telegram-backup'],
    ]);
    expect(containersOn(config, '')).toContain('telegram-redis-exporter');
    expect(portsOn(config, 'data').map(({ port }) => port)).toContain(6434);
    expect(portsOn(config, '').map(({ port }) => port)).not.toContain(6434);
    expect(memoryOn(config, 'data')).toBeGreaterThan(memoryOn(config, ''));
    expect(memoryOn(config, 'data') + memoryOn(config, '')).toBe(memoryOf(config));
  });

  it('D14 what stands elsewhere than the configuration says is refused, and what others have is not', () => {
    const config = parseConfig(PLACED);
    const [home, data] = sitesOf(config);
    if (!home || !data) throw new Error('there are two');
    const volume = (Name: string, Labels = LABEL) => ({ Name, Labels });
    const on = (site: typeof home, ...volumes: { Name: string; Labels: string }[]) =>
      misplaced({ config, site, instance: 'mine', containers: [] }, volumes);
    expect(on(home, volume('telegram-redis-master-data'), volume('telegram-rabbitmq-data'))).toEqual([
      'telegram:redis.on: 1 thing (telegram-redis-master-data) of it on the home host, not on data; set it back, or move the part with its data as docs/guides/deployment.md says',
    ]);
    expect(on(data, volume('telegram-rabbitmq-data'))[0]).toContain('telegram:rabbitmq.on: 1 thing');
    expect(on(data, volume('telegram-redis-master-data'))).toEqual([]);
    expect(on(home, volume('telegram-redis-master-data', ''), volume('telegram-redis-exporter'))).toEqual([]);
  });

  it('D14 a Docker host that nothing stands on any more is asked too', () => {
    const config = parseConfig({ ...PLACED, redis: { kind: 'container' } });
    expect(sitesOf(config).map(({ on }) => on)).toEqual(['']);
    const [, idle] = namedSites(config);
    if (!idle) throw new Error('there are two');
    const volumes = [{ Name: 'telegram-redis-master-data', Labels: LABEL }];
    expect(misplaced({ config, site: idle, instance: 'mine', containers: [] }, volumes)[0]).toContain(
      'telegram:redis.on: 1 thing (telegram-redis-master-data) of it on data, not on the home host',
    );
  });

  it('D14 two names for one engine are refused', () => {
    const [home, data] = sitesOf(parseConfig(PLACED));
    if (!home || !data) throw new Error('there are two');
    const facts = { ...HOST.facts, id: 'one' };
    expect(
      sameEngine([
        { site: home, facts },
        { site: data, facts: { ...facts, id: 'two' } },
      ]),
    ).toEqual([]);
    expect(
      sameEngine([
        { site: home, facts },
        { site: data, facts },
      ]),
    ).toEqual(['telegram:dockerHosts.data.host: the same Docker engine as the home host']);
  });

  it('D14 what mends the disk or the clock of a host names it', () => {
    const [own, ssh, socket] = ['', 'ssh://deploy@data:2222', 'unix:///run/other.sock'].map(
      (host) => new DockerHost(host),
    );
    if (!own || !ssh || !socket) throw new Error('there are three');
    expect(makeRoomOn(own)).toBe('docker image prune --all && docker builder prune');
    expect(makeRoomOn(ssh)).toBe(
      'docker -H ssh://deploy@data:2222 image prune --all && docker -H ssh://deploy@data:2222 builder prune',
    );
    expect(setClockOn(own)).toBe('sudo timedatectl set-ntp true');
    expect(setClockOn(ssh)).toBe('ssh -p 2222 deploy@data sudo timedatectl set-ntp true');
    expect(setClockOn(socket)).toContain('on the machine of unix:///run/other.sock');
  });

  it('D14 a command finds the host of the container that it names', () => {
    const hosts = new DockerHosts({
      dockerHost: '',
      further: [{ name: 'data', dockerHost: 'ssh://data', imageSource: 'debian', containers: ['telegram-rabbitmq'] }],
    });
    expect(hosts.all.map(({ host }) => host)).toEqual(['', 'ssh://data']);
    expect(hosts.named(['exec', 'telegram-rabbitmq', 'rabbitmqctl']).host).toBe('ssh://data');
    expect(hosts.named(['exec', 'telegram-consumer', 'cat']).host).toBe('');
    expect(hosts.typed('telegram-rabbitmq', 'restart x')).toBe('docker -H ssh://data restart x');
    expect(hosts.typed('telegram-consumer', 'restart x')).toBe('docker restart x');
  });
});
