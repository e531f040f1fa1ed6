import type { ChannelUpdate, PlainMessage } from '../../../../runtime/telegram/client.js';

/** A message of the port, as small as it gets. */
export function plainMessage(channelId: string, id: number, text = `text ${String(id)}`): PlainMessage {
  return {
    channelId,
    messageId: String(id),
    date: 1_700_000_000 + id,
    editDate: null,
    kind: 'message',
    text,
    senderId: null,
    groupedId: null,
    mediaType: null,
    metadata: {},
    raw: Buffer.alloc(0),
  };
}

/** The post with this id, whose `pts` is its id. */
export function newPost(channelId: string, id: number): ChannelUpdate {
  return { type: 'new', channelId, pts: id, ptsCount: 1, message: plainMessage(channelId, id) };
}
