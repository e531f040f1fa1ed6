import type { Client } from 'pg';
import { UserError } from '../../stack/errors.js';
import type { StackConfig } from '../../stack/config-schema.js';
import { connectionsProblem } from './connections-file.js';
import { onSnapshot } from './databases.js';
import type { Journal } from './journal.js';
import type { NewGateway, OldGateway } from './ports.js';
import { refusal } from './projection.js';
import { sessionFrom } from './session.js';
import { checkLayout, SOURCE_TABLES } from './source-schema.js';

export interface PreflightArgs {
  readonly source: Client;
  readonly journal: Journal;
  readonly schema: string;
  readonly old: OldGateway;
  readonly fresh: NewGateway;
  readonly sessionName: string;
  readonly retention: StackConfig['retention'];
  /** The env file of the applications; null without one. */
  readonly connectionsFile: string | null;
  /** Free bytes where the target's data is; null where that cannot be asked. */
  readonly freeBytes: () => Promise<number | null>;
  /** Whether there is a `pg_dump` for the old schema; asked while the old gateway runs. */
  readonly canDump: () => Promise<boolean>;
}

/** What was looked at, and everything that stands in the way. */
export interface Preflight {
  readonly problems: readonly string[];
  readonly oldRunning: boolean;
  /** By table. */
  readonly rows: Readonly<Record<string, number>>;
  readonly bytes: number;
  readonly serverVersion: string;
  /** Refused rows by reason, repetitions apart. */
  readonly refused: Readonly<Record<string, number>>;
  readonly channels: number;
  readonly unfinished: number;
  /** Tables of the schema that nothing is taken from. */
  readonly leftBehind: readonly string[];
  /** Account of the session, as the source records it; null where it does not. */
  readonly account: string | null;
}

/** The new rows, indexes and the work of copying take about so many times the size of the old table. */
const SPACE_FACTOR = 1.5;

const NO_DUMP =
  'the image of the old gateway has no pg_dump, and the new database is external: set telegram:backup.enabled, whose image has one, and run `npm run up`';

/** Reads both sides and changes nothing. Throws for a source that is not known; lists all else. */
export async function preflight(args: PreflightArgs): Promise<Preflight> {
  const { source, schema, old, journal } = args;
  await mustBeSupported(source);
  const leftBehind = await checkLayout(source, schema);
  await mustRead(source, schema);
  const facts = await readFacts(source, schema);
  const account = await accountOf(source, schema, args.sessionName);
  const running = await old.isRunning();
  const problems: string[] = [];
  if (running === null) problems.push('telegram:source.container: there is no such container on the Docker host');
  // Once the old gateway was stopped, a session on the new host may be ours, by a run that was killed.
  else if (!journal.done('old-stopped')) problems.push(...(await sessionProblems(args)));
  if (running === true && !journal.done('schema-saved') && !(await args.canDump())) problems.push(NO_DUMP);
  problems.push(...connections(args));
  problems.push(...forgotten(facts, args.retention), ...(await space(facts.bytes, args)));
  return { ...facts, problems, oldRunning: running ?? false, leftBehind, account };
}

/** Older ones have no checksum of a row (projection.ts). */
const OLDEST_MAJOR = 14;

/** Of another encoding, a text may be none that the new database takes, and its bytes have another checksum. */
async function mustBeSupported(source: Client): Promise<void> {
  const { rows } = await source.query<{ major: number; encoding: string }>(
    `select current_setting('server_version_num')::integer / 10000 as major, current_setting('server_encoding') as encoding`,
  );
  const { major = 0, encoding = '' } = rows[0] ?? {};
  if (major < OLDEST_MAJOR)
    throw new UserError(
      'MIGRATE_SOURCE',
      `the source is PostgreSQL ${String(major)}, ${String(OLDEST_MAJOR)} is the oldest that can be migrated from`,
    );
  if (encoding !== 'UTF8')
    throw new UserError('MIGRATE_SOURCE', `the source is encoded in ${encoding}, expected UTF8`, {
      fix: 'Dump it, restore it into a database with the encoding UTF8, and name that one.',
    });
}

async function mustRead(source: Client, schema: string): Promise<void> {
  const { rows } = await source.query<{ name: string }>(
    `select name from unnest($1::text[]) name where not has_table_privilege(format('%I.%I', $2::text, name), 'select')`,
    [Object.keys(SOURCE_TABLES), schema],
  );
  if (rows.length > 0)
    throw new UserError(
      'MIGRATE_SOURCE',
      `the login may not read ${rows.map(({ name }) => `${schema}.${name}`).join(', ')}`,
      {
        fix: `Run \`grant usage on schema ${schema} to …; grant select on all tables in schema ${schema} to …\` there.`,
      },
    );
}

