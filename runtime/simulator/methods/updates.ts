import { Api } from 'telegram/tl';
import { isMember } from '../access.js';
import { CREATION_ID, type WorldEvent } from '../channel.js';
import { unixSeconds } from '../clock.js';
import type { CommonBox } from '../common-box.js';
import { difference } from '../difference.js';
import { boxMessageObject, boxUpdateObject, channelObject, dialogObject, updateObject } from '../objects.js';
import type { Call, Methods } from '../rpc.js';
import { RpcFailure } from '../rpc-failure.js';
import { long, type TlObject } from '../tl.js';
import { shownMessage, UnknownObject } from '../unreadable.js';
import { readableChannel } from './channels.js';

const stateOf = ({ pts, seq }: CommonBox) =>
  new Api.updates.State({ pts, qts: 0, seq, date: unixSeconds(), unreadCount: 0 });
/** Latest messages that a "too long" answer carries. */
const TOO_LONG_MESSAGES = 20;

function checkPts(pts: number, current: number): void {
  if (pts <= 0) throw new RpcFailure(400, 'PERSISTENT_TIMESTAMP_EMPTY');
  if (pts > current) throw new RpcFailure(400, 'PERSISTENT_TIMESTAMP_INVALID');
}

export const updateMethods = {
  'updates.GetState': (_request: Api.updates.GetState, { world, userId }: Call) => stateOf(world.box(userId)),

  /**
   * What happened in the common box, in slices. The last one also names the channels in which something happened since
   * the client's date; their posts are fetched from each channel's own box.
   */
  'updates.GetDifference': (request: Api.updates.GetDifference, { world, faults, userId }: Call) => {
    const box = world.box(userId);
    checkPts(request.pts, box.pts);
    const tooOld = request.pts < box.floorPts || box.pts - request.pts > world.maxPtsAge;
    if (tooOld || faults.take('commonTooLong')) return new Api.updates.DifferenceTooLong({ pts: box.pts });
    const missed = box.eventsAfter(request.pts, request.date);
    const events = missed.slice(0, world.sliceSize);
    const complete = events.length === missed.length;
    const changed = complete
      ? world.channels.filter(
          (channel) => isMember(channel.access, userId) && channel.log.length > 0 && channel.lastDate >= request.date,
        )
      : [];
    if (events.length === 0 && changed.length === 0)
      return new Api.updates.DifferenceEmpty({ date: unixSeconds(), seq: box.seq });
    const content = {
      newMessages: events.flatMap((event) => (event.type === 'message' ? boxMessageObject(event) : [])),
      newEncryptedMessages: [],
      otherUpdates: [
        ...events.flatMap((event) => (event.type === 'message' ? [] : boxUpdateObject(event))),
        ...changed.map(({ id, pts }) => new Api.UpdateChannelTooLong({ channelId: long(id), pts })),
      ],
      chats: changed.map((channel) => channelObject(channel, userId)),
      users: [],
    };
    const last = events.at(-1);
    if (complete || last === undefined) return new Api.updates.Difference({ ...content, state: stateOf(box) });
    const { pts, seq, date } = last;
    const intermediateState = new Api.updates.State({ pts, qts: 0, seq, date, unreadCount: 0 });
    return new Api.updates.DifferenceSlice({ ...content, intermediateState });
  },

  'updates.GetChannelDifference': (request: Api.updates.GetChannelDifference, call: Call) => {
    const { world, faults } = call;
    const channel = readableChannel(request.channel as unknown as TlObject, call);
    checkPts(request.pts, channel.pts);
    const mine = (fault: { channelId?: string | undefined }) =>
      (fault.channelId ?? String(channel.id)) === String(channel.id);
    const found = faults.take('tooLong', mine)
      ? ({ type: 'tooLong' } as const)
      : difference(world, channel, request.pts, request.limit);
    const timeout = world.pollTimeoutS;
    if (found.type !== 'tooLong')
      call.shown.difference(channel, request.pts, found.type === 'slice' ? found.pts : request.pts);
    if (found.type === 'empty')
      return new Api.updates.ChannelDifferenceEmpty({ final: true, pts: channel.pts, timeout });
    const chats = [channelObject(channel, call.userId)];
    if (found.type === 'slice') {
      const shown = (event: WorldEvent) =>
        updateObject(channel, event, (message) => shownMessage(faults, channel, message, 'difference'));
      const strange = faults.take('unreadableDifference', mine)
        ? [new UnknownObject() as unknown as Api.TypeUpdate]
        : [];
      return new Api.updates.ChannelDifference({
        final: found.final,
        pts: found.pts,
        timeout,
        newMessages: found.newMessages.map((message) => shownMessage(faults, channel, message, 'difference')),
        otherUpdates: [...found.otherEvents.map(shown), ...strange],
        chats,
        users: [],
      });
    }
    call.gaps.tooLong(String(channel.id), request.pts, channel.pts);
    const latest = [...channel.messages.values()].slice(-TOO_LONG_MESSAGES).reverse();
    return new Api.updates.ChannelDifferenceTooLong({
      final: true,
      timeout,
      dialog: dialogObject(channel, latest[0]?.id ?? CREATION_ID),
      messages: latest.map((message) => shownMessage(faults, channel, message, 'difference')),
      chats,
      users: [],
    });
  },
} satisfies Methods;
