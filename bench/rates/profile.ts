/** Where this process spends its time, by part of the code. */
import { Session, type Profiler } from 'node:inspector/promises';

export interface Part {
  /** A folder of the runtime, a package, or one of V8's own. */
  readonly part: string;
  /** Of the time in which the process was busy, 0 to 1. */
  readonly share: number;
}

/** Runs `work` under the profiler. Parts that take less than a hundredth are left out; the largest first. */
export async function profiled(work: () => Promise<unknown>): Promise<readonly Part[]> {
  const session = new Session();
  session.connect();
  try {
    await session.post('Profiler.enable');
    await session.post('Profiler.start');
    await work();
    return partsOf((await session.post('Profiler.stop')).profile);
  } finally {
    session.disconnect();
  }
}

export function partsOf({ nodes, samples = [], timeDeltas = [] }: Profiler.Profile): readonly Part[] {
  const names = new Map(nodes.map(({ id, callFrame }) => [id, nameOf(callFrame)]));
  const micros = new Map<string, number>();
  for (const [n, id] of samples.entries()) {
    const name = names.get(id) ?? '';
    if (name !== '(idle)') micros.set(name, (micros.get(name) ?? 0) + (timeDeltas[n] ?? 0));
  }
  const busy = [...micros.values()].reduce((sum, time) => sum + time, 0);
  return [...micros]
    .map(([part, time]) => ({ part, share: time / busy }))
    .filter(({ share }) => share >= 0.01)
    .sort((one, other) => other.share - one.share);
}

/** `runtime/queue`, `pg`, `node:net`, `(garbage collector)`. */
function nameOf({ url, functionName }: Profiler.Profile['nodes'][number]['callFrame']): string {
  const [, ...libraries] = url.split('/node_modules/');
  const [, library] = /^((?:@[^/]+\/)?[^/]+)\//.exec(libraries.at(-1) ?? '') ?? [];
  if (library !== undefined) return library;
  const [, own] = /\/((?:runtime|bench)\/[^/]+)\//.exec(url) ?? [];
  if (own !== undefined) return own;
  if (url.startsWith('node:')) return url.split('/')[0] ?? url;
  return url === '' ? functionName : 'other';
}
