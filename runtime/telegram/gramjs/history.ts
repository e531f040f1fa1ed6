import bigInt from 'big-integer';
import { Api } from 'telegram';
import { TelegramError, type ChannelRef, type HistoryPage, type HistoryQuery, type MessagesById } from '../client.js';
import { normaliseMessage, present } from '../normalise.js';

export function inputChannel({ id, accessHash }: ChannelRef): Api.InputChannel {
  return new Api.InputChannel({ channelId: bigInt(id), accessHash: bigInt(accessHash) });
}

export function historyRequest({ id, accessHash }: ChannelRef, query: HistoryQuery): Api.messages.GetHistory {
  return new Api.messages.GetHistory({
    peer: new Api.InputPeerChannel({ channelId: bigInt(id), accessHash: bigInt(accessHash) }),
    offsetId: query.offsetId,
    minId: query.minId,
    limit: query.limit,
    offsetDate: query.before ?? 0,
    addOffset: 0,
    maxId: 0,
    hash: bigInt.zero,
  });
}

export function normaliseHistory(result: Api.messages.TypeMessages): HistoryPage {
  const messages = messagesOf(result);
  return {
    messages: present(messages.map(normaliseMessage)),
    lowestId: messages.length === 0 ? null : String(Math.min(...messages.map(({ id }) => id))),
    pts: ptsOf(result),
  };
}

export function messagesRequest(channel: ChannelRef, ids: readonly string[]): Api.channels.GetMessages {
  return new Api.channels.GetMessages({
    channel: inputChannel(channel),
    id: ids.map((id) => new Api.InputMessageID({ id: Number(id) })),
  });
}

/** What the answer does not speak of is neither found nor missing. */
export function normaliseMessagesById(result: Api.messages.TypeMessages): MessagesById {
  const messages = messagesOf(result);
  return {
    found: present(messages.map(normaliseMessage)),
    missing: messages.filter((message) => message instanceof Api.MessageEmpty).map(({ id }) => String(id)),
    pts: ptsOf(result),
  };
}

export function channelPtsOf({ fullChat }: Api.messages.ChatFull): number {
  if (fullChat instanceof Api.ChannelFull) return fullChat.pts;
  throw new TelegramError('unreadable', 'FULL_CHANNEL_EXPECTED');
}

function ptsOf(result: Api.messages.TypeMessages): number | null {
  return result instanceof Api.messages.ChannelMessages ? result.pts : null;
}

/** Nothing is cached here, so that "not modified" is no answer. */
function messagesOf(result: Api.messages.TypeMessages): readonly Api.TypeMessage[] {
  if (result instanceof Api.messages.MessagesNotModified)
    throw new TelegramError('unreadable', 'MESSAGES_NOT_MODIFIED');
  return result.messages;
}
