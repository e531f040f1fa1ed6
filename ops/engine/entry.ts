import { z } from 'zod';
import type { Values } from './inputs.js';

const keptOptions = z.strictObject({
  retainOnDelete: z.boolean().optional(),
  protect: z.boolean().optional(),
  /** Key of the resource whose deletion takes this one along. */
  deletedWith: z.string().optional(),
});

/** What the state keeps of a resource in readable form. */
export const entrySchema = z.strictObject({
  type: z.string(),
  name: z.string(),
  /** Empty while nothing exists, for instance between the removal and the creation of a replaced container. */
  id: z.string(),
  hash: z.string(),
  /** `pending`: made, but not seen ready; the next run replaces it. `again`: the next run is to replace it. */
  status: z.enum(['ready', 'pending', 'again']),
  /** Position in dependency order; removal goes backwards. */
  order: z.number(),
  options: keptOptions,
  /** The encrypted rest. */
  sealed: z.string(),
});

export type KeptOptions = z.output<typeof keptOptions>;
export type Entry = z.output<typeof entrySchema>;

/** The encrypted part of an entry. */
export interface Sealed {
  readonly inputs: Values;
  readonly outputs: Values;
  readonly dockerHost: string;
}

/** Names of one type are unique in a program that this engine takes. */
export function keyOf(type: string, name: string): string {
  return `${type}::${name}`;
}
