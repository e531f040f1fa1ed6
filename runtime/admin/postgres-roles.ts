import { Client, escapeIdentifier, escapeLiteral } from 'pg';
import { z } from 'zod';
import { DATABASE_CLIENTS, SCHEMA, UNRECORDED, type DatabaseClient } from '../contract.js';
import { RuntimeError } from '../errors.js';
import { acceptedConfig, databaseLogin } from './database-login.js';

/** Settings of a role by name, for example `statement_timeout`. */
const settings = z.record(z.string().regex(/^[a-z_]+(\.[a-z_]+)?$/), z.string());

const verifier = z.string().regex(/^SCRAM-SHA-256\$\d+:[A-Za-z0-9+/=]+\$[A-Za-z0-9+/=]+:[A-Za-z0-9+/=]+$/);

export const postgresRolesInput = z.strictObject({
  database: databaseLogin,
  roles: z.array(
    z.strictObject({
      name: z.string().regex(/^[a-z][a-z0-9_]{0,62}$/),
      memberOf: z.enum(DATABASE_CLIENTS),
      /** The same text stands in PgBouncer's userlist; no server ever sees the password. */
      verifier,
      connectionLimit: z.number().int().min(-1).default(-1),
    }),
  ),
  /** Over the defaults below, by client. */
  settings: z.partialRecord(z.enum(DATABASE_CLIENTS), settings).default({}),
  /** New password of the login that does all this. @default it stays */
  adminVerifier: verifier.optional(),
});
export type PostgresRolesInput = z.input<typeof postgresRolesInput>;

/** For the rest of the transaction. A managed engine may not allow it to its administrator. */
const SET_UNRECORDED = Object.entries(UNRECORDED)
  .map(
    ([name, value]) =>
      `do $$ begin perform set_config('${name}', '${value}', true); exception when insufficient_privilege then null; end $$`,
  )
  .join(';\n');

/** PgBouncer refuses timeouts as startup parameters, so they belong to the role. */
const STATEMENT_TIMEOUT: Record<DatabaseClient, string> = {
  gateway: '10s',
  consumer: '10s',
  api: '5s',
  reader: '30s',
  monitor: '10s',
};
const COMMON_SETTINGS = {
  lock_timeout: '5s',
  idle_in_transaction_session_timeout: '30s',
  search_path: `${SCHEMA}, public`,
};

export function roleSettings(
  client: DatabaseClient,
  own: Readonly<Record<string, string>> = {},
): Record<string, string> {
  return { role: client, statement_timeout: STATEMENT_TIMEOUT[client], ...COMMON_SETTINGS, ...own };
}

/**
 * Makes login roles or brings them up to date; the groups must exist (`admin migrate`). Nothing is dropped: a role of
 * the former epoch stays valid. The admin's own password has no second slot: it changes at once, and his sessions go on.
 * All or nothing. Returns the names.
 */
export async function postgresRoles(input: unknown): Promise<readonly string[]> {
  const { database, roles, settings: overrides, adminVerifier } = postgresRolesInput.parse(input);
  const client = new Client(await acceptedConfig(database));
  client.on('error', () => undefined);
  try {
    await client.connect();
  } catch (cause) {
    throw new RuntimeError('SERVICE_UNREACHABLE', `${database.host}:${String(database.port)} cannot be reached`, {
      cause,
    });
  }
  try {
    // Two runs at once would collide in the catalog.
    await client.query("begin; select pg_advisory_xact_lock(hashtext('telegram postgres-roles'))");
    await client.query(SET_UNRECORDED);
    for (const role of roles) {
      const exists = await client.query('select from pg_catalog.pg_roles where rolname = $1', [role.name]);
      const verb = exists.rowCount === 0 ? 'create' : 'alter';
      await client.query(
        [
          roleStatement(verb, role),
          ...settingStatements(role.name, roleSettings(role.memberOf, overrides[role.memberOf])),
        ].join(';\n'),
      );
      await client.query(`grant ${escapeIdentifier(role.memberOf)} to ${escapeIdentifier(role.name)}`);
    }
    if (adminVerifier !== undefined) await client.query(passwordStatement(database.user, adminVerifier));
    await client.query('commit');
  } finally {
    await client.end().catch(() => undefined);
  }
  return roles.map((role) => role.name);
}

type Role = z.output<typeof postgresRolesInput>['roles'][number];

export function roleStatement(verb: 'create' | 'alter', { name, verifier, connectionLimit }: Role): string {
  return `${verb} role ${escapeIdentifier(name)} login inherit connection limit ${String(connectionLimit)} password ${escapeLiteral(verifier)}`;
}

export function passwordStatement(name: string, value: string): string {
  return `alter role ${escapeIdentifier(name)} password ${escapeLiteral(value)}`;
}

export function settingStatements(name: string, values: Readonly<Record<string, string>>): readonly string[] {
  return Object.entries(values).map(([key, value]) => {
    // A list of schemas is several values, everything else is one.
    const text =
      key === 'search_path'
        ? value
            .split(',')
            .map((part) => escapeIdentifier(part.trim()))
            .join(', ')
        : escapeLiteral(value);
    return `alter role ${escapeIdentifier(name)} set ${key} = ${text}`;
  });
}