interface Facts extends Pick<Preflight, 'rows' | 'bytes' | 'serverVersion' | 'refused' | 'channels' | 'unfinished'> {
  readonly oldestDays: number;
}

async function readFacts(source: Client, schema: string): Promise<Facts> {
  return onSnapshot(source, async () => {
    const tables = Object.keys(SOURCE_TABLES).filter((table) => table !== 'messages');
    const counts = tables.map((table) => `(select count(*) from ${schema}.${table}) as ${table}`);
    const { rows: others } = await source.query<Record<string, string>>(`select ${counts.join(', ')}`);
    const { rows: reasons } = await source.query<{
      reason: string | null;
      rows: string;
      unfinished: string;
      days: string;
    }>(`
      select ${refusal('false')} as reason, count(*) as rows, count(*) filter (where status <> 'processed') as unfinished,
             coalesce(max(extract(epoch from now() - posted_at) / 86400) filter (where isfinite(posted_at)), 0)::bigint as days
        from ${schema}.messages m group by 1`);
    const { rows: size } = await source.query<{ bytes: string; version: string }>(
      `
      select coalesce(sum(pg_total_relation_size(format('%I.%I', chunk_schema, chunk_name)::regclass)), 0)::bigint as bytes,
             current_setting('server_version') as version
        from timescaledb_information.chunks where hypertable_schema = $1 and hypertable_name = 'messages'`,
      [schema],
    );
    const { rows: channels } = await source.query<{ count: string }>(
      `select count(distinct channel_id) as count from ${schema}.messages`,
    );
    const sound = reasons.find(({ reason }) => reason === null);
    return {
      rows: {
        ...Object.fromEntries(tables.map((table) => [table, Number(others[0]?.[table] ?? 0)])),
        messages: reasons.reduce((sum, { rows }) => sum + Number(rows), 0),
      },
      refused: Object.fromEntries(
        reasons.flatMap(({ reason, rows }) => (reason === null ? [] : [[reason, Number(rows)]])),
      ),
      unfinished: Number(sound?.unfinished ?? 0),
      oldestDays: Number(sound?.days ?? 0),
      bytes: Number(size[0]?.bytes ?? 0),
      serverVersion: size[0]?.version ?? 'unknown',
      channels: Number(channels[0]?.count ?? 0),
    };
  });
}

/** Whose session it is, as the old gateway wrote it down. */
async function accountOf(source: Client, schema: string, name: string): Promise<string | null> {
  const { rows } = await source.query<{ user_id: string | null }>(
    `select user_id::text from ${schema}.sessions where name = $1`,
    [name],
  );
  return rows[0]?.user_id ?? null;
}

async function sessionProblems({ old, fresh, sessionName }: PreflightArgs): Promise<string[]> {
  try {
    sessionFrom(await old.sessions(), sessionName);
    if ((await fresh.session()) !== null)
      return ['the gateway host has a session already: `npm run session -- logout` ends it'];
    return [];
  } catch (error) {
    if (error instanceof UserError) return [error.message];
    throw error;
  }
}

function connections({ connectionsFile, journal }: PreflightArgs): string[] {
  if (connectionsFile === null || journal.done('connections-switched')) return [];
  const problem = connectionsProblem(connectionsFile);
  return problem === null ? [] : [problem];
}

function forgotten({ oldestDays, rows }: Facts, { messagesDays }: StackConfig['retention']): string[] {
  if (messagesDays === 0 || oldestDays < messagesDays) return [];
  const all = String(rows['messages']);
  return [
    `telegram:retention.messagesDays: ${String(messagesDays)} days would forget some of the ${all} messages; set 0, or ${String(oldestDays + 30)} at least`,
  ];
}

async function space(bytes: number, { freeBytes, journal }: PreflightArgs): Promise<string[]> {
  const free = journal.done('copied') ? null : await freeBytes();
  const needed = bytes * SPACE_FACTOR;
  if (free === null || free >= needed) return [];
  const mib = (value: number) => `${String(Math.ceil(value / 2 ** 20))} MiB`;
  return [`disk of the new database: ${mib(free)} are free, about ${mib(needed)} are needed`];
}
