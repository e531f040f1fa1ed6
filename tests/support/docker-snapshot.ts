import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { INSTANCE_LABEL } from '../../components/stack-context.js';
import { LINEAGE_LABEL } from '../../ops/engine/resources/docker-client.js';
import { ROOT } from '../../ops/stack-folder.js';
import { docker, TEST_CONFIG, TEST_PREFIX, TEST_STATE } from './test-stack.js';

/** Where the embedded engine's stack leaves its snapshot for the tests of the CLI. */
export const SNAPSHOT_FILE = join(TEST_STATE, 'embedded-snapshot.json');

type Document = Readonly<Record<string, unknown>>;

/** What an engine made of the test stack, by name, as Docker tells it, without what no two runs have in common. */
export interface Snapshot {
  /** Of the sources and the config: two snapshots of different ones say nothing. */
  readonly basis: string;
  readonly containers: Readonly<Record<string, Document>>;
  readonly networks: Readonly<Record<string, Document>>;
  readonly volumes: Readonly<Record<string, Document>>;
}

interface Container {
  readonly Id: string;
  readonly Name: string;
  readonly Image: string;
  readonly AppArmorProfile: string;
  readonly Config: Document & { readonly Labels: Labels; readonly Env: readonly string[] | null };
  readonly HostConfig: Document & { readonly Binds: readonly string[] | null };
  readonly Mounts: readonly { readonly Source: string; readonly Destination: string }[];
  readonly NetworkSettings: {
    readonly Ports: Document;
    readonly Networks: Readonly<Record<string, Document & { readonly Aliases: readonly string[] | null }>>;
  };
}

type Labels = Readonly<Record<string, string>>;
type Named = Document & { readonly Name: string; readonly Labels: Labels | null };

export async function takeSnapshot(): Promise<Snapshot> {
  const containers = await inspected<Container>('container', 'ps', '-aq', '--no-trunc');
  const networks = await inspected<Named>('network', 'network', 'ls', '-q');
  const volumes = await inspected<Named>('volume', 'volume', 'ls', '-q');
  const tags = await tagsOf(containers.map(({ Image }) => Image));
  return {
    basis: basis(),
    containers: Object.fromEntries(containers.map((one) => [one.Name.slice(1), plainContainer(one, tags)])),
    networks: byName(networks, ['Id', 'Created', 'Containers']),
    volumes: byName(volumes, ['CreatedAt']),
  };
}

/** The embedded engine's snapshot, or why there is none to compare with. */
export function embeddedSnapshot(): Snapshot | string {
  if (!existsSync(SNAPSHOT_FILE)) return 'the embedded engine left no snapshot (level stack-up)';
  const snapshot = JSON.parse(readFileSync(SNAPSHOT_FILE, 'utf8')) as Snapshot;
  return snapshot.basis === basis() ? snapshot : "the embedded engine's snapshot is of other sources (level stack-up)";
}

function basis(): string {
  const files = [join(ROOT, 'dist', 'manifest.json'), TEST_CONFIG, join(ROOT, 'tests', 'golden', 'dev-graph.json')];
  return files.reduce((hash, file) => hash.update(readFileSync(file)), createHash('sha256')).digest('hex');
}

async function inspected<T>(type: string, ...list: readonly string[]): Promise<T[]> {
  const ids = await docker(...list, '--filter', `name=${TEST_PREFIX}telegram-`);
  if (ids === '') return [];
  const all = JSON.parse(await docker('inspect', '--type', type, ...ids.split('\n'))) as (T & { Name: string })[];
  return all.filter(({ Name }) => Name.replace('/', '').startsWith(`${TEST_PREFIX}telegram-`));
}

/** An image by its tag of this stack: the two engines' builders give the same content different ids. */
async function tagsOf(images: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const found = JSON.parse(await docker('image', 'inspect', ...new Set(images))) as {
    Id: string;
    RepoTags: string[];
  }[];
  // Not those of stacks whose names begin alike.
  const own = new RegExp(`:${TEST_PREFIX}[0-9a-f]+$`);
  return new Map(found.map(({ Id, RepoTags }) => [Id, RepoTags.find((tag) => own.test(tag)) ?? Id]));
}

function plainContainer(container: Container, tags: ReadonlyMap<string, string>): Document {
  const { Id, Image, Config, HostConfig, Mounts, NetworkSettings, AppArmorProfile } = container;
  const networks = Object.entries(NetworkSettings.Networks).map(([name, network]) => {
    const aliases = (network.Aliases ?? []).filter((alias) => !Id.startsWith(alias)).sort();
    return [name, { ...without(network, ['NetworkID', 'EndpointID']), Aliases: aliases }] as const;
  });
  return withoutEmpty({
    Image: tags.get(Image),
    AppArmorProfile,
    Config: {
      ...without(Config, ['Image', ...SAID_TWICE.Config]),
      Env: [...(Config.Env ?? [])].sort(),
      Labels: ownLabels(Config.Labels),
    },
    HostConfig: { ...without(HostConfig, SAID_TWICE.HostConfig), Binds: [...(HostConfig.Binds ?? [])].sort() },
    Mounts: Mounts.map((mount) => without(mount, ['Source'])).sort(byDestination),
    Ports: NetworkSettings.Ports,
    Networks: Object.fromEntries(networks),
  }) as Document;
}

/**
 * Where Docker keeps what it was asked beside what it made of it, and the engines ask in other words: `Volumes` is in `Mounts`,
 * `NetworkMode` in `Networks`; `Init` is off either way, as the providers never set it.
 */
const SAID_TWICE = { Config: ['Volumes'], HostConfig: ['NetworkMode', 'Init'] } as const;

/** To Docker, what is empty and what was not said are the same. */
function withoutEmpty(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutEmpty);
  if (value === null || typeof value !== 'object') return value;
  const said = Object.entries(value).map(([key, inner]) => [key, withoutEmpty(inner)] as const);
  return Object.fromEntries(said.filter(([, inner]) => !isEmpty(inner)));
}

function isEmpty(value: unknown): boolean {
  return value === null || (typeof value === 'object' && Object.keys(value).length === 0);
}

function byDestination(one: Document, other: Document): number {
  return String(one['Destination']).localeCompare(String(other['Destination']));
}

function byName(things: readonly Named[], personal: readonly string[]): Record<string, Document> {
  return Object.fromEntries(
    things.map((thing) => [
      thing.Name,
      withoutEmpty({ ...without(thing, personal), Labels: ownLabels(thing.Labels ?? {}) }) as Document,
    ]),
  );
}

/** Without what tells one stack, or one state of the embedded engine, from the next. */
function ownLabels(labels: Labels): Labels {
  const { [INSTANCE_LABEL]: instance, [LINEAGE_LABEL]: _, ...own } = labels;
  return instance === undefined ? own : { ...own, [INSTANCE_LABEL]: 'set' };
}

function without(document: object, keys: readonly string[]): Document {
  return Object.fromEntries(Object.entries(document).filter(([key]) => !keys.includes(key)));
}
