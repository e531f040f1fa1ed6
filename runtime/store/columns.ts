import type { ChannelCursor, IngestMessage } from '../ingest/message-store.js';
import { cleanMessage, isoSeconds } from './clean-message.js';

/** Arrays as the statements take them, one a column. */

/** Of `messages`, in the order of `MESSAGE_COLUMNS`. */
export function messageColumns(items: readonly IngestMessage[]): readonly unknown[] {
  const clean = items.map((item) => cleanMessage(item.message));
  const column = (value: (item: IngestMessage) => unknown) => items.map(value);
  return [
    column((item) => item.accountId),
    column((item) => item.message.channelId),
    column((item) => item.message.messageId),
    column((item) => isoSeconds(item.message.date)),
    column((item) => item.receivedAt.toISOString()),
    column((item) => item.source),
    column((item) => item.message.kind),
    clean.map(({ text }) => text),
    column((item) => item.message.senderId),
    column((item) => item.message.groupedId),
    clean.map(({ mediaType }) => mediaType),
    column((item) => (item.message.editDate === null ? null : isoSeconds(item.message.editDate))),
    clean.map(({ metadata }) => metadata),
    column((item) => item.message.raw),
  ];
}

export const MESSAGE_COLUMNS = `account_id, channel_id, message_id, posted_at, received_at, source, kind, text, sender_id,
                                grouped_id, media_type, edited_at, metadata, raw`;

/** One row a channel: an upsert must not meet the same row twice in one statement. */
export function cursorColumns(cursors: readonly ChannelCursor[]): readonly unknown[] {
  const furthest = new Map<string, ChannelCursor>();
  for (const cursor of cursors) {
    const other = furthest.get(cursor.channelId);
    furthest.set(cursor.channelId, other ? further(other, cursor) : cursor);
  }
  const rows = [...furthest.values()].sort((a, b) => Number(BigInt(a.channelId) - BigInt(b.channelId)));
  return [
    rows.map((row) => row.accountId),
    rows.map((row) => row.channelId),
    rows.map((row) => row.pts),
    rows.map((row) => row.lastMessageId),
  ];
}

function further(a: ChannelCursor, b: ChannelCursor): ChannelCursor {
  const ids = [a.lastMessageId, b.lastMessageId].filter((id) => id !== null).map(BigInt);
  const last = ids.reduce<bigint | null>((max, id) => (max === null || id > max ? id : max), null);
  return { ...b, pts: Math.max(a.pts, b.pts), lastMessageId: last === null ? null : last.toString() };
}

/** The cursors of a batch, from parameter `$first` on; never back, and never those of another account's channel. */
export function cursorUpsert(schema: string, first: number, condition = 'true'): string {
  const parameter = (offset: number) => `$${String(first + offset)}`;
  return `
  insert into ${schema}.channels as c (account_id, channel_id, pts, last_message_id)
  select * from unnest((select ${parameter(0)}::text[]), ${parameter(1)}::bigint[], ${parameter(2)}::integer[], ${parameter(3)}::bigint[])
   where ${condition}
  on conflict (channel_id) do update
     set pts = greatest(c.pts, excluded.pts),
         last_message_id = greatest(c.last_message_id, excluded.last_message_id),
         updated_at = now()
   where c.account_id = excluded.account_id`;
}
