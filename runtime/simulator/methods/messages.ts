import { Api } from 'telegram/tl';
import { isMember } from '../access.js';
import { CREATION_ID, type Channel } from '../channel.js';
import { channelObject, dialogObject } from '../objects.js';
import type { Call, Methods } from '../rpc.js';
import type { TlObject } from '../tl.js';
import { shownById } from '../unreadable.js';
import { readableChannel } from './channels.js';

const MAX_PAGE = 100;
const pageSize = (limit: number) => Math.min(Math.max(limit, 1), MAX_PAGE);

export const messageMethods = {
  'messages.GetDialogs': (request: Api.messages.GetDialogs, { world, faults, userId }: Call) => {
    const joined = world.channels.filter(({ access }) => isMember(access, userId));
    // Nothing is in the archive.
    const all = request.folderId === 1 ? [] : joined.map(dialogOf).sort(newestFirst);
    const page = all.filter((dialog) => isAfter(dialog, request)).slice(0, pageSize(request.limit));
    const content = {
      dialogs: page.map(({ channel, topId }) => dialogObject(channel, topId)),
      messages: page.map(({ channel, topId }) => shownById(faults, channel, topId)),
      chats: page.map(({ channel }) => channelObject(channel, userId)),
      users: [],
    };
    return page.length === all.length
      ? new Api.messages.Dialogs(content)
      : new Api.messages.DialogsSlice({ count: all.length, ...content });
  },

  'messages.GetHistory': (request: Api.messages.GetHistory, call: Call) => {
    const channel = readableChannel(request.peer as unknown as TlObject, call);
    const dates = [...channel.messages.values()].reverse().map(({ id, date }) => ({ id, date }));
    dates.push({ id: CREATION_ID, date: channel.identity.date });
    const page = historyPage(dates, request);
    call.shown.messages(channel);
    return new Api.messages.ChannelMessages({
      pts: channel.pts,
      count: dates.length,
      messages: page.map(({ id }) => shownById(call.faults, channel, id)),
      topics: [],
      chats: [channelObject(channel, call.userId)],
      users: [],
    });
  },
} satisfies Methods;

interface DialogEntry {
  readonly channel: Channel;
  readonly topId: number;
  readonly date: number;
}

function dialogOf(channel: Channel): DialogEntry {
  let topId = channel.lastMessageId;
  while (topId > channel.forgottenMessageId && !channel.messages.has(topId)) topId--;
  const top = channel.messages.get(topId);
  return top ? { channel, topId, date: top.date } : { channel, topId: CREATION_ID, date: channel.identity.date };
}

const newestFirst = (a: DialogEntry, b: DialogEntry) => b.date - a.date || b.channel.id - a.channel.id;

/** Pages continue below the last dialog seen, by its date and then its peer: dates are whole seconds and often equal. */
function isAfter({ channel, date }: DialogEntry, request: Api.messages.GetDialogs): boolean {
  if (request.offsetDate === 0) return true;
  if (date !== request.offsetDate) return date < request.offsetDate;
  const peer = request.offsetPeer as unknown as TlObject;
  return !(peer instanceof Api.InputPeerChannel) || channel.id < peer.channelId.toJSNumber();
}

interface HistoryEntry {
  readonly id: number;
  readonly date: number;
}

/** Newest first; `offsetId` and `offsetDate` begin, `addOffset` shifts, `minId` and `maxId` (both excluded) cut. */
function historyPage(all: readonly HistoryEntry[], request: Api.messages.GetHistory): readonly HistoryEntry[] {
  const below = ({ id, date }: HistoryEntry) =>
    (request.offsetId === 0 || id < request.offsetId) && (request.offsetDate === 0 || date < request.offsetDate);
  const first = all.findIndex(below);
  const start = Math.max(0, (first === -1 ? all.length : first) + request.addOffset);
  return all
    .slice(start, start + pageSize(request.limit))
    .filter(({ id }) => id > request.minId && (request.maxId === 0 || id < request.maxId));
}
