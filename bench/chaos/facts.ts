import { SCHEMA } from '../../runtime/contract.js';
import { EFFECTS } from './group.js';
import type { StoredMessage } from './evidence.js';
import type { Sql } from '../../ops/sql.js';

const MESSAGES = `
select channel_id, message_id, kind, 1 as version, text, media_type from ${SCHEMA}.messages
 where channel_id = $1 and message_id > $2
union all
select channel_id, message_id, null, version, text, media_type from ${SCHEMA}.message_versions
 where channel_id = $1 and message_id > $2 and version > 1
 order by message_id, version`;

const TOMBSTONES = `
select message_id from ${SCHEMA}.message_tombstones where channel_id = $1 and message_id > $2`;

/** A failed outcome is no effect. */
const OUTCOMES = `
select kind || ':' || channel_id || ':' || message_id || ':' || version as event_id, count(*)::int as count
  from ${SCHEMA}.message_outcomes
 where group_name = 'default' and status = 'processed' and channel_id = $1 and message_id > $2
 group by 1`;

const DONE = `
select event_id, count(*)::int as count, (extract(epoch from min(at)) * 1000)::float8 as at
  from ${EFFECTS} group by event_id`;

export interface Range {
  readonly channelId: string;
  /** Last id before the run. */
  readonly after: number;
}

interface VersionRow {
  readonly message_id: string;
  readonly kind: string | null;
  readonly version: number;
  readonly text: string;
  readonly media_type: string | null;
}

/** What the database holds of the messages of a run. */
export async function storedMessages(sql: Sql, ranges: readonly Range[]): Promise<StoredMessage[]> {
  const all: StoredMessage[] = [];
  for (const { channelId, after } of ranges) {
    type Version = StoredMessage['versions'][number];
    const messages = new Map<string, { kind: string; versions: Version[]; deleted: boolean }>();
    const entry = (id: string) => {
      const found = messages.get(id) ?? { kind: '', versions: [], deleted: false };
      messages.set(id, found);
      return found;
    };
    for (const row of await sql<VersionRow>(MESSAGES, [channelId, after])) {
      const message = entry(row.message_id);
      message.kind = row.kind ?? message.kind;
      message.versions.push({ version: row.version, text: row.text, mediaType: row.media_type });
    }
    for (const row of await sql<{ message_id: string }>(TOMBSTONES, [channelId, after]))
      entry(row.message_id).deleted = true;
    for (const [messageId, message] of messages) all.push({ channelId, messageId, ...message });
  }
  return all;
}

/** How often each event of the run was finished in the stack's own group. */
export async function outcomes(sql: Sql, ranges: readonly Range[]): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  for (const { channelId, after } of ranges)
    for (const row of await sql<{ event_id: string; count: number }>(OUTCOMES, [channelId, after]))
      counts.set(row.event_id, row.count);
  return counts;
}

export interface Effects {
  readonly counts: ReadonlyMap<string, number>;
  /** Of the first effect, ms since the epoch, by event id. */
  readonly at: ReadonlyMap<string, number>;
}

/** The effects of the run's own group. */
export async function effects(sql: Sql, ranges: readonly Range[]): Promise<Effects> {
  const rows = await sql<{ event_id: string; count: number; at: number }>(DONE);
  const own = rows.filter(({ event_id }) => inRanges(event_id, ranges));
  return {
    counts: new Map(own.map((row) => [row.event_id, row.count])),
    at: new Map(own.map((row) => [row.event_id, row.at])),
  };
}

/** Whether an event is of a message of the run. */
export function inRanges(eventId: string, ranges: readonly Range[]): boolean {
  const [, channelId, messageId] = eventId.split(':');
  return ranges.some((range) => range.channelId === channelId && Number(messageId) > range.after);
}
