/** The world as TL objects. Argument types matter: the library only prints an error for a wrong one. */
import { createHash } from 'node:crypto';
import { Api } from 'telegram/tl';
import { CREATION_ID, type Channel, type MediaKind, type WorldEvent, type WorldMessage } from './channel.js';
import { ACCOUNT_USER_ID, DC_ID } from './keys.js';
import { long } from './tl.js';

export function userObject(): Api.User {
  return new Api.User({
    self: true,
    id: long(ACCOUNT_USER_ID),
    accessHash: long(777_000_777_000_777_000n),
    firstName: 'Simulated',
    lastName: 'Reader',
    username: 'simulated_reader',
    phone: '99966000777',
    status: new Api.UserStatusRecently({}),
  });
}

export function channelObject({ identity }: Channel): Api.Channel {
  return new Api.Channel({
    id: long(identity.id),
    accessHash: long(BigInt(identity.accessHash)),
    title: identity.title,
    ...(identity.username === null ? {} : { username: identity.username }),
    photo: new Api.ChatPhotoEmpty(),
    date: identity.date,
    broadcast: true,
  });
}

const peerOf = (channel: Channel) => new Api.PeerChannel({ channelId: long(channel.id) });

export function messageObject(channel: Channel, message: WorldMessage): Api.Message {
  return new Api.Message({
    id: message.id,
    post: true,
    peerId: peerOf(channel),
    date: message.date,
    message: message.text,
    views: 1,
    forwards: 0,
    ...(message.media === null ? {} : { media: mediaObject(channel, message, message.media) }),
    ...(message.editDate === null ? {} : { editDate: message.editDate }),
  });
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

/** Ids and file references of media follow from the post, so that every copy of it is the same. */
function mediaObject(channel: Channel, message: WorldMessage, kind: MediaKind): Api.TypeMessageMedia {
  const seed = createHash('sha256')
    .update(`${kind} ${String(channel.id)}:${String(message.id)}`)
    .digest();
  const common = {
    id: long(seed.readBigInt64LE(0)),
    accessHash: long(seed.readBigInt64LE(8)),
    fileReference: seed.subarray(16, 32),
    date: message.date,
    dcId: DC_ID,
  };
  if (kind === 'photo') {
    const sizes = [new Api.PhotoSize({ type: 'x', w: 800, h: 600, size: 64_000 })];
    return new Api.MessageMediaPhoto({ photo: new Api.Photo({ ...common, sizes }) });
  }
  const document = new Api.Document({
    ...common,
    mimeType: 'application/pdf',
    size: long(128_000),
    attributes: [new Api.DocumentAttributeFilename({ fileName: `report-${String(message.id)}.pdf` })],
  });
  return new Api.MessageMediaDocument({ document });
}

export function updateObject(channel: Channel, event: WorldEvent): Api.TypeUpdate {
  const { pts, ptsCount } = event;
  if (event.type === 'delete')
    return new Api.UpdateDeleteChannelMessages({
      channelId: long(channel.id),
      messages: [...event.ids],
      pts,
      ptsCount,
    });
  const message = messageObject(channel, event.message);
  return event.type === 'new'
    ? new Api.UpdateNewChannelMessage({ message, pts, ptsCount })
    : new Api.UpdateEditChannelMessage({ message, pts, ptsCount });
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
