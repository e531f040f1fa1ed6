/**
 * Reading messages for people: a page by keyset, and one message with its versions.
 *
 * Promised: pages never overlap and never skip, whatever is stored meanwhile: what is newer than the first page of a
 *   descending list is not in the later ones. A page costs the same wherever it is.
 * Not promised: that a page holds what was backfilled after it was read.
 */
import { SCHEMA } from '../contract.js';
import type { Queryable, Statement } from './database.js';

export interface MessageFilter {
  readonly channel?: string | undefined;
  /** Posted at or after, ISO 8601. */
  readonly from?: string | undefined;
  /** Posted before, ISO 8601. */
  readonly to?: string | undefined;
  /** Part of the text as first seen, in either case. */
  readonly text?: string | undefined;
  readonly order: 'asc' | 'desc';
}

/** Key of the last message of a page: posted at (ISO 8601), channel, message. */
export type MessagePosition = readonly [postedAt: string, channelId: string, messageId: string];

export interface ReadMessage {
  readonly channelId: string;
  readonly messageId: string;
  readonly postedAt: string;
  readonly receivedAt: string;
  readonly source: string;
  readonly kind: string;
  /** Of the newest version. */
  readonly text: string;
  readonly mediaType: string | null;
  readonly senderId: string | null;
  readonly groupedId: string | null;
  readonly version: number;
  readonly editedAt: string | null;
  readonly deletedAt: string | null;
}

export interface MessageVersion {
  readonly version: number;
  readonly editedAt: string | null;
  readonly receivedAt: string;
  readonly text: string;
  readonly mediaType: string | null;
}

const FACTS = `channel_id, message_id, posted_at, received_at, source, kind, text, media_type, sender_id, grouped_id, edited_at`;

/** Rows of `m` with their newest version and their deletion. */
const withLatest = (rows: string, order = '') => `
select m.*, v.version, v.text as new_text, v.media_type as new_media_type, v.edited_at as new_edited_at, d.deleted_at
  from (${rows}) m
  left join lateral (select version, text, media_type, edited_at from ${SCHEMA}.message_versions
                      where channel_id = m.channel_id and message_id = m.message_id and posted_at = m.posted_at
                      order by version desc limit 1) v on true
  left join ${SCHEMA}.message_tombstones d on d.channel_id = m.channel_id and d.message_id = m.message_id ${order}`;

const ONE: Statement = {
  name: 'message_one',
  text: withLatest(`select ${FACTS} from ${SCHEMA}.messages where channel_id = $1 and message_id = $2`),
};

const VERSIONS: Statement = {
  name: 'message_versions',
  text: `select version, edited_at, received_at, text, media_type from ${SCHEMA}.message_versions
          where channel_id = $1 and message_id = $2 and posted_at = $3 order by version`,
};

interface MessageRow {
  readonly channel_id: string;
  readonly message_id: string;
  readonly posted_at: Date;
  readonly received_at: Date;
  readonly source: string;
  readonly kind: string;
  readonly text: string;
  readonly media_type: string | null;
  readonly sender_id: string | null;
  readonly grouped_id: string | null;
  readonly edited_at: Date | null;
  readonly version: number | null;
  readonly new_text: string | null;
  readonly new_media_type: string | null;
  readonly new_edited_at: Date | null;
  readonly deleted_at: Date | null;
}

/** Up to `limit` messages after `after` in the order of the filter. */
export async function listMessages(
  database: Queryable,
  filter: MessageFilter,
  page: { readonly after: MessagePosition | null; readonly limit: number },
): Promise<readonly ReadMessage[]> {
  const { statement, values } = listStatement(filter, page.after);
  const { rows } = await database.run<MessageRow>(statement, [page.limit, ...values]);
  return rows.map(toMessage);
}

export function positionOf({ postedAt, channelId, messageId }: ReadMessage): MessagePosition {
  return [postedAt, channelId, messageId];
}

/** One message with all of its versions, or null. */
export async function readMessage(
  database: Queryable,
  channelId: string,
  messageId: string,
): Promise<(ReadMessage & { readonly versions: readonly MessageVersion[] }) | null> {
  const found = await database.run<MessageRow>(ONE, [channelId, messageId]);
  const row = found.rows[0];
  if (!row) return null;
  const edits = await database.run<Omit<MessageRow, 'version'> & { version: number }>(VERSIONS, [
    channelId,
    messageId,
    row.posted_at.toISOString(),
  ]);
  const versions = [{ ...row, version: 1 }, ...edits.rows].map((version) => ({
    version: version.version,
    editedAt: iso(version.edited_at),
    receivedAt: version.received_at.toISOString(),
    text: version.text,
    mediaType: version.media_type,
  }));
  return { ...toMessage(row), versions };
}

/**
 * One statement for each set of conditions, so that each has a plan of its own and is prepared under its own name. The bound
 * on `posted_at` alone is what leaves chunks out; the comparison of the whole key then drops what the last page had.
 */
function listStatement(filter: MessageFilter, after: MessagePosition | null) {
  const { order } = filter;
  const values: string[] = [];
  const conditions: string[] = [];
  const add = (value: string | undefined, condition: (parameter: string) => string) => {
    if (value === undefined) return '';
    values.push(value);
    conditions.push(condition(`$${String(values.length + 1)}`));
    return 'x';
  };
  const name = [
    add(filter.channel, (p) => `channel_id = ${p}::bigint`) && 'channel',
    add(filter.from, (p) => `posted_at >= ${p}::timestamptz`) && 'from',
    add(filter.to, (p) => `posted_at < ${p}::timestamptz`) && 'to',
    add(filter.text && likePattern(filter.text), (p) => `text ilike ${p}`) && 'text',
    after && 'after',
    order,
  ];
  if (after) {
    const [at, channel, message] = after.map((_, n) => `$${String(values.length + 2 + n)}`);
    const than = order === 'asc' ? '>' : '<';
    conditions.push(
      `posted_at ${than}= ${String(at)}::timestamptz`,
      `(posted_at, channel_id, message_id) ${than} (${String(at)}::timestamptz, ${String(channel)}::bigint, ${String(message)}::bigint)`,
    );
    values.push(...after);
  }
  const where = conditions.length === 0 ? '' : `where ${conditions.join(' and ')}`;
  const sorted = (table: string) =>
    `order by ${['posted_at', 'channel_id', 'message_id'].map((column) => `${table}${column} ${order}`).join(', ')}`;
  const text = withLatest(
    `select ${FACTS} from ${SCHEMA}.messages ${where} ${sorted('')} limit $1::integer`,
    sorted('m.'),
  );
  return { statement: { name: `messages_${name.filter(Boolean).join('_')}`, text }, values };
}

/** The text as it is, anywhere: its own wildcards mean themselves. */
function likePattern(text: string): string {
  return `%${text.replaceAll(/[\\%_]/g, String.raw`\$&`)}%`;
}

function toMessage(row: MessageRow): ReadMessage {
  const edited = row.version !== null;
  return {
    channelId: row.channel_id,
    messageId: row.message_id,
    postedAt: row.posted_at.toISOString(),
    receivedAt: row.received_at.toISOString(),
    source: row.source,
    kind: row.kind,
    text: edited ? (row.new_text ?? '') : row.text,
    mediaType: edited ? row.new_media_type : row.media_type,
    senderId: row.sender_id,
    groupedId: row.grouped_id,
    version: row.version ?? 1,
    editedAt: iso(edited ? row.new_edited_at : row.edited_at),
    deletedAt: iso(row.deleted_at),
  };
}

function iso(date: Date | null): string | null {
  return date === null ? null : date.toISOString();
}
