import { Api } from 'telegram/tl';
import type { Channel } from '../channel.js';
import { channelFullObject, channelObject, messageById } from '../objects.js';
import type { Call, Methods } from '../rpc.js';
import { RpcFailure } from '../rpc-failure.js';
import type { TlObject } from '../tl.js';
import type { World } from '../world.js';

/** The channel that an input object names. The access hash must be right, as with Telegram. */
export function inputChannel(input: TlObject, world: World): Channel {
  if (!(input instanceof Api.InputChannel || input instanceof Api.InputPeerChannel))
    throw new RpcFailure(400, 'CHANNEL_INVALID');
  const channel = world.find(input.channelId.toJSNumber());
  if (channel?.identity.accessHash !== input.accessHash.toString()) throw new RpcFailure(400, 'CHANNEL_INVALID');
  return channel;
}

/** Most messages of one answer. */
const MAX_MESSAGES = 100;

export const channelMethods = {
  'channels.GetChannels': (request: Api.channels.GetChannels, { world }: Call) =>
    new Api.messages.Chats({
      chats: (request.id as unknown as TlObject[]).map((input) => channelObject(inputChannel(input, world))),
    }),

  'channels.GetFullChannel': (request: Api.channels.GetFullChannel, { world }: Call) => {
    const channel = inputChannel(request.channel as unknown as TlObject, world);
    return new Api.messages.ChatFull({
      fullChat: channelFullObject(channel),
      chats: [channelObject(channel)],
      users: [],
    });
  },

  'channels.GetMessages': (request: Api.channels.GetMessages, { world }: Call) => {
    const channel = inputChannel(request.channel as unknown as TlObject, world);
    const ids = (request.id as unknown as TlObject[]).slice(0, MAX_MESSAGES).map((input) => {
      if (!(input instanceof Api.InputMessageID)) throw new RpcFailure(400, 'MESSAGE_IDS_EMPTY');
      return input.id;
    });
    const messages = ids.map((id) => messageById(channel, id));
    return new Api.messages.ChannelMessages({
      pts: channel.pts,
      count: messages.length,
      messages,
      topics: [],
      chats: [channelObject(channel)],
      users: [],
    });
  },

  'contacts.ResolveUsername': (request: Api.contacts.ResolveUsername, { world }: Call) => {
    const channel = world.byUsername(request.username);
    if (channel === undefined) throw new RpcFailure(400, 'USERNAME_NOT_OCCUPIED');
    const chat = channelObject(channel);
    return new Api.contacts.ResolvedPeer({
      peer: new Api.PeerChannel({ channelId: chat.id }),
      chats: [chat],
      users: [],
    });
  },
} satisfies Methods;
