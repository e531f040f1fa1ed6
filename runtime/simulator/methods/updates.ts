import { Api } from 'telegram/tl';
import { CREATION_ID } from '../channel.js';
import { unixSeconds } from '../clock.js';
import { difference } from '../difference.js';
import { channelObject, dialogObject, messageObject, updateObject } from '../objects.js';
import type { Call, Methods } from '../rpc.js';
import { RpcFailure } from '../rpc-failure.js';
import { long, type TlObject } from '../tl.js';
import { inputChannel } from './channels.js';

/** The common box never changes: everything here happens in channels. */
const COMMON = { pts: 1, qts: 0, seq: 1 };
const commonState = () => new Api.updates.State({ ...COMMON, date: unixSeconds(), unreadCount: 0 });
/** Latest messages that a "too long" answer carries. */
const TOO_LONG_MESSAGES = 20;

export const updateMethods = {
  'updates.GetState': () => commonState(),

  /** Names the channels in which something happened since the client's date; their posts are fetched from each box. */
  'updates.GetDifference': (request: Api.updates.GetDifference, { world }: Call) => {
    if (request.pts <= 0) throw new RpcFailure(400, 'PERSISTENT_TIMESTAMP_EMPTY');
    const changed = world.channels.filter((channel) => channel.log.length > 0 && channel.lastDate > request.date);
    if (changed.length === 0) return new Api.updates.DifferenceEmpty({ date: unixSeconds(), seq: COMMON.seq });
    return new Api.updates.Difference({
      newMessages: [],
      newEncryptedMessages: [],
      otherUpdates: changed.map(
        (channel) => new Api.UpdateChannelTooLong({ channelId: long(channel.id), pts: channel.pts }),
      ),
      chats: changed.map(channelObject),
      users: [],
      state: commonState(),
    });
  },

  'updates.GetChannelDifference': (request: Api.updates.GetChannelDifference, { world }: Call) => {
    const channel = inputChannel(request.channel as unknown as TlObject, world);
    if (request.pts <= 0) throw new RpcFailure(400, 'PERSISTENT_TIMESTAMP_EMPTY');
    if (request.pts > channel.pts) throw new RpcFailure(400, 'PERSISTENT_TIMESTAMP_INVALID');
    const found = difference(world, channel, request.pts, request.limit);
    const timeout = world.pollTimeoutS;
    if (found.type === 'empty')
      return new Api.updates.ChannelDifferenceEmpty({ final: true, pts: channel.pts, timeout });
    const chats = [channelObject(channel)];
    if (found.type === 'slice')
      return new Api.updates.ChannelDifference({
        final: found.final,
        pts: found.pts,
        timeout,
        newMessages: found.newMessages.map((message) => messageObject(channel, message)),
        otherUpdates: found.otherEvents.map((event) => updateObject(channel, event)),
        chats,
        users: [],
      });
    const latest = [...channel.messages.values()].slice(-TOO_LONG_MESSAGES).reverse();
    return new Api.updates.ChannelDifferenceTooLong({
      final: true,
      timeout,
      dialog: dialogObject(channel, latest[0]?.id ?? CREATION_ID),
      messages: latest.map((message) => messageObject(channel, message)),
      chats,
      users: [],
    });
  },
} satisfies Methods;
