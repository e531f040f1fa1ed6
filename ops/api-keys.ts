import { randomInt } from 'node:crypto';
import { DatabaseError, type QueryResultRow } from 'pg';
import { SCHEMA } from '../runtime/contract.js';
import { hashApiKey } from '../runtime/store/api-keys.js';
import { UserError } from '../stack/errors.js';
import { runningStack, type RunningStack, type StackOptions } from './context.js';
import { print, printJson, say } from './output.js';
import { databaseAt, sqlOn } from './sql.js';

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
const LENGTH = 40;
const NAME = /^[a-z0-9][a-z0-9._-]{0,62}$/;
const UNIQUE_VIOLATION = '23505';

interface KeyRow {
  readonly name: string;
  readonly created_at: Date;
  readonly revoked_at: Date | null;
}

/** Makes, lists and revokes keys of the API. A key is shown once, on stdout, and kept as a hash. */
export async function apiKeys(
  action: string,
  name: string | undefined,
  options: StackOptions & { readonly json?: boolean },
): Promise<void> {
  const stack = await runningStack(options);
  switch (action) {
    case 'create':
      return create(stack, named(action, name), options.json ?? false);
    case 'revoke':
      return revoke(stack, named(action, name));
    case 'list':
      return list(stack, options.json ?? false);
    default:
      throw new UserError('USAGE', `expected create, list or revoke, got "${action}"`);
  }
}

function named(action: string, name: string | undefined): string {
  if (name === undefined || !NAME.test(name))
    throw new UserError('USAGE', `${action}: expected a name of lower-case letters, digits, ".", "_" and "-"`);
  if (name === 'generated') throw new UserError('USAGE', 'the generated key is turned by `npm run rotate`');
  return name;
}

async function create(stack: RunningStack, name: string, json: boolean): Promise<void> {
  const key = Array.from({ length: LENGTH }, () => ALPHABET[randomInt(ALPHABET.length)]).join('');
  try {
    await query(stack, `insert into ${SCHEMA}.api_keys (name, key_sha256) values ($1, decode($2, 'hex'))`, [
      name,
      hashApiKey(key),
    ]);
  } catch (error) {
    if (error instanceof DatabaseError && error.code === UNIQUE_VIOLATION)
      throw new UserError('USAGE', `there is a key "${name}" already`, { fix: `npm run api-keys -- revoke ${name}` });
    throw error;
  }
  if (json) printJson({ name, key });
  else print(key);
  say(`✔ made key "${name}"; it is shown this once, and works within seconds`);
}

async function revoke(stack: RunningStack, name: string): Promise<void> {
  const text = `update ${SCHEMA}.api_keys set revoked_at = now() where name = $1 and revoked_at is null returning name`;
  const rows = await query(stack, text, [name]);
  if (rows.length === 0) throw new UserError('USAGE', `there is no key "${name}"`, { fix: 'npm run api-keys -- list' });
  say(`✔ revoked key "${name}"; within seconds it is refused`);
}

async function list(stack: RunningStack, json: boolean): Promise<void> {
  const text = `select name, created_at, revoked_at from ${SCHEMA}.api_keys order by created_at`;
  const rows = await query<KeyRow>(stack, text, []);
  if (json) {
    printJson(rows.map((row) => ({ name: row.name, createdAt: row.created_at, revokedAt: row.revoked_at })));
    return;
  }
  print('generated  turned by `npm run rotate`; npm run connections -- --show-secrets');
  for (const { name, created_at: made, revoked_at: revoked } of rows)
    print(`${name}  made ${made.toISOString()}${revoked ? `, revoked ${revoked.toISOString()}` : ''}`);
}

/** As the database's own admin: no process of the stack may write keys. */
const query = <R extends QueryResultRow>(stack: RunningStack, text: string, values: readonly string[]) =>
  sqlOn(databaseAt(stack.outputs, 'timescaledb'))<R>(text, values);
