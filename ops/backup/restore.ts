import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { UserError } from '../../stack/errors.js';
import type { StackOptions } from '../context.js';
import { confirm } from '../confirm.js';
import { duration, print, printJson, say } from '../output.js';
import { backedUpStack, size, time } from './backup.js';
import { drill, drillReport } from './drill.js';
import { restorePart } from './parts.js';
import { replaceDatabase } from './replace.js';
import { listBackups, type BackupList } from './sidecar.js';

export interface RestoreOptions extends StackOptions {
  /** Moment to go back to: ISO 8601. */
  readonly at?: string;
  /** To the last change that reached the target. */
  readonly latest?: boolean;
  /** Into a throw-away server, compared, and forgotten. */
  readonly drill?: boolean;
  /** One part instead of the database: sessions, redis, rabbitmq or dump. */
  readonly part?: string;
  /** Folder for a report, or file for a part. */
  readonly to?: string;
  readonly yes?: boolean;
  readonly json?: boolean;
}

/** Brings back the database, one other part, or proves that it could. */
export async function restore(options: RestoreOptions): Promise<void> {
  const stack = await backedUpStack(options);
  if (options.part !== undefined) return restorePart(stack, options.part, options);
  if (stack.outputs.backup === 'dump')
    throw new UserError('USAGE', 'a database outside of the stack is restored by its own means', {
      fix: 'npm run restore -- --part dump --to <file>, then pg_restore; docs/guides/backup.md',
    });
  const known = await listBackups(stack.sidecar);
  const target = options.drill && options.at === undefined && !options.latest ? undefined : targetOf(options, known);
  if (options.drill) return practise(stack, target, options);
  const { freeKb, usedKb } = await space(stack.sidecar);
  const reach =
    target === 'end' ? `its last change that is in the target (${time(known.walArchivedAt)} or later)` : target;
  say(`The database of stack "${options.stack}" goes back to ${reach ?? ''}.`);
  say('  Gateway, API, consumer, PgBouncer and TimescaleDB are stopped meanwhile, and started at the end.');
  say('  Messages since then come back from Telegram as far as it keeps them; what else was written since is lost.');
  say(
    `  The files of now (${size(usedKb * 1024)}) stay beside the restored ones until the next restore has succeeded; ${size(freeKb * 1024)} are free.`,
  );
  const needed = (known.database.at(-1)?.databaseBytes ?? 0) / 1024;
  if (freeKb < needed * 1.1)
    throw new UserError('DISK_FULL', `the restore needs ${size(needed * 1024)} on the disk of the database`, {
      why: 'the files of now are kept until the restored ones serve',
    });
  if (!options.yes && !(await confirm('Restore?')))
    throw new UserError('RESTORE_REFUSED', 'nothing was restored, and nothing stopped');
  const began = Date.now();
  const done = await replaceDatabase(stack, target ?? 'end', say);
  if (options.json) printJson({ seconds: (Date.now() - began) / 1000, ...done });
  say(
    `✔ restored to ${reach ?? ''} in ${duration(Date.now() - began)}; the database was away for ${duration(done.awayMs)}`,
  );
  say(`  the files from before are kept as ${done.kept}; next: npm run doctor, then npm run backup`);
}

async function practise(
  { hosts, outputs }: Awaited<ReturnType<typeof backedUpStack>>,
  target: string | undefined,
  options: RestoreOptions,
): Promise<void> {
  const result = await drill({ hosts, namePrefix: outputs.namePrefix, say, ...(target !== undefined && { target }) });
  const report = drillReport(result);
  if (options.to !== undefined) {
    mkdirSync(options.to, { recursive: true });
    const name = join(options.to, `drill-${result.at.replace(/[:.]/g, '-')}`);
    writeFileSync(`${name}.json`, `${JSON.stringify(result, null, 2)}\n`);
    writeFileSync(`${name}.md`, report);
    say(`• wrote ${name}.md and .json`);
  }
  if (options.json) printJson(result);
  else print(report);
  if (!result.good)
    throw new UserError('DRILL_FAILED', 'what came back is not what was backed up', {
      details: result.differences.slice(0, 10),
    });
}

async function space(sidecar: { call(args: readonly string[]): Promise<string> }) {
  return JSON.parse(await sidecar.call(['space'])) as { freeKb: number; usedKb: number };
}

/** As PostgreSQL reads it: `end`, or a time that can be reached. */
export function targetOf(
  { at, latest }: Pick<RestoreOptions, 'at' | 'latest'>,
  known: BackupList,
  now = new Date(),
): string {
  const first = known.database[0];
  if (!first) throw new UserError('RESTORE_POINT', 'there is no backup yet', { fix: 'npm run backup' });
  if ((at === undefined) === !latest)
    throw new UserError('USAGE', 'expected one of --at <time>, --latest and --drill', {
      fix: 'npm run backup -- list',
    });
  if (at === undefined) return 'end';
  const wanted = new Date(at);
  if (Number.isNaN(wanted.getTime()) || !/(Z|[+-]\d\d:?\d\d)$/.test(at))
    throw new UserError('USAGE', `expected a time with its zone, such as ${now.toISOString()}, got "${at}"`);
  if (wanted > now) throw new UserError('RESTORE_POINT', `${wanted.toISOString()} is in the future`);
  if (wanted.getTime() / 1000 < first.endedAt)
    throw new UserError('RESTORE_POINT', `the oldest backup is of ${time(first.endedAt)}`, {
      fix: 'Run `npm run backup -- list` for the times that can be reached.',
    });
  return wanted.toISOString().replace('T', ' ').replace('Z', '+00');
}
