import { SCHEMA } from '../contract.js';
import type { Queryable, Statement } from './database.js';

/** `excluded.sealed` would be a read of the column, which the gateway may write only. */
const SAVE: Statement = {
  name: 'session_copy_save',
  text: `
insert into ${SCHEMA}.session_copies (account_id, sealed) values ($1, $2)
on conflict (account_id) do update set sealed = $2, sealed_at = now()`,
};

/** A sealed session in the place of the account's last one. */
export async function saveSessionCopy(database: Queryable, accountId: string, sealed: Buffer): Promise<void> {
  await database.run(SAVE, [accountId, sealed]);
}
