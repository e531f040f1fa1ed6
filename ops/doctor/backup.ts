import { z } from 'zod';
import { Sidecar } from '../backup/sidecar.js';
import { Failing, type Check } from './check.js';

/** Longest that a part may be without a new backup, in seconds: a day, and two hours to make it. */
const TOO_OLD_S = 26 * 3600;
const FIX = 'npm run backup';

/** What the sidecar remembers: `database.success`, `redis.failure` and so on, in seconds since 1970. */
const factsSchema = z.record(z.string(), z.union([z.number(), z.string()]));
export type Facts = z.output<typeof factsSchema>;

/** Each part was backed up within a day, and no changes were dropped since. */
export const backup: Check = {
  name: 'backup',
  fix: 'npm run up',
  run: async ({ outputs, hosts }) => {
    if (outputs.backup === 'off') return 'switched off';
    const said = await Sidecar.of(hosts, outputs.namePrefix).call(['facts']);
    return judge(factsSchema.parse(JSON.parse(said)), Date.now() / 1000);
  },
};

/** What a doctor says of these facts at that time, in seconds since 1970. */
export function judge(facts: Facts, now: number): string {
  const at = (fact: string) => Number(facts[fact] ?? 0);
  const kinds = [...new Set(Object.keys(facts).flatMap((fact) => /^(.*)\.(success|failure)$/.exec(fact)?.[1] ?? []))];
  const failed = kinds.filter((kind) => at(`${kind}.failure`) > at(`${kind}.success`));
  if (failed.length > 0) throw new Failing(`the last backup failed: ${failed.join(', ')}`, FIX);
  if (!kinds.includes('database')) return 'the first backup is being made';
  const old = kinds.filter((kind) => now - at(`${kind}.success`) > TOO_OLD_S);
  const hours = (fact: string) => `${((now - at(fact)) / 3600).toFixed(1)} h`;
  if (old.length > 0)
    throw new Failing(`too old: ${old.map((kind) => `${kind} (${hours(`${kind}.success`)})`).join(', ')}`, FIX);
  if (facts['gap'] === 1) throw new Failing('changes were dropped while the target was away', FIX);
  return `${hours('database.success')} old, ${at('drill.at') === 0 ? 'never drilled' : `drilled ${hours('drill.at')} ago`}`;
}
