/**
 * Decides what happens to a resource. Pure: no Docker, no files, no Pulumi.
 * Promised: what did not change is left alone; data is never replaced; a command's `delete` is part of a change only where
 * the program says `deleteBeforeReplace` and the command is replaced.
 * Not promised: a preview; the inputs of a resource are known only once those it depends on exist.
 */
import { canonical } from './canonical.js';
import { keyOf, type Entry, type KeptOptions } from './entry.js';
import type { Values } from './inputs.js';

/** Options of a resource as the program wrote them. */
export interface ResourceOptions extends KeptOptions {
  readonly ignoreChanges: readonly string[];
  readonly replaceOnChanges: readonly string[];
  readonly additionalSecretOutputs: readonly string[];
  /** A command that is replaced undoes itself first, by its old inputs; without it a `delete` is never part of a change. */
  readonly deleteBeforeReplace?: boolean;
}

export interface TypeRules {
  /**
   * `replace`: remove, then make anew. `replaceIfUnused`: the same, but refused while something uses it. `regenerate`: make anew,
   * nothing to remove. `update`: change in place. `refuse`: an error; what holds data is never replaced.
   */
  readonly onChange: 'replace' | 'replaceIfUnused' | 'regenerate' | 'update' | 'refuse';
  /** Inputs that turn an update into a replacement. */
  readonly replaceKeys?: readonly string[];
  /** Inputs that turn a replacement into an update, as long as nothing else changed. */
  readonly updateKeys?: readonly string[];
  /** Inputs that only the engine reads: a change of them is stored and nothing else happens. */
  readonly storeOnlyKeys?: readonly string[];
  /** Said when a change is refused. */
  readonly refusal?: string;
}

/** What stands where the state says it does. */
export interface Live {
  readonly there: 'running' | 'stopped' | 'missing';
  readonly users?: readonly string[];
  /** What was changed by hand of what an update in place puts back. @default nothing */
  readonly drifted?: readonly string[];
}

export type Step =
  | { readonly action: 'create' | 'same' | 'store' | 'start' | 'update' | 'replace'; readonly reason: string }
  | { readonly action: 'refuse'; readonly reason: string };

export interface Situation {
  readonly entry: Entry | undefined;
  readonly hash: string;
  /** Top-level inputs that differ from the stored ones. */
  readonly changed: readonly string[];
  readonly rules: TypeRules;
  readonly options: Pick<ResourceOptions, 'protect' | 'replaceOnChanges'>;
  readonly live: Live;
}

export function decide({ entry, hash, changed, rules, options, live }: Situation): Step {
  if (entry === undefined) return { action: 'create', reason: 'new' };
  if (live.there === 'missing' || entry.id === '') return { action: 'create', reason: 'it was gone' };
  if (entry.status === 'pending') return { action: 'replace', reason: 'it never became ready' };
  if (entry.status === 'again') return { action: 'replace', reason: 'it is to be made again' };
  if (entry.hash === hash || changed.every((key) => rules.storeOnlyKeys?.includes(key))) {
    const drifted = live.drifted ?? [];
    if (drifted.length > 0) return { action: 'update', reason: `changed by hand: ${drifted.join(', ')}` };
    if (live.there === 'stopped') return { action: 'start', reason: 'it had stopped' };
    return entry.hash === hash
      ? { action: 'same', reason: '' }
      : { action: 'store', reason: `changed: ${changed.join(', ')}` };
  }
  return change(`changed: ${changed.join(', ')}`, { changed, rules, options, live });
}

