import type { QueryResultRow } from 'pg';
import { join } from 'node:path';
import { DATABASE } from '../../runtime/contract.js';
import { RuntimeError } from '../../runtime/errors.js';
import { planMigrations, readMigrations, type AppliedMigration } from '../../runtime/store/migration-plan.js';
import type { RunningStack } from '../context.js';
import { databaseAt, sqlOn } from '../sql.js';
import { ROOT } from '../stack-folder.js';
import { Failing, type Check } from './check.js';

/** Longest that clients may wait for a server connection before the pool counts as exhausted, in seconds. */
const POOL_WAIT_S = 1;

/** Rows of one statement with the login of the named service. */
const query = <R extends QueryResultRow>(stack: RunningStack, service: string, sql: string, database?: string) =>
  sqlOn(databaseAt(stack.outputs, service, database))<R>(sql);

/** The engine, and that a database has the extension. */
export const timescaledbIn = (database: string): Check => ({
  name: 'timescaledb',
  fix: 'npm run up',
  run: async (stack) => {
    const [row] = await query<{ version: string; extension: string | null; used: number; most: number }>(
      stack,
      'timescaledb',
      `select current_setting('server_version') as version,
              (select extversion from pg_extension where extname = 'timescaledb') as extension,
              (select count(*)::int from pg_stat_activity where backend_type = 'client backend') as used,
              current_setting('max_connections')::int as most`,
      database,
    );
    if (!row?.extension)
      throw new Failing(
        'the extension timescaledb is not in the database',
        // What needs the extension went with it: creating it anew would bring none of that back.
        'npm run backup -- list; then `npm run restore -- --at <moment>`, with one of before it was dropped',
      );
    return `PostgreSQL ${row.version}, TimescaleDB ${row.extension}, ${String(row.used)} of ${String(row.most)} connections`;
  },
});

const migrations: Check = {
  name: 'migrations',
  fix: 'npm run up',
  run: async (stack) => {
    const applied = await query<AppliedMigration>(
      stack,
      'timescaledb',
      'select version, name, checksum from telegram_gateway.schema_migrations order by 1',
    );
    const { pending, newer } = planned(applied);
    if (pending.length > 0) throw new Failing(`pending: ${pending.map(({ name }) => name).join(', ')}`, 'npm run up');
    const others = newer.length > 0 ? `, ${newer.join(', ')} by a newer release` : '';
    return `${String(applied.length)} applied, none pending${others}`;
  },
};

/** As the migrator sees it: a file that was edited or removed after it was applied stops every `up`. */
function planned(applied: readonly AppliedMigration[]): ReturnType<typeof planMigrations> {
  try {
    return planMigrations(readMigrations(join(ROOT, 'sql')), applied);
  } catch (error) {
    if (!(error instanceof RuntimeError)) throw error;
    const [file = ''] = /\d+_\S+\.sql/.exec(error.message) ?? [];
    throw new Failing(error.message, `git checkout -- sql/${file}`);
  }
}

interface Pool {
  readonly user: string;
  readonly cl_active: string;
  readonly cl_waiting: string;
  readonly sv_active: string;
  readonly sv_idle: string;
  readonly maxwait: string;
}

const pgbouncer: Check = {
  name: 'pgbouncer',
  fix: 'npm run up',
  run: async (stack) => {
    const pools = await query<Pool>(stack, 'pgbouncer-admin', 'show pools', 'pgbouncer');
    const waiting = pools.filter(({ maxwait }) => Number(maxwait) > POOL_WAIT_S);
    const exhausted = waiting.filter(({ sv_active }) => Number(sv_active) > 0);
    if (waiting.length > exhausted.length)
      throw new Failing(
        `clients wait for the database, which PgBouncer cannot reach (${waiting.map(({ user }) => user).join(', ')})`,
        'npm run up',
      );
    if (exhausted.length > 0)
      throw new Failing(
        exhausted
          .map(
            ({ user, maxwait, cl_waiting, sv_active }) =>
              `${user}: ${cl_waiting} clients wait ${maxwait} s, all ${sv_active} connections are busy`,
          )
          .join('; '),
        `raise telegram:pgbouncer.maxServerConnections in ${stack.folder.configFile}, then \`npm run up\``,
      );
    const sum = (field: 'cl_active' | 'cl_waiting' | 'sv_active' | 'sv_idle') =>
      String(pools.reduce((total, pool) => total + Number(pool[field]), 0));
    return `clients ${sum('cl_active')} active, ${sum('cl_waiting')} waiting; servers ${sum('sv_active')} active, ${sum('sv_idle')} idle`;
  },
};

/** The database and the pool before it. */
export const databaseChecks: readonly Check[] = [timescaledbIn(DATABASE), migrations, pgbouncer];
