import { Api } from 'telegram/tl';
import { canRead, isMember } from '../access.js';
import { unixSeconds } from '../clock.js';
import { channelObject } from '../objects.js';
import type { Call, Methods } from '../rpc.js';
import { RpcFailure } from '../rpc-failure.js';
import { long, type TlObject } from '../tl.js';
import { namedChannel } from './channels.js';

/** Joining and leaving. Both answer with the change, which other sessions of the account are pushed. */
export const membershipMethods = {
  'channels.JoinChannel': (request: Api.channels.JoinChannel, call: Call) => {
    const channel = namedChannel(request.channel as unknown as TlObject, call.world);
    const { access } = channel;
    if (isMember(access, call.userId)) throw new RpcFailure(400, 'USER_ALREADY_PARTICIPANT');
    if (!canRead(access, call.userId)) throw new RpcFailure(400, 'CHANNEL_PRIVATE');
    return changed(call, channel.id, 'member');
  },

  'channels.LeaveChannel': (request: Api.channels.LeaveChannel, call: Call) => {
    const channel = namedChannel(request.channel as unknown as TlObject, call.world);
    if (!isMember(channel.access, call.userId)) throw new RpcFailure(400, 'USER_NOT_PARTICIPANT');
    return changed(call, channel.id, 'left');
  },
} satisfies Methods;

function changed(call: Call, channelId: number, state: 'member' | 'left'): Api.Updates {
  call.setMember(channelId, call.userId, state);
  return new Api.Updates({
    updates: [new Api.UpdateChannel({ channelId: long(channelId) })],
    users: [],
    chats: [channelObject(call.world.channel(channelId), call.userId)],
    date: unixSeconds(),
    seq: 0,
  });
}
