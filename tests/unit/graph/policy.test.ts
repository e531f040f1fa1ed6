import { beforeAll, describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { INVARIANTS, isOwnUser, RUN_AS_ROOT, type Subject, type Surroundings } from '../../../policy/invariants.js';
import { graphOf, HOST, type Node } from '../../support/graph.js';
import { stackFile } from '../../support/stack-file.js';

const CONTAINER: Subject = {
  type: 'docker:index/container:Container',
  name: 'telegram-sound',
  inputs: {
    destroyGraceSeconds: 15,
    healthcheck: { tests: ['CMD', 'true'] },
    wait: true,
    memory: 64,
    memorySwap: 64,
    cpus: '0.5',
    user: '10001:10001',
    readOnly: true,
    restart: 'unless-stopped',
    logOpts: { 'max-size': '10m' },
    ports: [{ internal: 80, external: 8080, ip: '127.0.0.1' }],
    networkMode: 'bridge',
    networksAdvanced: [{ name: 'network', ipv4Address: '172.28.0.2' }],
    securityOpts: ['no-new-privileges:true'],
    capabilities: { drops: ['ALL'], adds: ['CAP_CHOWN'] },
    envs: ['PORT=80'],
    volumes: [{ volumeName: 'data', containerPath: '/data' }],
  },
  options: { deleteBeforeReplace: true, provider: 'explicit' },
};
const VOLUME: Subject = {
  type: 'docker:index/volume:Volume',
  name: 'telegram-sound-data',
  inputs: {},
  options: { ignoreChanges: ['labels'], provider: 'explicit', protect: true },
};
const IMAGE: Subject = {
  type: 'docker:index/remoteImage:RemoteImage',
  name: 'image',
  inputs: { name: 'redis:8.2.3', keepLocally: true },
  options: { provider: 'explicit' },
};
const REMOTE: Subject = {
  type: 'command:remote:Command',
  name: 'install',
  inputs: { connection: { host: 'gw.example.org', hostKey: 'ssh-ed25519 AAAA' } },
  options: {},
};
const PRODUCTION: Surroundings = { production: true, addresses: [] };

const given = (subject: Subject, inputs: object): Subject => ({ ...subject, inputs: { ...subject.inputs, ...inputs } });
const managed = (subject: Subject, options: object): Subject => ({
  ...subject,
  options: { ...subject.options, ...options },
});
/** Rules that a resource breaks. */
const broken = (subject: Subject, surroundings: Surroundings = PRODUCTION) =>
  Object.entries(INVARIANTS).flatMap(([rule, holds]) => (holds(subject, surroundings) === null ? [] : [rule]));

const NAMED_ONLY = 'mounts named volumes only';
const SOCKET = '/var/run/docker.sock';
/** What was made wrong on purpose, the rules that must refuse it, and how. */
const WRONG: readonly (readonly [how: string, resource: Subject, rules: readonly string[]])[] = [
  [
    'a replaced name',
    managed(CONTAINER, { deleteBeforeReplace: false }),
    ['gives its name free before it is replaced'],
  ],
  ['no grace', given(CONTAINER, { destroyGraceSeconds: 0 }), ['stops gracefully']],
  ['no health check', given(CONTAINER, { healthcheck: undefined }), ['waits for health']],
  ['nobody waits', given(CONTAINER, { wait: false }), ['waits for health']],
  ['no limit of memory', given(CONTAINER, { memory: 0, memorySwap: 0 }), ['limits memory and swap alike']],
  ['swap', given(CONTAINER, { memorySwap: 128 }), ['limits memory and swap alike']],
  ['all processors', given(CONTAINER, { cpus: undefined }), ['limits the CPU']],
  ['never restarted', given(CONTAINER, { restart: 'no' }), ['is restarted']],
  ['an endless log', given(CONTAINER, { logOpts: undefined }), ['bounds its log']],
  ['a public port', given(CONTAINER, { ports: [{ ip: '0.0.0.0' }] }), ['publishes on loopback only']],
  ['a port without address', given(CONTAINER, { ports: [{ internal: 80 }] }), ['publishes on loopback only']],
  ['any address', given(CONTAINER, { networksAdvanced: [{ name: 'network' }] }), ['has a fixed address']],
  ['privileges to gain', given(CONTAINER, { securityOpts: ['no-new-privileges:false'] }), ['gains no privileges']],
  ['capabilities', given(CONTAINER, { capabilities: { drops: ['CAP_KILL'] } }), ['drops all capabilities']],
  ['all again', given(CONTAINER, { capabilities: { drops: ['ALL'], adds: ['ALL'] } }), ['drops all capabilities']],
  ['root', given(CONTAINER, { user: '0:0' }), ['runs as a user of its own']],
  ['root by name', given(CONTAINER, { user: 'root' }), ['runs as a user of its own']],
  ['the user of the image', given(CONTAINER, { user: undefined }), ['runs as a user of its own']],
  ['a root that can be written', given(CONTAINER, { readOnly: false }), ['keeps its root read-only']],
  ['privileged', given(CONTAINER, { privileged: true }), ['is not privileged']],
  ['network of the host', given(CONTAINER, { networkMode: 'host' }), ['keeps its own namespaces']],
  ['processes of the host', given(CONTAINER, { pidMode: 'host' }), ['keeps its own namespaces']],
  ['memory of another', given(CONTAINER, { ipcMode: 'container:other' }), ['keeps its own namespaces']],
  ['users of the host', given(CONTAINER, { usernsMode: 'host' }), ['keeps its own namespaces']],
  ['cgroups of the host', given(CONTAINER, { cgroupnsMode: 'host' }), ['keeps its own namespaces']],
  ['a device', given(CONTAINER, { devices: [{ hostPath: '/dev/sda' }] }), ['is given no device']],
  ['a password', given(CONTAINER, { envs: ['DB_PASSWORD=one'] }), ['has no secret in its environment']],
  ['a hidden value', given(CONTAINER, { envs: ['[secret]'] }), ['has no secret in its environment']],
  ['a path', given(CONTAINER, { volumes: [{ hostPath: '/etc', containerPath: '/etc' }] }), [NAMED_ONLY]],
  ['a bind mount', given(CONTAINER, { mounts: [{ type: 'bind', source: '/etc', target: '/etc' }] }), [NAMED_ONLY]],
  [
    "Docker's socket as a volume",
    given(CONTAINER, { volumes: [{ hostPath: SOCKET, containerPath: SOCKET }] }),
    [NAMED_ONLY, 'does not reach the Docker engine'],
  ],
  [
    "Docker's socket as a mount",
    given(CONTAINER, { mounts: [{ type: 'bind', source: SOCKET, target: '/sock' }] }),
    [NAMED_ONLY, 'does not reach the Docker engine'],
  ],
  [
    'an engine over the network',
    given(CONTAINER, { envs: ['DOCKER_HOST=tcp://172.17.0.1:2375'] }),
    ['does not reach the Docker engine'],
  ],
  [
    'a volume that is a path',
    given(VOLUME, { driverOpts: { device: '/etc', o: 'bind' } }),
    ['keeps volumes in Docker'],
  ],
  ['the default provider', managed(VOLUME, { provider: undefined }), ['names its Docker provider']],
  ['labels that count', managed(VOLUME, { ignoreChanges: ['driver'] }), ['never edits a volume']],
  ['data without protection', managed(VOLUME, { protect: false }), ['protects the data of production']],
  ['images that go', given(IMAGE, { keepLocally: false }), ['keeps images']],
  ['latest', given(IMAGE, { name: 'redis:latest' }), ['takes images by an exact version']],
  ['no tag', given(IMAGE, { name: 'host:5000/redis' }), ['takes images by an exact version']],
  ['any host key', given(REMOTE, { connection: { host: 'gw.example.org' } }), ['pins the host key']],
];

describe('the invariants refuse', () => {
  it.each(WRONG)('D9 D12 %s', (_, resource, rules) => {
    expect(broken(resource)).toEqual([...rules]);
  });

  it('D9 D12 something, each of them', () => {
    expect([...new Set(WRONG.flatMap(([, , rules]) => rules))].sort()).toEqual(Object.keys(INVARIANTS).sort());
  });

  it.each([CONTAINER, VOLUME, IMAGE, REMOTE])('D9 D12 nothing that is sound: $type', (sound) => {
    expect(broken(sound)).toEqual([]);
  });

  it('D9 an address of its owner not, nor development data without protection', () => {
    const published = given(CONTAINER, { ports: [{ ip: '10.0.0.5' }] });
    expect(broken(published, { production: true, addresses: ['10.0.0.5'] })).toEqual([]);
    expect(broken(managed(VOLUME, { protect: false }), { production: false, addresses: [] })).toEqual([]);
  });
});

describe('the containers that run as root', () => {
  let dev: Node[];
  beforeAll(async () => {
    dev = [...(await graphOf(stackFile('Pulumi.dev.yaml'), { ...HOST, imageSource: 'upstream' })).values()];
  }, 120_000);

  it('S5 D12 are those of the list and no other, and the docs name each', () => {
    const asRoot = dev.filter(({ type, inputs }) => type === CONTAINER.type && !isOwnUser(inputs['user']));
    expect(asRoot.map(({ name }) => name)).toEqual(Object.keys(RUN_AS_ROOT));
    const docs = readFileSync(join(__dirname, '..', '..', '..', 'docs', 'architecture.md'), 'utf8');
    for (const name of Object.keys(RUN_AS_ROOT)) expect(docs).toContain(`\`${name}\` alone runs as root`);
  });
});

describe('the production program', () => {
  let prod: Map<string, Node>;
  beforeAll(async () => {
    prod = await graphOf(stackFile('Pulumi.prod.yaml'));
  }, 120_000);

  it.each(Object.keys(INVARIANTS))('D9 D12 every resource %s', (rule) => {
    const refused = [...prod.values()].filter((node) => INVARIANTS[rule]?.(node, PRODUCTION) !== null);
    expect(refused.map(({ name }) => name)).toEqual([]);
  });
});
