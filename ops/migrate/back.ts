import type { Client } from 'pg';
import { UserError } from '../../stack/errors.js';
import { carryBack, carryChannelsBack } from './carry-back.js';
import { keptLine, restoreConnections } from './connections-file.js';
import { writingSource, type Source } from './databases.js';
import type { Journal } from './journal.js';
import type { NewGateway, OldGateway } from './ports.js';

export type BackKind = 'quick' | 'full';

export interface BackArgs {
  readonly kind: BackKind;
  readonly source: Source;
  readonly target: Client;
  readonly journal: Journal;
  readonly old: OldGateway;
  readonly fresh: NewGateway;
  readonly sessionName: string;
  readonly connectionsFile: string | null;
  readonly say: (line: string) => void;
}

export interface BackReport {
  readonly kind: BackKind;
  readonly looked: number;
  readonly added: number;
  readonly updated: number;
  readonly differences: number;
  readonly channels: number;
  readonly seconds: number;
}

/**
 * The old gateway in charge again. `quick`: as it was, with its own session and data. `full`: also with all that was written
 * since the switch, and the session as it is now. Nothing is removed from the new database, so that `full` can follow `quick`;
 * each can be repeated.
 */
export async function goBack(args: BackArgs): Promise<BackReport> {
  const { kind, journal, old, fresh, say } = args;
  const startedAt = Date.now();
  // Killed while it was being stopped, it counts as stopped.
  if (!journal.done('policy-noted'))
    throw new UserError('MIGRATE_ROLLBACK', 'the old gateway was never stopped: there is nothing to go back from');
  // Killed before the switch was noted, it counts from the beginning: nothing but the migration wrote until then.
  const since = journal.text('switched', 'since', journal.text('begun', 'startedAt'));
  const kept = journal.text('connections-switched', 'kept');
  const line = args.connectionsFile === null || kept === '' ? null : keptLine(kept);
  if (kind === 'full') await mustWrite(args.source);
  // From `work-made` on its consumers may have begun; before that a session there is one that a killed run has left.
  const newInCharge = journal.done('work-made') && (await fresh.session()) !== null;
  let carried = NOTHING;
  try {
    await fresh.stop();
    say('✔ the new gateway is stopped');
    await old.stop();
    if (kind === 'full') {
      const session = await fresh.session();
      carried = await carry(args, since);
      if (session !== null) await old.putSession(args.sessionName, session);
    }
  } catch (error) {
    await asBefore(args, newInCharge);
    throw error;
  }
  await fresh.remove();
  await old.start(journal.text('policy-noted', 'restartPolicy', 'no'));
  say('✔ the old gateway runs, and no session is left on the new host');
  if (args.connectionsFile !== null && line !== null) {
    restoreConnections(args.connectionsFile, line);
    say('✔ the connection string is the old one: restart the applications');
  }
  // Without a session it publishes what is stored and otherwise waits.
  await fresh.wait();
  const report = { kind, ...carried, seconds: Math.round((Date.now() - startedAt) / 100) / 10 };
  const full = kind === 'full' || journal.text('rolled-back', 'kind') === 'full';
  await journal.record('rolled-back', { ...report, kind: full ? 'full' : 'quick' });
  return report;
}

/** The way back cannot be gone now: the gateway that was in charge goes on. What fails here is said, and hides no error. */
async function asBefore({ journal, old, fresh, say }: BackArgs, newInCharge: boolean): Promise<void> {
  try {
    // Without a session the new one only waits.
    if (!newInCharge) await fresh.remove();
    await fresh.wait();
    if (!newInCharge) await old.start(journal.text('policy-noted', 'restartPolicy', 'no'));
    say(`! the ${newInCharge ? 'new' : 'old'} gateway runs again`);
  } catch (error) {
    say(`! no gateway could be started again: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** Throws `MIGRATE_ROLLBACK` where the source does not answer, or the login may not do there what `carry` does. */
async function mustWrite(source: Source): Promise<void> {
  const { rows } = await writingSource(source, (client) =>
    client.query<{ what: string }>(
      `select format('%s on %s.%s', privilege, $1::text, name) as what
         from unnest(array['messages', 'channels']) name, unnest(array['select', 'insert', 'update']) privilege
        where not has_table_privilege(format('%I.%I', $1::text, name), privilege)
        union all select format('usage on %s', sequence)
          from (select pg_get_serial_sequence(format('%I.messages', $1::text), 'id') as sequence) s
         where not has_sequence_privilege(sequence, 'usage')
        union all select 'temporary on the database' where not has_database_privilege(current_database(), 'temporary')`,
      [source.schema],
    ),
  );
  if (rows.length > 0)
    throw new UserError('MIGRATE_ROLLBACK', `the login lacks ${rows.map(({ what }) => what).join(', ')}`, {
      fix: 'Grant it on the source, and run the same command again; both gateways are as they were.',
    });
}

const NOTHING = { looked: 0, added: 0, updated: 0, differences: 0, channels: 0 };

async function carry({ source, target, say }: BackArgs, since: string) {
  const carried = await writingSource(source, async (client) => {
    const channels = await carryChannelsBack(target, client, source.schema);
    const messages = await carryBack(target, client, source.schema, since);
    if (messages.differences > 0)
      throw new UserError('MIGRATE_ROLLBACK', `${String(messages.differences)} message(s) could not be carried back`);
    return { ...messages, channels };
  });
  say(`✔ carried back: ${String(carried.added)} new and ${String(carried.updated)} changed messages, differences 0`);
  return carried;
}
