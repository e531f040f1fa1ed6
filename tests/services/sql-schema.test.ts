import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { DatabaseError } from 'pg';
import { createHmac, createHash, pbkdf2Sync, randomBytes } from 'node:crypto';
import { postgresRoles } from '../../runtime/admin/postgres-roles.js';
import { commitBatch } from '../../runtime/store/commit-batch.js';
import { migrate } from '../../runtime/store/migrate.js';
import { ingestMessage } from '../support/messages.js';
import { SQL_DIRECTORY, TestDatabase, onEachEngine, onServer, silent, uniqueName } from '../support/services.js';

/** The verifier that PostgreSQL itself would make of a password. */
function verifier(password: string): string {
  const salt = randomBytes(16);
  const salted = pbkdf2Sync(password, salt, 4096, 32, 'sha256');
  const key = (name: string) => createHmac('sha256', salted).update(name).digest();
  const stored = createHash('sha256').update(key('Client Key')).digest('base64');
  return `SCRAM-SHA-256$4096:${salt.toString('base64')}$${stored}:${key('Server Key').toString('base64')}`;
}

onEachEngine((engine) => {
  describe('schema', () => {
    let database: TestDatabase;
    const roles: string[] = [];

    beforeAll(async () => {
      database = await TestDatabase.migrated(engine);
    });

    afterAll(async () => {
      await database.drop();
      for (const role of roles) await onServer(`drop role ${role}`, engine);
    });

    const asRole = async (role: string, statement: string): Promise<string> => {
      try {
        await database.query(`set role ${role}; ${statement}`);
        return 'ok';
      } catch (error) {
        return error instanceof DatabaseError ? (error.code ?? '') : String(error);
      }
    };

    it('Q1 makes hypertables of the facts and plain tables of the state, all owned by the owner', async () => {
      const hypertables = await database.query<{ name: string }>(
        'select hypertable_name as name from timescaledb_information.hypertables order by 1',
      );
      expect(hypertables.map((row) => row.name)).toEqual(['message_outcomes', 'message_versions', 'messages']);
      const owners = await database.query(
        "select distinct tableowner from pg_tables where schemaname = 'telegram_gateway'",
      );
      expect(owners).toEqual([{ tableowner: 'telegram_owner' }]);
    });

    it('Q1 gives every table that belongs to an account its account', async () => {
      const without = await database.query<{ name: string }>(`
      select t.tablename as name from pg_tables t where t.schemaname = 'telegram_gateway'
         and not exists (select from information_schema.columns c
                          where c.table_schema = 'telegram_gateway' and c.table_name = t.tablename
                            and c.column_name = 'account_id') order by 1`);
      expect(without.map((row) => row.name)).toEqual([
        'api_cursor_secret',
        'api_keys',
        'consumer_groups',
        'maintenance_tasks',
        'schema_migrations',
      ]);
    });

    it('Q2 keeps of a channel whose it is, how it is addressed, how far it was read and what is missing', async () => {
      const columns = await database.query<{ name: string }>(
        "select column_name as name from information_schema.columns where table_schema = 'telegram_gateway' and table_name = 'channels'",
      );
      const address = ['channel_id', 'account_id', 'access_hash', 'title', 'username'];
      const progress = ['pts', 'last_message_id', 'backfill_next_id', 'backfill_until_id', 'status'];
      expect(columns.map(({ name }) => name)).toEqual(expect.arrayContaining([...address, ...progress]));
      const add = (values: string) =>
        asRole('gateway', `insert into telegram_gateway.channels (channel_id, account_id, ${values}`);
      expect(await add("status) values (1, 'one', 'paused')")).toBe('ok');
      // One owner a channel; no status and no range that nobody knows.
      expect(await add("status) values (1, 'other', 'active')")).toBe('23505');
      expect(await add("status) values (2, 'one', 'asleep')")).toBe('23514');
      expect(await add("backfill_next_id, backfill_until_id) values (3, 'one', 1, 2)")).toBe('23514');
    });

    it('Q1 names every constraint', async () => {
      // Names that PostgreSQL makes up end so; ours say what they hold.
      const invented = await database.query(`
      select conname from pg_constraint c join pg_class t on t.oid = c.conrelid
        join pg_namespace n on n.oid = t.relnamespace
       where n.nspname = 'telegram_gateway' and c.contype <> 'n' and conname ~ '_(pkey|check|fkey|key\\d*)$'
         and conname <> 'accounts_telegram_user_key'`);
      expect(invented).toEqual([]);
    });

    it('Q1 lets no client change or delete a stored message', async () => {
      for (const role of ['gateway', 'consumer', 'api', 'reader']) {
        expect(await asRole(role, "update telegram_gateway.messages set text = ''")).toBe('42501');
        expect(await asRole(role, 'delete from telegram_gateway.messages')).toBe('42501');
      }
      expect(await asRole('gateway', 'select count(*) from telegram_gateway.messages')).toBe('ok');
      expect(await asRole('reader', 'select count(*) from telegram_gateway.messages')).toBe('ok');
      expect(await asRole('reader', 'delete from telegram_gateway.outbox')).toBe('42501');
      expect(await asRole('monitor', 'select count(*) from telegram_gateway.messages')).toBe('42501');
      expect(await asRole('gateway', 'delete from telegram_gateway.schema_migrations')).toBe('42501');
    });

    it('Q5 Q7 gives each client the functions and views it needs, and no more', async () => {
      const calls: readonly (readonly [statement: string, allowed: readonly string[]])[] = [
        ['select telegram_gateway.get_unprocessed_messages_optimized(1, 1)', ['consumer']],
        ["select telegram_gateway.mark_batch_as_processed(1, '{1}', 'w')", ['consumer']],
        ["select telegram_gateway.claim_work('default', '{1}', '{1}', '{1}', '{message.created}')", ['consumer']],
        [
          "select telegram_gateway.finish_work('default', '{1}', '{1}', '{1}', '{message.created}', '{0}', '{now}', 'w')",
          ['consumer'],
        ],
        ["select telegram_gateway.upsert_message_status(1, 1, 'pending')", ['consumer']],
        ["select telegram_gateway.bulk_upsert_messages('[]')", ['gateway']],
        ['select telegram_gateway.cleanup_old_messages(1000)', ['api']],
        ['select telegram_gateway.cleanup_old_outcomes(1000)', ['api']],
        ['select telegram_gateway.apply_policies()', ['api']],
        ["select telegram_gateway.refresh_aggregate('telegram_gateway.messages_daily')", ['api']],
        [
          'select * from telegram_gateway.message_processing_stats',
          ['gateway', 'consumer', 'api', 'reader', 'monitor'],
        ],
        ['select * from telegram_gateway.channel_health_summary', ['gateway', 'consumer', 'api', 'reader', 'monitor']],
        [
          'select * from telegram_gateway.performance_metrics_realtime',
          ['gateway', 'consumer', 'api', 'reader', 'monitor'],
        ],
        ['select * from telegram_gateway.messages_hourly', ['gateway', 'consumer', 'api', 'reader']],
        ['update telegram_gateway.maintenance_tasks set due_at = now()', ['api']],
      ];
      for (const [statement, allowed] of calls)
        for (const role of ['gateway', 'consumer', 'api', 'reader', 'monitor'])
          expect({ statement, role, result: await asRole(role, statement) }).toEqual({
            statement,
            role,
            result: allowed.includes(role) ? 'ok' : '42501',
          });
    });

    it('Q8 can repeat the roles file', async () => {
      const again = migrate({ client: database.config, directory: SQL_DIRECTORY, logger: silent });
      await expect(again).resolves.toEqual({ applied: [], pending: [] });
    });

    it('O5 a login role made from a verifier works as its group, and an older slot stays valid', async () => {
      const group = uniqueName('gateway');
      const [a, b] = [`${group}_a`, `${group}_b`];
      roles.push(a, b);
      const { host, port } = database.config;
      const admin = { host, port, name: database.config.database, ...database.login };
      const role = (name: string, password: string) => ({ name, memberOf: 'gateway', verifier: verifier(password) });
      await postgresRoles({ database: admin, roles: [role(a, 'first')] });
      expect(await postgresRoles({ database: admin, roles: [role(b, 'second')] })).toEqual([b]);

      let login = { user: a, password: 'first' };
      const pool = database.open(() => login);
      const who = {
        name: 'who',
        text: "select session_user, current_user, current_setting('statement_timeout') as wait",
      };
      expect((await pool.run(who, [])).rows).toEqual([{ session_user: a, current_user: 'gateway', wait: '10s' }]);
      login = { user: b, password: 'second' };
      await pool.changeOver(new AbortController().signal);
      expect((await pool.run(who, [])).rows).toMatchObject([{ session_user: b, current_user: 'gateway' }]);
      const { stored } = await commitBatch(pool, { messages: [ingestMessage('77', 1)], cursors: [] });
      expect(stored).toHaveLength(1);
      await pool.close();

      const wrong = database.open(() => ({ user: a, password: 'second' }));
      await expect(wrong.run(who, [])).rejects.toMatchObject({ code: 'SERVICE_UNREACHABLE' });
      await wrong.close();
    });

    it('O5 the administrator gets another password, and is found under the former one until then', async () => {
      const boss = uniqueName('boss');
      roles.push(boss);
      await database.query(`create role ${boss} superuser login password 'old'`);
      const { host, port } = database.config;
      const login = { host, port, name: database.config.database, user: boss, password: 'new' };
      const make = async (more: object) =>
        postgresRoles({ database: { ...login, ...more }, roles: [], adminVerifier: verifier('new') });
      for (const _ of ['with the former password', 'with the new one'])
        await make({ formerPasswords: ['older', 'old'] });
      await expect(make({ password: 'old' })).rejects.toMatchObject({ code: 'SERVICE_UNREACHABLE' });
    });
  });
});
