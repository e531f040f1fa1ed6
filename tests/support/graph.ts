import * as pulumi from '@pulumi/pulumi';
import { createHash, generateKeyPairSync } from 'node:crypto';
import { ENGINE_ONLY_KEYS, IN_PLACE_KEYS } from '../../ops/engine/resources/container-schema.js';
import { parseConfig, type StackConfig } from '../../stack/config.js';
import type { SiteCheck } from '../../stack/host-check.js';
import { buildPlatform } from '../../stack/platform.js';
import { sitesOf } from '../../stack/sites.js';

/** One resource as the program asked for it; secrets are `[secret]`. */
export interface Node {
  readonly type: string;
  readonly name: string;
  readonly parent: string | null;
  readonly dependsOn: readonly string[];
  readonly options: Readonly<Record<string, unknown>>;
  readonly inputs: Readonly<Record<string, unknown>>;
  /** Hash of the inputs with secrets in plain, so that a changed secret shows as a changed node. */
  readonly fingerprint: string;
}

/** Inputs of a container whose change does not replace it. */
export const SPARED_BY_CONTAINERS: readonly string[] = [...IN_PLACE_KEYS, ...ENGINE_ONLY_KEYS];

const SIGNATURE = '4dabf18193072939515e22adb298388d';
const SECRET = '1b47061264138c4ac30d75fd1eb44270';

/** What every Docker host of the stack is taken to be. */
export interface Host extends Omit<SiteCheck, 'site'> {
  readonly instance: string;
}

export const HOST: Host = {
  instance: 'graph',
  imageSource: 'debian',
  facts: { id: '', version: '20.10.24', cgroupVersion: 1, apparmor: false, rootDir: '/', memoryMb: 8192, cpus: 2 },
};

const RSA_KEY = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
}).privateKey;