function change(
  reason: string,
  { changed, rules, options, live }: Pick<Situation, 'changed' | 'rules' | 'options' | 'live'>,
): Step {
  if (isInPlace({ changed, rules, options })) return { action: 'update', reason };
  const destroys = rules.onChange === 'replace' || rules.onChange === 'replaceIfUnused';
  if (destroys && options.protect === true) return { action: 'refuse', reason: `${reason}, and it is protected` };
  switch (rules.onChange) {
    case 'refuse':
      return { action: 'refuse', reason: `${reason}; ${rules.refusal ?? 'it cannot be changed'}` };
    case 'replaceIfUnused':
      if (live.users !== undefined && live.users.length > 0) {
        return { action: 'refuse', reason: `${reason}; ${rules.refusal ?? 'it is in use'} (${live.users.join(', ')})` };
      }
      return { action: 'replace', reason };
    case 'replace':
    case 'regenerate':
      return { action: 'replace', reason };
    case 'update': {
      const forced = isForced(changed, [...(rules.replaceKeys ?? []), ...options.replaceOnChanges.map(firstSegment)]);
      return { action: forced ? 'replace' : 'update', reason };
    }
  }
}

function isForced(changed: readonly string[], forcing: readonly string[]): boolean {
  return forcing.includes('*') || changed.some((key) => forcing.includes(key));
}

function isInPlace({ changed, rules, options }: Pick<Situation, 'changed' | 'rules' | 'options'>): boolean {
  const mild = [...(rules.updateKeys ?? []), ...(rules.storeOnlyKeys ?? [])];
  const isMild = rules.updateKeys !== undefined && changed.every((key) => mild.includes(key));
  return isMild && !isForced(changed, options.replaceOnChanges.map(firstSegment));
}

/** Top-level keys whose values differ. */
export function changedKeys(before: Values, after: Values): string[] {
  const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
  return keys.filter((key) => canonical(before[key]) !== canonical(after[key]));
}

/** The new inputs, with the old value wherever the program says that a change does not count. */
export function keepIgnored(paths: readonly string[], before: Values, after: Values): Values {
  let result: unknown = after;
  for (const path of paths) result = restore(segments(path), before, result);
  return result as Values;
}

function restore(path: readonly string[], before: unknown, after: unknown): unknown {
  const [head, ...rest] = path;
  if (head === undefined) return before;
  if (head === '*') {
    if (rest.length === 0) return before;
    const keys = Object.keys(after ?? {});
    return keys.reduce((value, key) => restore([key, ...rest], before, value), after);
  }
  if (typeof after !== 'object' || after === null) return after;
  const old = (before as Values | undefined)?.[head];
  if (Array.isArray(after)) {
    const index = Number(head);
    if (!Number.isInteger(index) || index >= after.length) return after;
    return after.map((value: unknown, at) => (at === index ? restore(rest, old, value) : value));
  }
  const { [head]: current, ...others } = after as Values;
  const kept = restore(rest, old, current);
  return kept === undefined ? others : { ...others, [head]: kept };
}

/** `a.b[0]["c d"]` → a, b, 0, c d. */
function segments(path: string): string[] {
  const found = path.matchAll(/\[(?:"((?:[^"\\]|\\.)*)"|(\d+|\*))\]|([^.[\]]+)/g);
  return [...found].map((match) => match[1] ?? match[2] ?? match[3] ?? '');
}

function firstSegment(path: string): string {
  return segments(path)[0] ?? path;
}

export interface Removal {
  readonly entry: Entry;
  /** `keep`: only forgotten. `skip`: goes with another one that is deleted in the same run. */
  readonly how: 'delete' | 'keep' | 'skip';
}

/** In reverse order of creation: what was made last depends on what was made first. */
export function planRemoval(doomed: readonly Entry[]): Removal[] {
  const isKept = (entry: Entry): boolean => entry.options.retainOnDelete === true || entry.options.protect === true;
  const deleted = new Set(doomed.filter((entry) => !isKept(entry)).map((entry) => keyOf(entry.type, entry.name)));
  return [...doomed]
    .sort((a, b) => b.order - a.order)
    .map((entry) => {
      if (isKept(entry)) return { entry, how: 'keep' };
      const { deletedWith } = entry.options;
      return { entry, how: deletedWith !== undefined && deleted.has(deletedWith) ? 'skip' : 'delete' };
    });
}
