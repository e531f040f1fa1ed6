import { SCHEMA } from '../contract.js';
import type { ChannelCursor, IngestDeletion, IngestMessage } from '../ingest/message-store.js';
import { writable } from '../ingest/unwritable.js';
import { contentHash } from './content-hash.js';
import type { Queryable, Statement } from './database.js';
import { messageKey, type StoredState, type StoredVersion } from './versioning.js';

/** Deletions are mostly of what was posted lately; older chunks are looked into only for what was not found there. */
const RECENT_MS = 3 * 24 * 3_600_000;

/**
 * A deletion tells no date, and without one every chunk is looked into. Planned anew each time, as all statements here:
 * with the bounds as constants all but a few chunks are left out of the plan.
 */
const FIND: Statement = {
  name: 'messages_find',
  prepared: false,
  text: `select channel_id, message_id, posted_at from ${SCHEMA}.messages
          where posted_at >= $3 and posted_at < $4
            and (channel_id, message_id) in (select * from unnest($1::bigint[], $2::bigint[]))`,
};

const NEWEST: Statement = {
  name: 'messages_newest_version',
  prepared: false,
  text: `
with wanted as (
  select * from unnest($1::bigint[], $2::bigint[], $3::timestamptz[]) as w (channel_id, message_id, posted_at)
), edited as (
  select distinct on (v.channel_id, v.message_id) v.channel_id, v.message_id, v.version, v.edited_at, v.content_sha256
    from wanted w join ${SCHEMA}.message_versions v using (channel_id, message_id, posted_at)
   where v.posted_at between $4 and $5
   order by v.channel_id, v.message_id, v.version desc
)
select m.channel_id, m.message_id, m.posted_at, m.text, m.media_type, m.metadata,
       coalesce(e.version, 1) as version, e.content_sha256,
       extract(epoch from coalesce(e.edited_at, m.edited_at))::integer as edit_date
  from wanted w
  join ${SCHEMA}.messages m using (channel_id, message_id, posted_at)
  left join edited e using (channel_id, message_id)
 where m.posted_at between $4 and $5`,
};

const DELETED: Statement = {
  name: 'tombstones_among',
  prepared: false,
  text: `select channel_id, message_id from ${SCHEMA}.message_tombstones
          where (channel_id, message_id) in (select * from unnest($1::bigint[], $2::bigint[]))`,
};

const POSITIONS: Statement = {
  name: 'channel_positions',
  text: `select channel_id, pts from ${SCHEMA}.channels where channel_id = any ($1::bigint[]) and pts is not null`,
};

interface NewestRow {
  readonly channel_id: string;
  readonly message_id: string;
  readonly posted_at: Date;
  readonly text: string;
  readonly media_type: string | null;
  readonly metadata: Record<string, unknown>;
  readonly version: number;
  /** Null when the message was never edited. */
  readonly content_sha256: Buffer | null;
  readonly edit_date: number | null;
}

interface Wanted {
  readonly channelId: string;
  readonly messageId: string;
  /** Null for a deletion, which tells none. */
  readonly postedAt: Date | null;
}

/** What the database holds of everything that a batch speaks of. */
export async function readStoredState(
  tx: Queryable,
  messages: readonly IngestMessage[],
  deletions: readonly IngestDeletion[],
  cursors: readonly ChannelCursor[],
): Promise<StoredState> {
  const wanted = wantedBy(messages, deletions);
  const dated = [...wanted.filter((one) => one.postedAt !== null), ...(await find(tx, wanted.filter(undated)))];
  return {
    versions: await newestVersions(tx, dated),
    deleted: await deletedAmong(tx, wanted),
    pts: await positions(tx, cursors),
  };
}

const undated = ({ postedAt }: Wanted) => postedAt === null;

/** Each message once, with its date where one of its copies tells it. */
function wantedBy(messages: readonly IngestMessage[], deletions: readonly IngestDeletion[]): Wanted[] {
  const wanted = new Map<string, Wanted>();
  for (const { channelId, messageId } of deletions)
    wanted.set(messageKey(channelId, messageId), { channelId, messageId, postedAt: null });
  for (const { message } of messages) {
    const { channelId, messageId } = message;
    wanted.set(messageKey(channelId, messageId), { channelId, messageId, postedAt: new Date(message.date * 1_000) });
  }
  return [...wanted.values()];
}

async function find(tx: Queryable, missing: readonly Wanted[]): Promise<Wanted[]> {
  if (missing.length === 0) return [];
  const recent = new Date(Date.now() - RECENT_MS).toISOString();
  const found = await findBetween(tx, missing, recent, 'infinity');
  const keys = new Set(found.map((one) => messageKey(one.channelId, one.messageId)));
  const older = missing.filter((one) => !keys.has(messageKey(one.channelId, one.messageId)));
  return older.length === 0 ? found : [...found, ...(await findBetween(tx, older, '-infinity', recent))];
}

async function findBetween(tx: Queryable, missing: readonly Wanted[], from: string, to: string): Promise<Wanted[]> {
  const { rows } = await tx.run<{ channel_id: string; message_id: string; posted_at: Date }>(FIND, [
    ...keyColumns(missing),
    from,
    to,
  ]);
  return rows.map((row) => ({ channelId: row.channel_id, messageId: row.message_id, postedAt: row.posted_at }));
}

async function newestVersions(tx: Queryable, wanted: readonly Wanted[]): Promise<ReadonlyMap<string, StoredVersion>> {
  if (wanted.length === 0) return new Map();
  const times = wanted.map(({ postedAt }) => postedAt?.getTime() ?? 0);
  const { rows } = await tx.run<NewestRow>(NEWEST, [
    ...keyColumns(wanted),
    times.map(iso),
    iso(Math.min(...times)),
    iso(Math.max(...times)),
  ]);
  return new Map(rows.map((row) => [messageKey(row.channel_id, row.message_id), versionOf(row)]));
}

/** A date that is none is the fault of its message. */
const iso = (time: number) => writable(() => new Date(time).toISOString());

function versionOf(row: NewestRow): StoredVersion {
  const { text, media_type: mediaType, metadata } = row;
  const hash = row.content_sha256 ?? contentHash({ text, mediaType, metadata });
  return { version: row.version, postedAt: row.posted_at, editDate: row.edit_date, hash };
}

async function deletedAmong(tx: Queryable, wanted: readonly Wanted[]): Promise<ReadonlySet<string>> {
  if (wanted.length === 0) return new Set();
  const { rows } = await tx.run<{ channel_id: string; message_id: string }>(DELETED, keyColumns(wanted));
  return new Set(rows.map((row) => messageKey(row.channel_id, row.message_id)));
}

async function positions(tx: Queryable, cursors: readonly ChannelCursor[]): Promise<ReadonlyMap<string, number>> {
  if (cursors.length === 0) return new Map();
  const ids = cursors.map(({ channelId }) => channelId);
  const { rows } = await tx.run<{ channel_id: string; pts: number }>(POSITIONS, [ids]);
  return new Map(rows.map((row) => [row.channel_id, row.pts]));
}

function keyColumns(keys: readonly Wanted[]): readonly unknown[] {
  return [keys.map(({ channelId }) => channelId), keys.map(({ messageId }) => messageId)];
}
