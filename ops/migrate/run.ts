import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Client } from 'pg';
import { UserError } from '../../stack/errors.js';
import { saveSchema, saveSessions } from './backup.js';
import { switchConnections } from './connections-file.js';
import { compare, copyPass, type Comparison, type PassArgs } from './copy-all.js';
import type { Journal, Step } from './journal.js';
import type { NewGateway, OldGateway } from './ports.js';
import { reportText, type Report } from './report.js';
import { sessionFrom } from './session.js';
import { makeWork } from './work.js';

export interface RunArgs {
  readonly source: Client;
  readonly target: Client;
  readonly journal: Journal;
  readonly schema: string;
  readonly setAside: boolean;
  readonly old: OldGateway;
  readonly fresh: NewGateway;
  /** Name of the session and the account that it must belong to; null: not recorded. */
  readonly session: { readonly name: string; readonly account: string | null };
  /** Where backups and the report go. */
  readonly folder: string;
  /** `pg_dump --schema-only` of the old schema. */
  readonly definition: () => Promise<string>;
  /** The env file of the applications and what to write into it. */
  readonly connections: { readonly file: string; readonly url: string } | null;
  readonly say: (line: string) => void;
  /** Told of each step when it begins. */
  readonly onStep: (step: Step) => void;
}

/**
 * All steps that are not done yet. Whatever ends the process, the next run goes on: a step is either a transaction in the target
 * with its line in the journal, or one that can be repeated. Until `switched` the old gateway is in charge.
 */
export async function runMigration(args: RunArgs): Promise<Report> {
  const { journal, old } = args;
  const startedAt = Date.now();
  await once(args, 'sessions-saved', async () => ({ ...saveSessions(args.folder, await old.sessions()) }));
  await once(args, 'schema-saved', async () => ({
    files: await saveSchema(args.folder, args.source, args.schema, args.definition),
  }));
  await once(args, 'copied', async () => ({ ...(await copyPass(passArgs(args))) }));
  if (!journal.done('switched')) await switchOver(args);
  await once(args, 'connections-switched', () => {
    const { connections } = args;
    if (!connections) return Promise.resolve({});
    const kept = join(args.folder, 'connections.before');
    switchConnections(connections.file, connections.url, kept);
    // Not the line itself: it holds a password, and the journal is printed and reported.
    return Promise.resolve({ kept });
  });
  args.onStep('reported');
  return writeReport(args, startedAt);
}

/** The time without a gateway. Until the work is handed over, a failure brings the old one back. */
async function switchOver(args: RunArgs): Promise<void> {
  const { journal, source, target, schema, fresh, say } = args;
  const downSince = Date.now();
  await notePolicy(args);
  if (journal.done('work-made')) {
    await stopBoth(args);
  } else {
    try {
      await stopBoth(args);
      // Somebody may have started the old gateway since these were done.
      for (const step of AT_STANDSTILL) await journal.forget(step);
      await once(args, 'caught-up', async () => ({ ...(await copyPass(passArgs(args))) }));
      await once(args, 'compared', async () => comparedDetail(await compareStopped(args)));
      await once(args, 'session-installed', () => installSession(args));
      await once(args, 'work-made', async () => ({ work: await makeWork(source, target, journal, schema) }));
    } catch (error) {
      await startOldAgain(args);
      throw error;
    }
  }
  await once(args, 'switched', async () => {
    // Before it starts, so that all that it writes is from after.
    const { rows } = await target.query<{ now: Date }>('select clock_timestamp() as now');
    await fresh.start();
    return { since: rows[0]?.now.toISOString(), downSeconds: Math.round((Date.now() - downSince) / 1000) };
  });
  say('✔ the new gateway is in charge');
}

const AT_STANDSTILL = ['caught-up', 'compared', 'session-installed'] as const;

const passArgs = (args: RunArgs): PassArgs => ({
  ...args,
  onPart: (done, of) => {
    if (done % 20 === 0 || done === of) args.say(`  ${String(done)} of ${String(of)} parts`);
  },
});

/** Runs a step unless it is done, and notes what it gives. */
async function once(
  { journal, say, onStep }: RunArgs,
  step: Step,
  work: () => Promise<Readonly<Record<string, unknown>>>,
): Promise<void> {
  if (journal.done(step)) return;
  onStep(step);
  const started = Date.now();
  const detail = await work();
  await journal.record(step, { ...detail, seconds: Math.round((Date.now() - started) / 100) / 10 });
  say(`✔ ${step} ${String(Math.round((Date.now() - started) / 1000))} s`);
}

/** Before it is changed, and once: a run that was killed in between must not take its own `no` for it. */
async function notePolicy({ journal, old }: RunArgs): Promise<void> {
  if (journal.done('policy-noted')) return;
  await journal.record('policy-noted', { restartPolicy: await old.restartPolicy() });
}

/** Also when they were stopped before: somebody may have started them again. */
async function stopBoth({ journal, old, fresh, onStep, say }: RunArgs): Promise<void> {
  onStep('old-stopped');
  await fresh.stop();
  await old.stop();
  await journal.record('old-stopped');
  say('✔ old-stopped: neither gateway runs until the switch');
}

/** The switch cannot be made now: the old gateway goes on, and the next run begins with what it does until then. */
async function startOldAgain({ journal, old, fresh, say }: RunArgs): Promise<void> {
  await fresh.remove();
  await fresh.wait();
  await old.start(journal.text('policy-noted', 'restartPolicy', 'no'));
  say('! the old gateway runs again');
}

async function compareStopped(args: RunArgs): Promise<Comparison> {
  const result = await compare(args);
  if (result.differences.length === 0) return result;
  const { rows } = await args.source.query<{ who: string }>(
    `select distinct format('connected to the source: %s as %s', coalesce(nullif(application_name, ''), 'unnamed'), usename) as who
       from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid() and usename is not null`,
  );
  const details = result.differences.map(
    ({ channelId, month, source, target }) =>
      `channel ${channelId}, ${month.slice(0, 7)}: ${source} rows in the source, ${target} here`,
  );
  throw new UserError('MIGRATE_DIFFERENT', `${String(details.length)} part(s) differ between source and target`, {
    details: [...details.slice(0, 20), ...rows.map(({ who }) => who)],
  });
}

const comparedDetail = ({ parts, rows, differences }: Comparison) => ({ parts, rows, differences: differences.length });

/** The session has one place: the new gateway's. Telegram is asked whose it is before anything is done with it. */
async function installSession({ old, fresh, session }: RunArgs): Promise<Readonly<Record<string, unknown>>> {
  await fresh.install(sessionFrom(await old.sessions(), session.name));
  const account = await fresh.account();
  if (session.account !== null && account !== session.account)
    throw new UserError(
      'MIGRATE_SESSION',
      `the session "${session.name}" belongs to account ${account}, the source is that of account ${session.account}`,
    );
  return { account };
}

async function writeReport(args: RunArgs, startedAt: number): Promise<Report> {
  const { journal, folder } = args;
  const steps = Object.fromEntries(journal.steps);
  const report: Report = {
    source: journal.text('begun', 'source'),
    seconds: (Date.now() - startedAt) / 1000,
    steps,
  };
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  writeFileSync(join(folder, 'report.json'), `${JSON.stringify(report, null, 2)}\n`, { mode: 0o600 });
  writeFileSync(join(folder, 'report.md'), reportText(report), { mode: 0o600 });
  await journal.record('reported', { folder });
  return report;
}
