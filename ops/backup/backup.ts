import { UserError } from '../../stack/errors.js';
import { runningStack, type RunningStack, type StackOptions } from '../context.js';
import { duration, print, printJson, say } from '../output.js';
import { listBackups, Sidecar, type BackupList } from './sidecar.js';

export interface BackupOptions extends StackOptions {
  /** A full one, whatever is due. */
  readonly full?: boolean;
  readonly json?: boolean;
}

/** The stack with its backup, or the error that says how to have one. */
export async function backedUpStack(options: StackOptions): Promise<RunningStack & { readonly sidecar: Sidecar }> {
  const stack = await runningStack(options);
  const { outputs, hosts } = stack;
  if (outputs.backup === 'off') throw new UserError('BACKUP_OFF', `stack "${options.stack}" is not backed up`);
  return { ...stack, sidecar: Sidecar.of(hosts, outputs.namePrefix) };
}

/** Makes a backup now, lists what there is, shows the key, or reads every byte of the target. */
export async function backup(action: string | undefined, options: BackupOptions): Promise<void> {
  const { sidecar, outputs } = await backedUpStack(options);
  switch (action) {
    case undefined:
    case 'now':
      return make(sidecar, options);
    case 'list':
      list(await listBackups(sidecar), options.json ?? false);
      return;
    case 'check':
      await sidecar.call(['check', 'deep'], { onLine: say });
      say('✔ every byte of the target was read and is whole');
      return;
    case 'key':
      say('Keep it where the stack is not: without it no backup can be read. It is not turned by `npm run rotate`.');
      print(outputs.logins['backup']?.key ?? '');
      return;
    default:
      throw new UserError('USAGE', `expected list, check or key, got "${action}"`);
  }
}

async function make(sidecar: Sidecar, { full, json }: BackupOptions): Promise<void> {
  const started = Date.now();
  await sidecar.call(['run', ...(full ? ['full'] : [])], { onLine: say });
  const newest = (await listBackups(sidecar)).database.at(-1);
  const seconds = (Date.now() - started) / 1000;
  if (json) printJson({ seconds, ...newest });
  else if (newest)
    say(
      `✔ ${newest.type} backup ${newest.label}: ${size(newest.databaseBytes)}, ${size(newest.storedBytes)} stored, in ${duration(seconds * 1000)}`,
    );
}

function list(found: BackupList, json: boolean): void {
  if (json) {
    printJson(found);
    return;
  }
  for (const { label, type, endedAt, databaseBytes, storedBytes } of found.database)
    print(
      `${time(endedAt)}  ${type.padEnd(4)}  ${size(databaseBytes).padStart(9)}  ${size(storedBytes).padStart(9)} stored  ${label}`,
    );
  const parts = new Map(found.parts.map((part) => [part.part, part]));
  for (const { part, at, bytes } of parts.values())
    print(`${at.slice(0, 19)}Z  ${part.padEnd(9)}  ${size(bytes).padStart(9)}  newest copy`);
  const first = found.database[0];
  if (first && found.engine === 'pgbackrest')
    say(`any time from ${time(first.endedAt)} to ${time(found.walArchivedAt)}: npm run restore -- --at <time>`);
  say(found.drilledAt > 0 ? `last good drill: ${time(found.drilledAt)}` : 'never drilled: npm run restore -- --drill');
}

/** Seconds since 1970 as a person and `--at` read them. */
export const time = (seconds: number) => `${new Date(seconds * 1000).toISOString().slice(0, 19)}Z`;

/** `5242880` → `5.0 MiB`. */
export function size(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  const power = Math.min(units.length - 1, Math.floor(Math.log2(Math.max(1, bytes)) / 10));
  return `${(bytes / 2 ** (10 * power)).toFixed(power === 0 ? 0 : 1)} ${units[power] ?? ''}`;
}
