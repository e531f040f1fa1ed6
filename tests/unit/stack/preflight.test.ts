import { describe, expect, it } from '@jest/globals';
import { parseConfig } from '../../../stack/config.js';
import type { StackConfig } from '../../../stack/config-schema.js';
import { DockerHost, type DockerContainer } from '../../../stack/docker-host.js';
import { diskRoom, MAKE_ROOM } from '../../../stack/disk-room.js';
import { STACK_ERRORS } from '../../../stack/errors.js';
import { dockerVersion, names, networkName, publishes, subnets } from '../../../stack/preflight.js';
import { foreignVolumes, movedSubnet, renamed } from '../../../stack/preflight-names.js';
import { toBeCreated } from '../../../stack/host-check.js';
import { homeOf } from '../../../stack/sites.js';
import { publishedPorts } from '../../../stack/ports.js';
import { memoryOf } from '../../../stack/sizes.js';
import { overlaps } from '../../../stack/subnets.js';

const config = parseConfig({ subnet: '172.28.40.0/24' });
const site = homeOf(config);
const container = (Names: string, Labels: string): DockerContainer => ({
  ID: '',
  Names,
  Image: '',
  Networks: '',
  Labels,
  State: 'running',
  Ports: '',
});

describe('preflight', () => {
  it('O11 a Docker engine that is too old is named with the one expected', () => {
    expect(dockerVersion({ version: '19.03.15' })).toEqual([
      "Docker: expected 20.10 or newer, found 19.03.15; install docker.io or Docker's own package",
    ]);
    expect(dockerVersion({ version: '20.10.24+dfsg1' })).toEqual([]);
    expect(dockerVersion({ version: '29.1.0' })).toEqual([]);
  });

  it('D13 a name that another stack uses is reported with its owner and the way out', () => {
    const containers = [
      container('telegram-rabbitmq', 'org.telegram-hybrid-stack.instance=other-1'),
      container('telegram-pgbouncer', 'org.telegram-hybrid-stack.instance=mine'),
      container('telegram-consumer', ''),
    ];
    const lines = names({ config, site, instance: 'mine', containers });
    expect(lines).toHaveLength(2);
    expect(lines[0]).toContain('telegram-rabbitmq belongs to stack "other-1"; set telegram:namePrefix');
    expect(lines[1]).toContain('telegram-consumer was not made by a stack');
  });

  it('O11 D10 nothing is counted that the image source does not have: no memory, no port, no name of a Grafana', () => {
    const [built, pulled] = (['debian', 'upstream'] as const).map((source) => toBeCreated(config, source));
    const [less = config, all = config] = [built, pulled];
    expect(all).toEqual(config);
    expect(memoryOf(all) - memoryOf(less)).toBe(config.monitoring.grafanaMemoryMb);
    const ports = (one: StackConfig) => publishedPorts(one).map(({ path }) => path);
    expect(ports(all).filter((path) => !ports(less).includes(path))).toEqual(['monitoring.grafanaPort']);
    const containers = [container('telegram-grafana', '')];
    expect(names({ config: less, site, instance: 'mine', containers })).toEqual([]);
    expect(names({ config: all, site, instance: 'mine', containers })).toHaveLength(1);
  });

  it('D13 the name of the one container that publishes no port is reported too, where the stack has it', () => {
    const containers = [container('telegram-backup', '')];
    const having = parseConfig({ backup: { enabled: true } });
    expect(names({ config: having, site, instance: 'mine', containers })).toEqual([
      expect.stringContaining('container telegram-backup was not made by a stack'),
    ]);
    expect(names({ config, site, instance: 'mine', containers })).toEqual([]);
  });

  it('D13 a network of this name that another stack made is reported, the own one is not', () => {
    const network = (Labels: Record<string, string> | null) => ({
      Name: 'telegram-network',
      Labels,
      IPAM: { Config: null },
    });
    const lineOf = (Labels: Record<string, string> | null) =>
      networkName({ config, instance: 'mine' }, [network(Labels)]).join();
    expect(lineOf({ 'org.telegram-hybrid-stack.instance': 'mine' })).toBe('');
    expect(lineOf({ 'org.telegram-hybrid-stack.instance': 'other-1' })).toContain(
      'name: network telegram-network belongs to stack "other-1"; set telegram:namePrefix, or remove it with `docker network rm',
    );
    expect(lineOf(null)).toContain('name: network telegram-network was not made by a stack');
  });

  describe('a stack that was here before', () => {
    const LABEL = 'org.telegram-hybrid-stack.instance';
    const volume = (Name: string, owner: string) => ({ Name, Labels: owner && `${LABEL}=${owner}` });
    const network = (Name: string, owner: string, Subnet = '172.28.40.0/24') => ({
      Name,
      Labels: { [LABEL]: owner },
      IPAM: { Config: [{ Subnet }] },
    });
    const mine = { config, instance: 'mine' };

    it('D13 volumes with the data of another stack are never taken over without a word', () => {
      expect(
        foreignVolumes(mine, [
          volume('telegram-timescaledb-data', 'other-1'),
          volume('telegram-rabbitmq-data', 'other-1'),
          volume('telegram-redis-master-data', 'mine'),
          volume('telegram-redis-replica-data', ''),
          volume('second-telegram-timescaledb-data', 'second'),
        ]),
      ).toEqual([
        'name: 2 volumes (telegram-timescaledb-data, telegram-rabbitmq-data) with the data of stack "other-1"; take it over with telegram:instanceId: other-1, set telegram:namePrefix, or delete it with `docker volume rm telegram-timescaledb-data telegram-rabbitmq-data`',
      ]);
    });

    it.each([
      ['containers', [container('old-telegram-consumer', `${LABEL}=mine`)], [], []],
      ['a network', [], [network('old-telegram-network', 'mine')], []],
      ['volumes', [], [], [volume('old-telegram-timescaledb-data', 'mine')]],
    ])('D13 another prefix is refused while %s of the old one are there', (_, containers, networks, volumes) => {
      const [line, ...others] = renamed({ ...mine, containers }, networks, volumes);
      expect(line).toContain('telegram:namePrefix: this stack is named "old-telegram-…" (1 thing (old-telegram-');
      expect(line).toContain('"telegram-…" would start with empty volumes; set it back to "old-"');
      expect(others).toEqual([]);
    });

    it('D13 what carries the right prefix, or belongs to others, is no rename', () => {
      const containers = [container('telegram-consumer', `${LABEL}=mine`), container('telegram-x', '')];
      expect(renamed({ ...mine, containers }, [network('b-telegram-network', 'b')], [])).toEqual([]);
    });

    it('D13 another subnet is refused while the network is there', () => {
      const old = network('telegram-network', 'mine', '172.28.99.0/24');
      expect(movedSubnet({ ...mine, site }, [old])).toEqual([
        "telegram:subnet: the stack's network is 172.28.99.0/24; set it back, or run `npm run destroy` first (docs/guides/stacks.md says what that keeps)",
      ]);
      expect(
        movedSubnet({ ...mine, site }, [network('telegram-network', 'mine'), network('b-telegram-network', 'b')]),
      ).toEqual([]);
    });
  });

  it('O11 too little room on the disk is told with what is expected and how to make some', () => {
    expect(diskRoom('/var/lib/docker', 4_096, false)).toEqual([]);
    expect(diskRoom('/var/lib/docker', 4_095, false)).toEqual([
      'disk: expected 4096 MiB free under /var/lib/docker, found 4095; run `docker image prune --all && docker builder prune` or make room',
    ]);
  });

  it('O11 a stack that stands needs less room than one that is to be made', () => {
    expect(diskRoom('/var/lib/docker', 1_024, true)).toEqual([]);
    expect(diskRoom('/var/lib/docker', 1_023, true)).toEqual([expect.stringContaining('expected 1024 MiB free')]);
  });

  it('O11 no advice removes a stack that is only stopped', () => {
    const told = Object.values(STACK_ERRORS).join(' ') + MAKE_ROOM;
    expect(told).not.toMatch(/(system|container|volume) prune/);
  });

  it('D13 an overlapping subnet is reported, the own network is not', () => {
    const remote = new DockerHost('ssh://elsewhere');
    const network = (Name: string, Subnet: string) => ({ Name, Labels: null, IPAM: { Config: [{ Subnet }] } });
    const lines = subnets({ config, site, host: remote }, [
      network('telegram-network', '172.28.40.0/24'),
      network('wide', '172.28.0.0/16'),
      network('apart', '172.29.0.0/16'),
    ]);
    expect(lines).toEqual([
      'telegram:subnet: 172.28.40.0/24 overlaps 172.28.0.0/16 of Docker network wide; choose another /24',
    ]);
  });

  it.each([
    ['10.0.0.0/8', '10.255.0.0/16', true],
    ['172.28.40.0/24', '172.28.41.0/24', false],
    ['172.28.40.0/24', '172.28.40.128/25', true],
    ['172.28.40.0/24', 'fe80::/64', false],
    ['172.28.40.0/24', '172.28.40.1/32', true],
  ])('O11 %s and %s overlap: %s', (one, other, expected) => {
    expect(overlaps(one, other)).toBe(expected);
    expect(overlaps(other, one)).toBe(expected);
  });

  it('D9 a published port is read from what Docker lists', () => {
    expect(publishes('127.0.0.1:5434->5432/tcp, 5433/tcp', 5434)).toBe(true);
    expect(publishes('127.0.0.1:5434->5432/tcp', 5432)).toBe(false);
    expect(publishes('', 5434)).toBe(false);
    // Neighbours are listed as a range; a port of UDP is another one.
    const list = '0.0.0.0:5433-5435->5433-5435/tcp, [::]:5433-5435->5433-5435/tcp, 0.0.0.0:5436->53/udp';
    expect([5432, 5433, 5434, 5435, 5436].filter((port) => publishes(list, port))).toEqual([5433, 5434, 5435]);
  });
});
