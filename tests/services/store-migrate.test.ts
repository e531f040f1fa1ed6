import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { cpSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { migrate } from '../../runtime/store/migrate.js';
import { SQL_DIRECTORY, TestDatabase, silent } from '../support/services.js';

describe('Q8 migrator', () => {
  let database: TestDatabase;
  let directory: string;

  beforeEach(async () => {
    database = await TestDatabase.empty();
    directory = mkdtempSync(join(tmpdir(), 'migrations-'));
    cpSync(SQL_DIRECTORY, directory, { recursive: true });
  });

  afterEach(async () => {
    await database.drop();
    rmSync(directory, { recursive: true });
  });

  const run = (dryRun = false) => migrate({ client: database.config, directory, dryRun, logger: silent });
  const exists = async (name: string) => {
    const [row] = await database.query<{ there: boolean }>('select to_regclass($1) is not null as there', [name]);
    return row?.there;
  };

  it('Q8 applies each file once when 20 migrators run at once', async () => {
    const results = await Promise.all(Array.from({ length: 20 }, () => run()));
    const applied = results.flatMap((result) => result.applied);
    expect(applied.slice(0, 2)).toEqual(['01_messages.sql', '02_channels.sql']);
    expect(new Set(applied).size).toBe(applied.length);
    expect(await database.count('schema_migrations')).toBe(applied.length);
    expect(await run()).toEqual({ applied: [], pending: [] });
  });

  it('Q8 lists pending files in a dry run and changes nothing', async () => {
    const before = await run(true);
    expect(before.pending.slice(0, 2)).toEqual(['01_messages.sql', '02_channels.sql']);
    expect(await exists('telegram_gateway.schema_migrations')).toBe(false);
    await run();
    expect(await run(true)).toEqual({ applied: [], pending: [] });
  });

  it('Q8 refuses a file that was edited after it was applied, before it changes anything', async () => {
    await run();
    writeFileSync(join(directory, '02_channels.sql'), '-- other text');
    writeFileSync(join(directory, '90_new.sql'), 'create table telegram_gateway.fresh (id integer);');
    await expect(run()).rejects.toMatchObject({
      code: 'MIGRATION_EDITED',
      message: expect.stringContaining('02_channels.sql') as unknown,
    });
    await expect(run(true)).rejects.toMatchObject({ code: 'MIGRATION_EDITED' });
    expect(await exists('telegram_gateway.fresh')).toBe(false);
  });

  it('Q8 refuses a folder in which an applied file is missing, and takes a database that is newer', async () => {
    writeFileSync(join(directory, '90_new.sql'), 'create table telegram_gateway.fresh (id integer);');
    await run();
    renameSync(join(directory, '01_messages.sql'), join(directory, 'gone'));
    await expect(run()).rejects.toMatchObject({
      code: 'MIGRATION_MISSING',
      message: expect.stringContaining('01_messages.sql') as unknown,
    });
    renameSync(join(directory, 'gone'), join(directory, '01_messages.sql'));
    rmSync(join(directory, '90_new.sql'));
    expect(await run()).toEqual({ applied: [], pending: [] });
  });

  it('Q8 keeps nothing of a file that fails, and names the line', async () => {
    writeFileSync(
      join(directory, '90_bad.sql'),
      'create table telegram_gateway.half (id integer);\n\nselect nonsense;',
    );
    await expect(run()).rejects.toMatchObject({ code: 'MIGRATION_FAILED', message: '90_bad.sql, line 3 failed' });
    expect(await exists('telegram_gateway.half')).toBe(false);
    expect(await exists('telegram_gateway.messages')).toBe(true);
    rmSync(join(directory, '90_bad.sql'));
    expect(await run()).toEqual({ applied: [], pending: [] });
  });

  it('Q8 runs a marked single statement outside a transaction, as the owner, also with others waiting', async () => {
    const sql =
      '--! no-transaction\ncreate index concurrently if not exists late_idx on telegram_gateway.channels (title);';
    writeFileSync(join(directory, '90_index.sql'), sql);
    const results = await Promise.all([run(), run(), run()]);
    expect(results.flatMap((result) => result.applied).filter((name) => name === '90_index.sql')).toHaveLength(1);
    const [row] = await database.query("select tableowner from pg_tables where tablename = 'schema_migrations'");
    expect(row).toEqual({ tableowner: 'telegram_owner' });
    expect(await exists('telegram_gateway.late_idx')).toBe(true);
  });
});
