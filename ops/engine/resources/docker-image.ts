/**
 * `docker:index/remoteImage:RemoteImage`: built from a folder by the classic builder, or taken from the daemon or a registry.
 * As in Pulumi's provider only inputs count, not the folder: a program that wants a rebuild when a file changes puts a hash
 * of the folder into `triggers`. Not promised: private registries.
 */
import { Readable } from 'node:stream';
import { z } from 'zod';
import { StepError } from '../errors.js';
import { packContext } from './build-context.js';
import { isMissing, orMissing, reasonOf } from './docker-client.js';
import { defineHandler, type Applied, type Context } from './handler.js';

const LAST_LINES = 30;
const map = z.record(z.string(), z.string()).optional();
const flag = z.boolean().optional();

const schema = z.strictObject({
  name: z.string(),
  keepLocally: flag,
  forceRemove: flag,
  platform: z.string().optional(),
  triggers: map,
  pullTriggers: z.array(z.string()).optional(),
  build: z
    .strictObject({
      context: z.string(),
      dockerfile: z.string().optional(),
      buildArgs: map,
      labels: map,
      label: map,
      tags: z.array(z.string()).optional(),
      target: z.string().optional(),
      platform: z.string().optional(),
      networkMode: z.string().optional(),
      extraHosts: z.array(z.string()).optional(),
      noCache: flag,
      pullParent: flag,
      remove: flag,
      forceRemove: flag,
      suppressOutput: flag,
      /** Both say what this engine does anyhow. */
      useLegacyBuilder: z.literal(true).optional(),
      builder: z.literal('default').optional(),
    })
    .optional(),
});

type Inputs = z.output<typeof schema>;
type Build = NonNullable<Inputs['build']>;

export const image = defineHandler({
  schema,
  heavy: true,
  rules: { onChange: 'regenerate', storeOnlyKeys: ['keepLocally', 'forceRemove'] },
  create: async (context, { inputs, previous }) => {
    if (inputs.build !== undefined) {
      await build(context, inputs, inputs.build);
    } else {
      const wanted = inputs.pullTriggers ?? [];
      const wantsFresh = previous !== undefined && String(previous.inputs.pullTriggers ?? []) !== String(wanted);
      const local = await orMissing(context.docker.getImage(reference(inputs.name)).inspect());
      if (local === undefined || wantsFresh) await pullImage(context, inputs.name, inputs.platform);
    }
    return describe(context, inputs.name);
  },
  remove: async (context, { inputs, outputs }) => {
    if (inputs.keepLocally === true) return;
    try {
      await context.docker.getImage(String(outputs['imageId'])).remove({ force: inputs.forceRemove ?? false });
    } catch (error) {
      if (!isMissing(error)) throw error;
    }
  },
  probe: async (context, { outputs }) => {
    const found = await orMissing(context.docker.getImage(String(outputs['imageId'])).inspect());
    return { there: found === undefined ? 'missing' : 'running' };
  },
});

/** With a digest the tag says nothing, and the API does not take both. */
function reference(name: string): string {
  return name.replace(/:[^:/@]+(?=@sha256:)/, '');
}

async function describe(context: Context, name: string): Promise<Applied> {
  const found = await context.docker.getImage(reference(name)).inspect();
  return { id: found.Id + name, outputs: { imageId: found.Id, repoDigest: found.RepoDigests[0] ?? '', name } };
}

/** Fetches an image; what the registry answers is the error. */
export async function pullImage(context: Context, name: string, platform?: string): Promise<void> {
  context.line(`pulling ${name}`);
  // Without a tag the API would fetch every tag there is.
  const wanted = /[:@][^/]+$/.test(name) ? reference(name) : `${name}:latest`;
  try {
    const stream = await context.docker.pull(wanted, {
      abortSignal: context.signal,
      ...(platform !== undefined && { platform }),
    });
    await follow(stream, () => undefined);
  } catch (error) {
    throw new StepError(`image ${name} is neither here nor could it be pulled: ${reasonOf(error)}`);
  }
}

async function build(context: Context, inputs: Inputs, settings: Build): Promise<void> {
  const platform = settings.platform ?? inputs.platform;
  const dockerfile = settings.dockerfile ?? 'Dockerfile';
  const lines: string[] = [];
  const body = Readable.from(packContext(settings.context, [dockerfile]));
  // A folder that cannot be read must end the request, which would wait for the rest of it for ever.
  const unreadable = new AbortController();
  let cause: unknown;
  body.on('error', (error) => {
    cause = error;
    unreadable.abort();
  });
  try {
    const stream = await context.docker.buildImage(body, {
      // Lists are written as one parameter for each element, which the types do not know of.
      t: [inputs.name, ...(settings.tags ?? [])] as unknown as string,
      dockerfile,
      rm: settings.remove ?? true,
      // Also after a failure: nobody would look for what a broken step left.
      forcerm: settings.forceRemove ?? true,
      q: settings.suppressOutput ?? false,
      nocache: settings.noCache ?? false,
      abortSignal: AbortSignal.any([context.signal, unreadable.signal]),
      ...(settings.buildArgs && { buildargs: settings.buildArgs }),
      ...((settings.labels ?? settings.label) && { labels: { ...settings.label, ...settings.labels } }),
      ...(settings.target !== undefined && { target: settings.target }),
      ...(settings.networkMode !== undefined && { networkmode: settings.networkMode }),
      ...(settings.extraHosts && { extrahosts: settings.extraHosts as unknown as string }),
      ...(settings.pullParent === true && { pull: true }),
      ...(platform !== undefined && { platform }),
    });
    await follow(stream, (line) => {
      lines.push(line);
      context.line(line);
    });
  } catch (error) {
    context.signal.throwIfAborted();
    throw new StepError(`build of ${inputs.name} failed: ${reasonOf(cause ?? error)}`, lines.slice(-LAST_LINES));
  }
}

interface Progress {
  readonly stream?: string;
  readonly error?: string;
}

/** Reads a stream of JSON lines to its end; an `error` in it is what went wrong. */
async function follow(stream: NodeJS.ReadableStream, line: (text: string) => void): Promise<void> {
  let rest = '';
  let text = '';
  const take = (json: string): void => {
    if (json.trim() === '') return;
    const progress = JSON.parse(json) as Progress;
    if (progress.error !== undefined) throw new Error(progress.error.trim());
    const pieces = (text + (progress.stream ?? '')).split('\n');
    text = pieces.pop() ?? '';
    for (const piece of pieces) if (piece.trim() !== '') line(piece.trimEnd());
  };
  stream.setEncoding('utf8');
  for await (const chunk of stream) {
    const pieces = (rest + String(chunk)).split('\n');
    rest = pieces.pop() ?? '';
    for (const piece of pieces) take(piece);
  }
  take(rest);
}
