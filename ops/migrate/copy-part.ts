import type { Client } from 'pg';
import { DEFAULT_GROUP } from '../../runtime/contract.js';
import { copyBetween } from './copy.js';
import { inTransaction } from './databases.js';
import type { Journal } from './journal.js';
import {
  FINISHED,
  inMonth,
  MESSAGE_COLUMNS,
  messageChecksum,
  OUTCOME,
  projection,
  STAGE_TABLE,
  stageFingerprints,
  STATE_COLUMNS,
  type Fingerprint,
  type Part,
} from './projection.js';

/** Name under which everything is stored: the default account of the gateway. */
export const ACCOUNT = 'default';

export interface CopyArgs {
  readonly source: Client;
  readonly target: Client;
  readonly journal: Journal;
  readonly schema: string;
  readonly again: string;
  /** Outcomes from before are left behind. */
  readonly outcomesSince: string;
}

/** The temporary table that a part goes through; it lives as long as the session. */
export async function makeStage(target: Client): Promise<void> {
  await target.query(`create temporary table if not exists stage (${STAGE_TABLE})`);
}

/**
 * Brings one part of the target to what the source has, and notes it: all of it in one transaction, so that a kill leaves it
 * whole or not at all. `before`: it was copied once, and rows may have changed or gone since.
 */
export async function copyPart(args: CopyArgs, part: Part, before: boolean): Promise<void> {
  const { source, target, journal, schema, again, outcomesSince } = args;
  await inTransaction(target, async () => {
    await target.query('truncate stage');
    const select = projection(schema, again, part);
    await copyBetween(
      source,
      `select ${MESSAGE_COLUMNS}, ${STATE_COLUMNS} from (${select}) p order by message_id`,
      target,
      'stage',
    );
    if (before) await target.query(removal(part));
    await target.query(insertion(outcomesSince));
    const { rows } = await target.query<Fingerprint>(stageFingerprints('stage', outcomesSince));
    const empty = { ...part, rows: '0', checksum: '0', outcomes: '0', outcomesChecksum: '0' };
    await journal.recordPart(rows[0] ?? empty);
  });
}

const OUTCOMES = `
insert into telegram_gateway.message_outcomes (at, group_name, kind, channel_id, message_id, version, posted_at, account_id,
                                               status, processed_by, attempts)
select ${OUTCOME.at}, '${DEFAULT_GROUP}', 'message.created', channel_id, message_id, 1, posted_at, '${ACCOUNT}', status,
       ${OUTCOME.by}, ${OUTCOME.attempts}
  from stage where ${FINISHED} and ${OUTCOME.at} >=`;

function insertion(outcomesSince: string): string {
  return `
insert into telegram_gateway.messages (${MESSAGE_COLUMNS}, account_id, stored_at, source, kind, raw)
select ${MESSAGE_COLUMNS}, '${ACCOUNT}', received_at, 'backfill', 'message', '' from stage on conflict do nothing;
insert into telegram_gateway.message_tombstones (channel_id, message_id, account_id, deleted_at, source)
select channel_id, message_id, '${ACCOUNT}', deleted_at, 'backfill' from stage where deleted_at is not null
on conflict (channel_id, message_id) do update set deleted_at = excluded.deleted_at;
${OUTCOMES} '${outcomesSince}'`;
}

/** What the source no longer has, or has otherwise. Before the switch, nobody but the migration writes here. */
function removal(part: Part): string {
  const ofPart = (row: string) => `${row}.channel_id = ${part.channelId} and ${inMonth(`${row}.posted_at`, part)}`;
  return `
delete from telegram_gateway.message_tombstones d
 using telegram_gateway.messages m
 where d.channel_id = m.channel_id and d.message_id = m.message_id and ${ofPart('m')}
   and not exists (select from stage s where s.message_id = d.message_id and s.deleted_at is not null);
delete from telegram_gateway.messages m
 where ${ofPart('m')}
   and not exists (select from stage s where s.message_id = m.message_id
                    and ${messageChecksum('s', 'null::timestamptz')} = ${messageChecksum('m', 'null::timestamptz')});
delete from telegram_gateway.message_outcomes o where ${ofPart('o')};`;
}