/** Runs the whole platform under Pulumi's mocks and returns every resource, by `type name`. */
export async function graphOf(raw: Readonly<Record<string, unknown>>, host: Host = HOST): Promise<Map<string, Node>> {
  const config = parseConfig(raw);
  const recorded = new Recorder();
  // The SDK takes a stack trace for each promise, which is three quarters of the time.
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  try {
    return await record(recorded, config, host);
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

async function record(recorded: Recorder, config: StackConfig, host: Host): Promise<Map<string, Node>> {
  await pulumi.runtime.setMocks(
    {
      newResource: ({ type, name, inputs }) => {
        recorded.inputs.set(`${type} ${name}`, inputs as Record<string, unknown>);
        return {
          id: idOf(type, name, inputs as object),
          state: outputsOf(type, name, inputs as Record<string, unknown>),
        };
      },
      call: ({ token }) => {
        throw new Error(`unexpected call ${token}`);
      },
    },
    'telegram',
    'graph',
    false,
  );
  await pulumi.runtime.runInPulumiStack(async () => {
    pulumi.runtime.registerStackTransformation(recorded.transformation);
    await build(config, host);
  });
  await pulumi.runtime.disconnect();
  return recorded.nodes();
}

async function build(config: StackConfig, { instance, ...check }: Host): Promise<void> {
  const sites = sitesOf(config).map((site) => ({ site, ...check }));
  const outputs = buildPlatform({ config, stack: 'graph' }, { instance, sites });
  await new Promise((resolve) => pulumi.output(outputs as pulumi.Input<object>).apply(resolve));
}

class Recorder {
  readonly inputs = new Map<string, Record<string, unknown>>();
  readonly #options = new Map<string, { parent: string | null; opts: pulumi.CustomResourceOptions }>();
  readonly #names = new WeakMap<pulumi.Resource, string>();

  readonly transformation: pulumi.ResourceTransformation = ({ resource, type, name, opts }) => {
    this.#names.set(resource, `${type} ${name}`);
    const parent = opts.parent ? (this.#names.get(opts.parent) ?? null) : null;
    this.#options.set(`${type} ${name}`, { parent, opts });
    return undefined;
  };

  nodes(): Map<string, Node> {
    const nodes = [...this.#options].map(([key, { parent, opts }]) => {
      const [type = '', name = ''] = key.split(' ');
      const inputs = this.inputs.get(key) ?? {};
      return [
        key,
        {
          type,
          name,
          parent,
          dependsOn: this.#dependencies(opts),
          options: { ...optionsOf(opts), ...this.#provider(opts) },
          inputs: sorted(reveal(inputs, true)) as Record<string, unknown>,
          fingerprint: createHash('sha256')
            .update(JSON.stringify(sorted(reveal(inputs, false))))
            .digest('hex'),
        },
      ] as const;
    });
    return new Map(nodes.sort(([one], [other]) => one.localeCompare(other)));
  }

  /** `explicit` is the Docker provider of the home host, any other goes by its name. */
  #provider({ provider }: pulumi.CustomResourceOptions): Record<string, unknown> {
    if (!provider) return {};
    const [, name = ''] = this.#names.get(provider)?.split(' ') ?? [];
    return { provider: name === 'ground-docker' ? 'explicit' : name };
  }

  #dependencies({ dependsOn }: pulumi.CustomResourceOptions): string[] {
    const list = Array.isArray(dependsOn) ? dependsOn : dependsOn ? [dependsOn] : [];
    return (list as pulumi.Resource[]).map((resource) => this.#names.get(resource) ?? 'unknown').sort();
  }
}

/** Options that decide what happens to a resource; the rest is plumbing. */
function optionsOf(opts: pulumi.CustomResourceOptions): Record<string, unknown> {
  const { protect, retainOnDelete, ignoreChanges, replaceOnChanges, deleteBeforeReplace, additionalSecretOutputs } =
    opts;
  const chosen = {
    protect,
    retainOnDelete,
    ignoreChanges,
    replaceOnChanges,
    deleteBeforeReplace,
    additionalSecretOutputs,
  };
  return Object.fromEntries(Object.entries(chosen).filter(([, value]) => value !== undefined));
}

/** A container that is replaced gets another id, as it would from Docker; what Docker changes in place leaves it its own. */
function idOf(type: string, name: string, inputs: object): string {
  if (!type.endsWith(':Container')) return `${name}-id`;
  const lasting = Object.entries(inputs).filter(([key]) => !SPARED_BY_CONTAINERS.includes(key));
  const plain = JSON.stringify(sorted(reveal(Object.fromEntries(lasting), false)));
  return createHash('sha256').update(`${name} ${plain}`).digest('hex');
}

/** What the real providers would answer, as far as the program reads it. */
function outputsOf(type: string, name: string, inputs: Record<string, unknown>): Record<string, unknown> {
  const plain = reveal(inputs, false) as Record<string, unknown>;
  const seed = createHash('sha512')
    .update(`${name} ${JSON.stringify(plain['keepers'] ?? null)}`)
    .digest();
  const length = Number(plain['length'] ?? 0);
  switch (type) {
    case 'random:index/randomPassword:RandomPassword':
      return { ...plain, result: seed.toString('hex').slice(0, length) };
    case 'docker:index/remoteImage:RemoteImage':
      return { ...plain, imageId: `sha256:${String(plain['name'])}` };
    case 'command:local:Command':
      return { ...plain, stdout: name.endsWith('rsa') ? RSA_KEY : `${name}-stdout`, stderr: '' };
    default:
      return plain;
  }
}

/** Unwraps secrets, or hides them. */
function reveal(value: unknown, hide: boolean): unknown {
  if (Array.isArray(value)) return value.map((inner) => reveal(inner, hide));
  if (value === null || typeof value !== 'object') return value;
  if (pulumi.asset.Asset.isInstance(value) || pulumi.asset.Archive.isInstance(value)) return '[asset]';
  const fields = value as Record<string, unknown>;
  if (fields[SIGNATURE] === SECRET) return hide ? '[secret]' : reveal(fields['value'], hide);
  return Object.fromEntries(Object.entries(fields).map(([key, inner]) => [key, reveal(inner, hide)]));
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, inner]) => inner !== undefined)
      .sort(([one], [other]) => one.localeCompare(other))
      .map(([key, inner]) => [key, sorted(inner)]),
  );
}

/** Names of the resources that differ between two graphs. */
export function changed(before: Map<string, Node>, after: Map<string, Node>): string[] {
  const keys = new Set([...before.keys(), ...after.keys()]);
  return [...keys].filter((key) => before.get(key)?.fingerprint !== after.get(key)?.fingerprint).sort();
}
