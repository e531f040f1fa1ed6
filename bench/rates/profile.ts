/** Where this process spends its time, by part of the code. */
import { Session, type Profiler } from 'node:inspector/promises';

export interface Part {
  /** A folder of the project, a package, `node`, or `(garbage collector)`. */
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

/**
 * What Node and V8 do counts for the part that asked for it: the system call of a write is the work of whoever sends. What
 * nobody asked for, such as polling the sockets, is `node`. The profiler itself is left out.
 */
export function partsOf({ nodes, samples = [], timeDeltas = [] }: Profiler.Profile): readonly Part[] {
  const parts = new Map<number, string | null>();
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const name = (node: Profiler.ProfileNode, caller: string | null) => {
    const part = caller === null ? null : partOf(node.callFrame, caller);
    parts.set(node.id, part);
    for (const id of node.children ?? []) {
      const child = byId.get(id);
      if (child) name(child, part);
    }
  };
  const [root] = nodes;
  if (root) name(root, NODE);

  const micros = new Map<string, number>();
  for (const [n, id] of samples.entries()) {
    const part = parts.get(id) ?? null;
    if (part !== null) micros.set(part, (micros.get(part) ?? 0) + (timeDeltas[n] ?? 0));
  }
  const busy = [...micros.values()].reduce((sum, time) => sum + time, 0);
  return [...micros]
    .map(([part, time]) => ({ part, share: time / busy }))
    .filter(({ share }) => share >= 0.01)
    .sort((one, other) => other.share - one.share);
}

const NODE = 'node';

/** `runtime/queue`, `pg`, `(garbage collector)`; else the caller's. Null where nothing is to be counted. */
function partOf({ url, functionName }: Profiler.ProfileNode['callFrame'], caller: string): string | null {
  if (functionName === '(idle)' || url.startsWith('node:inspector')) return null;
  const [, ...libraries] = url.split('/node_modules/');
  const [, library] = /^((?:@[^/]+\/)?[^/]+)\//.exec(libraries.at(-1) ?? '') ?? [];
  if (library !== undefined) return library;
  const [, own] = /.*\/((?:runtime|bench|ops)(?:\/[^/]+(?=\/))?)\//.exec(url) ?? [];
  if (own !== undefined) return own;
  return functionName === '(garbage collector)' ? functionName : caller;
}
