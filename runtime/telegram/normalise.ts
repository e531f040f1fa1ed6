import { Api } from 'telegram';
import type { ChannelInfo, ChannelUpdate, PlainMessage, UpdateBatch } from './client.js';
import { plainFields } from './plain-value.js';

/**
 * TL objects into the plain data of the port; pure. Ids are decimal strings, channel ids bare. What is not about a
 * channel is left out: nobody here keeps it.
 */

/** Fields that have a place of their own in `PlainMessage`. */
const MAPPED = new Set(['id', 'peerId', 'message', 'date', 'editDate', 'groupedId']);

/** Plain form of a message of a channel; null for one that belongs to no channel or holds nothing. */
export function normaliseMessage(message: Api.TypeMessage): PlainMessage | null {
  if (message instanceof Api.MessageEmpty || !(message.peerId instanceof Api.PeerChannel)) return null;
  const fields = message.originalArgs as Partial<Api.Message>;
  return {
    channelId: message.peerId.channelId.toString(),
    messageId: String(message.id),
    date: message.date,
    editDate: fields.editDate ?? null,
    kind: message instanceof Api.MessageService ? 'service' : 'message',
    text: fields.message ?? '',
    senderId: fields.fromId ? senderId(fields.fromId) : null,
    groupedId: fields.groupedId?.toString() ?? null,
    mediaType: fields.media ? mediaType(fields.media) : null,
    metadata: plainFields(fields, MAPPED),
    raw: message.getBytes(),
  };
}

/** Users as they are, channels and groups as the usual marked (negative) ids: the two kinds overlap otherwise. */
function senderId(peer: Api.TypePeer): string {
  if (peer instanceof Api.PeerUser) return peer.userId.toString();
  if (peer instanceof Api.PeerChat) return `-${peer.chatId.toString()}`;
  return `-${(1_000_000_000_000n + BigInt(peer.channelId.toString())).toString()}`;
}

/** `MessageMediaWebPage` → `webpage`. */
function mediaType(media: Api.TypeMessageMedia): string | null {
  if (media instanceof Api.MessageMediaEmpty) return null;
  return media.className.replace(/^MessageMedia/, '').toLowerCase();
}

/** A channel that can be addressed later; null for users, groups and `min` objects, whose access hash is of no use. */
export function normaliseChannel(chat: Api.TypeChat, pts: number | null = null): ChannelInfo | null {
  if (!(chat instanceof Api.Channel) || chat.min || !chat.accessHash) return null;
  return {
    id: chat.id.toString(),
    accessHash: chat.accessHash.toString(),
    title: chat.title,
    username: chat.username ?? null,
    pts,
    // Of a channel that it is no member of, the date is that of its creation.
    joinedAt: chat.left ? null : chat.date,
  };
}

/** One update that carries a channel's `pts`; null for any other. */
export function normaliseUpdate(update: Api.TypeUpdate): ChannelUpdate | null {
  if (update instanceof Api.UpdateNewChannelMessage || update instanceof Api.UpdateEditChannelMessage) {
    const { pts, ptsCount } = update;
    const message = normaliseMessage(update.message);
    if (!message) return emptied(update.message, pts, ptsCount);
    const type = update instanceof Api.UpdateNewChannelMessage ? 'new' : 'edit';
    return { type, channelId: message.channelId, pts, ptsCount, message };
  }
  if (update instanceof Api.UpdateDeleteChannelMessages)
    return { type: 'delete', ...position(update), messageIds: update.messages.map(String) };
  if (update instanceof Api.UpdateChannelWebPage || update instanceof Api.UpdatePinnedChannelMessages)
    return { type: 'other', ...position(update) };
  // It says where the channel stands and moves nothing.
  if (update instanceof Api.UpdateReadChannelInbox)
    return { type: 'other', channelId: update.channelId.toString(), pts: update.pts, ptsCount: 0 };
  return null;
}

/** An empty message still moves its channel's `pts`, if it says which channel that is. */
function emptied(message: Api.TypeMessage, pts: number, ptsCount: number): ChannelUpdate | null {
  const peer = message.peerId;
  return peer instanceof Api.PeerChannel
    ? { type: 'other', channelId: peer.channelId.toString(), pts, ptsCount }
    : null;
}

function position(update: { channelId: Api.long; pts: number; ptsCount: number }) {
  return { channelId: update.channelId.toString(), pts: update.pts, ptsCount: update.ptsCount };
}

/** A pushed object, undivided; null for what is not a container of updates. */
export function normaliseContainer(pushed: unknown): UpdateBatch | null {
  if (pushed instanceof Api.UpdatesTooLong)
    return { updates: [], tooLong: [], allTooLong: true, channels: [], standing: [] };
  if (pushed instanceof Api.UpdateShort) return normaliseUpdates([pushed.update], []);
  if (pushed instanceof Api.Updates || pushed instanceof Api.UpdatesCombined)
    return normaliseUpdates(pushed.updates, pushed.chats);
  return null;
}

/** Updates with the channels that are described beside them. */
export function normaliseUpdates(updates: readonly Api.TypeUpdate[], chats: readonly Api.TypeChat[]): UpdateBatch {
  return {
    updates: present(updates.map(normaliseUpdate)),
    tooLong: updates
      .filter((update) => update instanceof Api.UpdateChannelTooLong)
      .map((update) => ({ channelId: update.channelId.toString(), pts: update.pts ?? null })),
    allTooLong: false,
    channels: present(chats.map((chat) => normaliseChannel(chat))),
    standing: updates.flatMap((update) => (update instanceof Api.UpdateChannel ? [update.channelId.toString()] : [])),
  };
}

export function present<T>(values: readonly (T | null)[]): T[] {
  return values.filter((value) => value !== null);
}
