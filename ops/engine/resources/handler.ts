import type Docker from 'dockerode';
import type { z } from 'zod';
import { StepError } from '../errors.js';
import type { Values } from '../inputs.js';
import type { Live, TypeRules } from '../plan.js';

/** What a handler works with besides its inputs. */
export interface Context {
  readonly type: string;
  readonly name: string;
  /** Stable physical name for a resource to which the program gives none. */
  readonly autoName: string;
  /** Label value that marks in Docker what this state made. */
  readonly lineage: string;
  readonly docker: Docker;
  readonly signal: AbortSignal;
  /** One line of progress; secrets are taken out on the way. */
  readonly line: (text: string) => void;
  /** Stores the id before the resource is ready, so that a killed run knows what it left behind. */
  readonly checkpoint: (id: string) => void;
}

export interface Applied {
  readonly id: string;
  readonly outputs: Values;
}

/** A resource as the last run left it. */
export interface Stored<I> extends Applied {
  readonly inputs: I;
}

export interface Change<I> {
  readonly inputs: I;
  readonly previous: Stored<I> | undefined;
}

/** One resource type. Inputs are checked before anything is touched; what a schema does not name is an error. */
export interface HandlerSpec<S extends z.ZodType> {
  readonly schema: S;
  readonly rules: TypeRules;
  /** Only one heavy operation runs at a time. */
  readonly heavy?: boolean;
  /** Outputs that are secret whatever the inputs were. */
  readonly secretOutputs?: readonly string[];
  /** Outputs that are secret as soon as any input is. */
  readonly derivedOutputs?: readonly string[];
  readonly create: (context: Context, change: Change<z.output<S>>) => Promise<Applied>;
  readonly update?: (context: Context, change: Change<z.output<S>>) => Promise<Applied>;
  readonly start?: (context: Context, stored: Stored<z.output<S>>) => Promise<Applied>;
  /** Run when the program no longer has the resource, and by `destroy`. Idempotent: what is gone already is fine. */
  readonly remove?: (context: Context, stored: Stored<z.output<S>>) => Promise<void>;
  /** Removal that makes room for a replacement; without it nothing is removed. */
  readonly clear?: (context: Context, stored: Stored<z.output<S>>) => Promise<void>;
  readonly probe?: (context: Context, stored: Stored<z.output<S>>) => Promise<Live>;
}

export type Handler = Omit<HandlerSpec<z.ZodType>, 'schema'> & { readonly check: (inputs: Values) => void };

/** Hides the schema behind handlers of plain values; every call parses, also what an older run had stored. */
export function defineHandler<S extends z.ZodType>(spec: HandlerSpec<S>): Handler {
  const parse = (inputs: unknown): z.output<S> => {
    const parsed = spec.schema.safeParse(inputs);
    if (parsed.success) return parsed.data;
    throw new StepError(parsed.error.issues.map(describeIssue).join('; '), [], 'ENGINE_UNSUPPORTED');
  };
  const stored = (raw: Stored<unknown>): Stored<z.output<S>> => ({ ...raw, inputs: parse(raw.inputs) });
  const change = ({ inputs, previous }: Change<unknown>): Change<z.output<S>> => ({
    inputs: parse(inputs),
    previous: previous === undefined ? undefined : stored(previous),
  });
  const { create, update, start, remove, clear, probe, rules, heavy, secretOutputs, derivedOutputs } = spec;
  return {
    rules,
    heavy: heavy ?? false,
    secretOutputs: secretOutputs ?? [],
    derivedOutputs: derivedOutputs ?? [],
    check: parse,
    create: (context, raw) => create(context, change(raw)),
    ...(update && { update: (context, raw) => update(context, change(raw)) }),
    ...(start && { start: (context, raw) => start(context, stored(raw)) }),
    ...(remove && { remove: (context, raw) => remove(context, stored(raw)) }),
    ...(clear && { clear: (context, raw) => clear(context, stored(raw)) }),
    ...(probe && { probe: (context, raw) => probe(context, stored(raw)) }),
  };
}

function describeIssue(issue: z.core.$ZodIssue): string {
  const path = issue.path.map(String).join('.');
  if (issue.code === 'unrecognized_keys') {
    const keys = issue.keys.map((key) => (path === '' ? key : `${path}.${key}`));
    return `${keys.join(', ')}: not supported by the embedded engine`;
  }
  return `${path === '' ? 'inputs' : path}: ${issue.message}`;
}
