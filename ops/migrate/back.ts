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
  if (!journal.done('old-stopped'))
    throw new UserError('MIGRATE_ROLLBACK', 'the old gateway was never stopped: there is nothing to go back from');
  // Killed before the switch was noted, it counts from the beginning: nothing but the migration wrote until then.
  const since = journal.text('switched', 'since', journal.text('begun', 'startedAt'));
  const kept = journal.text('connections-switched', 'kept');
  const line = args.connectionsFile === null || kept === '' ? null : keptLine(kept);
  await fresh.stop();
  say('✔ the new gateway is stopped');
  const session = await fresh.session();
  await old.stop();
  const carried = kind === 'full' ? await carry(args, since) : NOTHING;
  if (kind === 'full' && session !== null) await old.putSession(args.sessionName, session);
  await fresh.remove();
  await old.start(journal.text('old-stopped', 'restartPolicy', 'no'));
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
