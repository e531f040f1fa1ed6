import { Api } from 'telegram/tl';
import { canRead } from '../access.js';
import type { Channel } from '../channel.js';
import { channelFullObject, channelObject, forbiddenObject } from '../objects.js';
import type { Call, Methods } from '../rpc.js';
import { RpcFailure } from '../rpc-failure.js';
import type { TlObject } from '../tl.js';
import { shownById } from '../unreadable.js';
import type { World } from '../world.js';

/** The channel that an input object names, whoever may read it. The access hash must be right, as with Telegram. */
export function namedChannel(input: TlObject, world: World): Channel {
  if (!(input instanceof Api.InputChannel || input instanceof Api.InputPeerChannel))
    throw new RpcFailure(400, 'CHANNEL_INVALID');
  const channel = world.find(input.channelId.toJSNumber());
  if (channel?.identity.accessHash !== input.accessHash.toString()) throw new RpcFailure(400, 'CHANNEL_INVALID');
  return channel;
}

/** The same, for what only those may do who can read it. */
export function readableChannel(input: TlObject, { world, userId }: Call): Channel {
  const channel = namedChannel(input, world);
  if (!canRead(channel.access, userId)) throw new RpcFailure(400, 'CHANNEL_PRIVATE');
  return channel;
}

/** Most messages of one answer. */
const MAX_MESSAGES = 100;

export const channelMethods = {
  'channels.GetChannels': (request: Api.channels.GetChannels, { world, userId }: Call) =>
    new Api.messages.Chats({
      chats: (request.id as unknown as TlObject[]).map((input) => {
        const channel = namedChannel(input, world);
        return canRead(channel.access, userId) ? channelObject(channel, userId) : forbiddenObject(channel);
      }),
    }),

  'channels.GetFullChannel': (request: Api.channels.GetFullChannel, call: Call) => {
    const channel = readableChannel(request.channel as unknown as TlObject, call);
    call.gaps.asked(String(channel.id), channel.pts);
    return new Api.messages.ChatFull({
      fullChat: channelFullObject(channel),
      chats: [channelObject(channel, call.userId)],
      users: [],
    });
  },

  /** Those that were deleted or never were come as `messageEmpty`. */
  'channels.GetMessages': (request: Api.channels.GetMessages, call: Call) => {
    const channel = readableChannel(request.channel as unknown as TlObject, call);
    const ids = (request.id as unknown as TlObject[]).slice(0, MAX_MESSAGES).map((input) => {
      if (!(input instanceof Api.InputMessageID)) throw new RpcFailure(400, 'MESSAGE_IDS_EMPTY');
      return input.id;
    });
    call.shown.messages(channel);
    const messages = ids.map((id) => shownById(call.faults, channel, id));
    return new Api.messages.ChannelMessages({
      pts: channel.pts,
      count: messages.length,
      messages,
      topics: [],
      chats: [channelObject(channel, call.userId)],
      users: [],
    });
  },

  'contacts.ResolveUsername': (request: Api.contacts.ResolveUsername, { world, userId }: Call) => {
    const channel = world.byUsername(request.username);
    if (channel === undefined || !canRead(channel.access, userId)) throw new RpcFailure(400, 'USERNAME_NOT_OCCUPIED');
    const chat = channelObject(channel, userId);
    return new Api.contacts.ResolvedPeer({
      peer: new Api.PeerChannel({ channelId: chat.id }),
      chats: [chat],
      users: [],
    });
  },
} satisfies Methods;
