import type { Client } from 'pg';
import { UserError } from '../../stack/errors.js';

/**
 * The one version of the old layout that can be migrated: table → column → type, as PostgreSQL writes it.
 * tests/support/old-layout/schema.sql makes it. It is known by its columns, as it carries no version number; a
 * column more is refused too, since what it holds would stay behind unnoticed.
 */
export const SOURCE_TABLES = {
  sessions: { name: 'text', user_id: 'bigint', phone: 'text', updated_at: 'timestamp with time zone' },
  channels: {
    channel_id: 'bigint',
    access_hash: 'bigint',
    title: 'text',
    username: 'text',
    pts: 'integer',
    last_message_id: 'bigint',
    is_active: 'boolean',
    created_at: 'timestamp with time zone',
    updated_at: 'timestamp with time zone',
  },
  messages: {
    id: 'bigint',
    channel_id: 'bigint',
    message_id: 'bigint',
    sender_id: 'bigint',
    grouped_id: 'bigint',
    content: 'text',
    media_type: 'text',
    metadata: 'json',
    posted_at: 'timestamp with time zone',
    edited_at: 'timestamp with time zone',
    deleted_at: 'timestamp with time zone',
    created_at: 'timestamp with time zone',
    status: 'text',
    processed_by: 'text',
    processed_at: 'timestamp with time zone',
    attempts: 'integer',
    last_error: 'text',
  },
} as const satisfies Readonly<Record<string, Readonly<Record<string, string>>>>;

export type SourceTable = keyof typeof SOURCE_TABLES;

const COLUMNS = `
select c.relname as table_name, a.attname as column_name, format_type(a.atttypid, a.atttypmod) as type
  from pg_catalog.pg_class c
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
 where n.nspname = $1 and c.relkind in ('r', 'p')`;

/** Throws `MIGRATE_SOURCE` with every column that is not as expected; gives the names of tables that are not known. */
export async function checkLayout(source: Client, schema: string): Promise<string[]> {
  const { rows } = await source.query<{ table_name: string; column_name: string; type: string }>(COLUMNS, [schema]);
  const found = new Map<string, Map<string, string>>();
  for (const { table_name: table, column_name: column, type } of rows)
    found.set(table, (found.get(table) ?? new Map<string, string>()).set(column, type));
  const details = Object.entries(SOURCE_TABLES).flatMap(([table, expected]) =>
    differences(table, expected, found.get(table)),
  );
  if (details.length > 0)
    throw new UserError('MIGRATE_SOURCE', `the schema ${schema} is of a version that is not supported`, { details });
  return [...found.keys()].filter((table) => !(table in SOURCE_TABLES)).sort();
}

/** Lines `table.column: expectation`. */
export function differences(
  table: string,
  expected: Readonly<Record<string, string>>,
  found: ReadonlyMap<string, string> | undefined,
): string[] {
  if (!found) return [`${table}: expected a table of this name, there is none`];
  const wrong = Object.entries(expected)
    .filter(([column, type]) => found.get(column) !== type)
    .map(([column, type]) => `${table}.${column}: expected ${type}, there is ${found.get(column) ?? 'none'}`);
  const unknown = [...found.keys()]
    .filter((column) => !(column in expected))
    .map((column) => `${table}.${column}: unknown, expected one of ${Object.keys(expected).join(', ')}`);
  return [...wrong, ...unknown];
}
