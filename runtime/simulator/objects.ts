/** The world as TL objects. Argument types matter: the library only prints an error for a wrong one. */
import { Api } from 'telegram/tl';
import { isMember, joinedAt } from './access.js';
import { CREATION_ID, type Channel, type WorldEvent } from './channel.js';
import type { BoxEvent } from './common-box.js';
import { mediaObject } from './media.js';
import type { ServiceKind, WorldMessage } from './message.js';
import { long } from './tl.js';
import type { Account } from './accounts/accounts.js';

export function userObject({ userId, firstName, username, phone }: Account): Api.User {
  return new Api.User({
    self: true,
    id: long(userId),
    accessHash: long(777_000_777_000_777_000n + BigInt(userId - 777)),
    firstName,
    lastName: 'Reader',
    username,
    phone,
    status: new Api.UserStatusRecently({}),
  });
}

/**
 * The channel as an account sees it; without one, as the member who joined last. Its date is that of the joining, or, to
 * whoever is no member, of its creation.
 */
export function channelObject({ identity, access }: Channel, userId?: number): Api.Channel {
  const left = userId !== undefined && !isMember(access, userId);
  return new Api.Channel({
    id: long(identity.id),
    accessHash: long(BigInt(identity.accessHash)),
    title: identity.title,
    ...(identity.username === null ? {} : { username: identity.username }),
    photo: new Api.ChatPhotoEmpty(),
    date: left ? identity.date : Math.max(identity.date, joinedAt(access, userId)),
    broadcast: true,
    ...(left ? { left } : {}),
  });
}

/** What an account still sees of a channel that it was shut out of. */
export function forbiddenObject({ identity }: Channel): Api.ChannelForbidden {
  return new Api.ChannelForbidden({
    id: long(identity.id),
    accessHash: long(BigInt(identity.accessHash)),
    title: identity.title,
    broadcast: true,
  });
}

const peerOf = (channel: Channel) => new Api.PeerChannel({ channelId: long(channel.id) });

export function messageObject(channel: Channel, message: WorldMessage): Api.Message | Api.MessageService {
  const { id, date, text, media, editDate, editHide, groupedId, service, views, reactions } = message;
  const common = { id, post: true, peerId: peerOf(channel), date };
  if (service !== null) return new Api.MessageService({ ...common, action: ACTIONS[service](text) });
  return new Api.Message({
    ...common,
    message: text,
    views,
    forwards: 0,
    ...(media === null ? {} : { media: mediaObject(channel.id, message, media) }),
    ...(editDate === null ? {} : { editDate }),
    ...(editHide ? { editHide } : {}),
    ...(groupedId === null ? {} : { groupedId: long(BigInt(groupedId)) }),
    ...(reactions === 0 ? {} : { reactions: thumbs(reactions) }),
  });
}

const ACTIONS: Readonly<Record<ServiceKind, (title: string) => Api.TypeMessageAction>> = {
  title: (title) => new Api.MessageActionChatEditTitle({ title }),
  pin: () => new Api.MessageActionPinMessage(),
  photoRemoved: () => new Api.MessageActionChatDeletePhoto(),
  ttl: () => new Api.MessageActionSetMessagesTTL({ period: 86_400 }),
};

function thumbs(count: number): Api.MessageReactions {
  const reaction = new Api.ReactionEmoji({ emoticon: '👍' });
  return new Api.MessageReactions({ results: [new Api.ReactionCount({ reaction, count })] });
}

/** The first message of every channel; without it a client cannot list a channel that has no posts. */
export function creationObject(channel: Channel): Api.MessageService {
  return new Api.MessageService({
    id: CREATION_ID,
    post: true,
    peerId: peerOf(channel),
    date: channel.identity.date,
    action: new Api.MessageActionChannelCreate({ title: channel.identity.title }),
  });
}

/** Any message of a channel by id: a post as it is now, the creation, or `messageEmpty`. */
export function messageById(channel: Channel, id: number): Api.TypeMessage {
  if (id === CREATION_ID) return creationObject(channel);
  const message = channel.messages.get(id);
  return message ? messageObject(channel, message) : new Api.MessageEmpty({ id });
}

export function updateObject(
  channel: Channel,
  event: WorldEvent,
  shown: (message: WorldMessage) => Api.TypeMessage = (message) => messageObject(channel, message),
): Api.TypeUpdate {
  const { pts, ptsCount } = event;
  if (event.type === 'delete')
    return new Api.UpdateDeleteChannelMessages({
      channelId: long(channel.id),
      messages: [...event.ids],
      pts,
      ptsCount,
    });
  const message = shown(event.message);
  return event.type === 'new'
    ? new Api.UpdateNewChannelMessage({ message, pts, ptsCount })
    : new Api.UpdateEditChannelMessage({ message, pts, ptsCount });
}

/** Telegram's own account, which sends login codes. */
const SERVICE_USER = { userId: long(777_000) };

/** A private message. */
export function boxMessageObject({ id, date, text }: BoxEvent & { type: 'message' }): Api.Message {
  const peer = new Api.PeerUser(SERVICE_USER);
  return new Api.Message({ id, peerId: peer, fromId: peer, date, message: text });
}

export function boxUpdateObject(event: BoxEvent): Api.TypeUpdate {
  if (event.type === 'channel') return new Api.UpdateChannel({ channelId: long(event.channelId) });
  const { pts, ptsCount } = event;
  return new Api.UpdateNewMessage({ message: boxMessageObject(event), pts, ptsCount });
}

/** What happens in the common box travels with its `seq`. */
export function boxUpdatesObject(event: BoxEvent, chats: Api.TypeChat[]): Api.Updates {
  const { date, seq } = event;
  return new Api.Updates({ updates: [boxUpdateObject(event)], users: [], chats, date, seq });
}

/** Channel updates travel with `seq` 0: they are ordered by pts alone. `encodeUpdates` is the fast way to its bytes. */
export function updatesObject(channel: Channel, events: readonly WorldEvent[]): Api.Updates {
  return new Api.Updates({
    updates: events.map((event) => updateObject(channel, event)),
    users: [],
    chats: [channelObject(channel)],
    date: Math.floor((events.at(-1)?.at ?? 0) / 1_000),
    seq: 0,
  });
}

export function dialogObject(channel: Channel, topMessageId: number): Api.Dialog {
  return new Api.Dialog({
    peer: peerOf(channel),
    topMessage: topMessageId,
    readInboxMaxId: 0,
    readOutboxMaxId: 0,
    unreadCount: channel.messages.size,
    unreadMentionsCount: 0,
    unreadReactionsCount: 0,
    notifySettings: new Api.PeerNotifySettings({}),
    pts: channel.pts,
  });
}

export function channelFullObject(channel: Channel): Api.ChannelFull {
  return new Api.ChannelFull({
    id: long(channel.id),
    about: '',
    participantsCount: 1,
    readInboxMaxId: 0,
    readOutboxMaxId: 0,
    unreadCount: channel.messages.size,
    chatPhoto: new Api.PhotoEmpty({ id: long(0) }),
    notifySettings: new Api.PeerNotifySettings({}),
    botInfo: [],
    pts: channel.pts,
  });
}
