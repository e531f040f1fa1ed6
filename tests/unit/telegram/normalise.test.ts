import { describe, expect, it } from '@jest/globals';
import bigInt from 'big-integer';
import { BinaryReader } from 'telegram/extensions/index.js';
import { Api } from 'telegram/tl/index.js';
import {
  normaliseChannel,
  normaliseContainer,
  normaliseMessage,
  normaliseUpdate,
} from '../../../runtime/telegram/normalise.js';
import { plainValue } from '../../../runtime/telegram/plain-value.js';

const CHANNEL_ID = bigInt('1234567890');
const HASH = bigInt('-8123456789012345678');

function message(fields: Partial<ConstructorParameters<typeof Api.Message>[0]> = {}): Api.Message {
  const made = new Api.Message({
    id: 7,
    peerId: new Api.PeerChannel({ channelId: CHANNEL_ID }),
    date: 1_700_000_000,
    message: 'hello 👋',
    post: true,
    ...fields,
  });
  return read(made);
}

/** Through bytes and back: absent flags look as they do on the wire. */
function read<T extends { getBytes(): Buffer }>(object: T): T {
  return new BinaryReader(object.getBytes()).tgReadObject() as T;
}

describe('normalise', () => {
  it('R1 maps a post to plain data, with ids as decimal strings', () => {
    const plain = normaliseMessage(
      message({ views: 12, forwards: 3, groupedId: bigInt('13579246801357924'), editDate: 1_700_000_100 }),
    );
    expect(plain).toMatchObject({
      channelId: '1234567890',
      messageId: '7',
      date: 1_700_000_000,
      editDate: 1_700_000_100,
      kind: 'message',
      text: 'hello 👋',
      senderId: null,
      groupedId: '13579246801357924',
      mediaType: null,
      metadata: { post: true, views: 12, forwards: 3 },
    });
    expect(JSON.parse(JSON.stringify(plain?.metadata))).toEqual({ post: true, views: 12, forwards: 3 });
  });

  it('R1 keeps the bytes, from which the message can be read again', () => {
    const plain = normaliseMessage(message());
    const again = new BinaryReader(plain?.raw ?? Buffer.alloc(0)).tgReadObject() as Api.Message;
    expect(again.message).toBe('hello 👋');
  });

  it.each([
    ['a user', new Api.PeerUser({ userId: bigInt('5000000001') }), '5000000001'],
    ['a group', new Api.PeerChat({ chatId: bigInt(77) }), '-77'],
    ['a channel', new Api.PeerChannel({ channelId: CHANNEL_ID }), '-1001234567890'],
  ])('R1 tells %s as a sender from others of the same number', (_who, fromId, expected) => {
    expect(normaliseMessage(message({ fromId }))?.senderId).toBe(expected);
  });

  it('R1 names the media and keeps its ids, without what expires', () => {
    const photo = new Api.Photo({
      id: bigInt('9007199254740993'),
      accessHash: HASH,
      fileReference: Buffer.from('expires'),
      date: 1,
      sizes: [],
      dcId: 2,
    });
    const plain = normaliseMessage(message({ media: new Api.MessageMediaPhoto({ photo }) }));
    expect(plain?.mediaType).toBe('photo');
    expect(plain?.metadata['media']).toEqual({
      _: 'MessageMediaPhoto',
      photo: { _: 'Photo', id: '9007199254740993', accessHash: HASH.toString(), date: 1, sizes: [], dcId: 2 },
    });
  });

  it('R1 maps a service message with its action', () => {
    const service = read(
      new Api.MessageService({
        id: 8,
        peerId: new Api.PeerChannel({ channelId: CHANNEL_ID }),
        date: 1_700_000_001,
        action: new Api.MessageActionChannelCreate({ title: 'News' }),
      }),
    );
    expect(normaliseMessage(service)).toMatchObject({
      kind: 'service',
      text: '',
      metadata: { action: { _: 'MessageActionChannelCreate', title: 'News' } },
    });
  });

  it('R1 leaves out what is not of a channel', () => {
    expect(normaliseMessage(new Api.MessageEmpty({ id: 3 }))).toBeNull();
    expect(normaliseMessage(message({ peerId: new Api.PeerUser({ userId: bigInt(1) }) }))).toBeNull();
    expect(normaliseUpdate(new Api.UpdateNewMessage({ message: message(), pts: 1, ptsCount: 1 }))).toBeNull();
    expect(normaliseContainer(new Api.UpdateShortSentMessage({ id: 1, pts: 1, ptsCount: 1, date: 1 }))).toBeNull();
  });

  it('R2 gives every update that moves a channel its position', () => {
    const pts = { pts: 20, ptsCount: 2 };
    const where = { channelId: '1234567890', ...pts };
    expect(normaliseUpdate(new Api.UpdateNewChannelMessage({ message: message(), ...pts }))).toMatchObject({
      type: 'new',
      ...where,
    });
    expect(normaliseUpdate(new Api.UpdateEditChannelMessage({ message: message(), ...pts }))).toMatchObject({
      type: 'edit',
      ...where,
    });
    expect(
      normaliseUpdate(new Api.UpdateDeleteChannelMessages({ channelId: CHANNEL_ID, messages: [4, 5], ...pts })),
    ).toEqual({ type: 'delete', messageIds: ['4', '5'], ...where });
    expect(
      normaliseUpdate(new Api.UpdatePinnedChannelMessages({ channelId: CHANNEL_ID, messages: [4], ...pts })),
    ).toEqual({ type: 'other', ...where });
    expect(
      normaliseUpdate(
        new Api.UpdateChannelWebPage({
          channelId: CHANNEL_ID,
          webpage: new Api.WebPageEmpty({ id: bigInt(1) }),
          ...pts,
        }),
      ),
    ).toEqual({ type: 'other', ...where });
    expect(
      normaliseUpdate(
        new Api.UpdateReadChannelInbox({ channelId: CHANNEL_ID, maxId: 3, stillUnreadCount: 0, pts: 20 }),
      ),
    ).toEqual({ type: 'other', channelId: '1234567890', pts: 20, ptsCount: 0 });
  });

  it('R2 takes over "fetch the difference", of one channel and of all', () => {
    const updates = [new Api.UpdateChannelTooLong({ channelId: CHANNEL_ID, pts: 9 })];
    expect(normaliseContainer(new Api.Updates({ updates, users: [], chats: [], date: 1, seq: 0 }))).toMatchObject({
      tooLong: [{ channelId: '1234567890', pts: 9 }],
      allTooLong: false,
    });
    expect(normaliseContainer(new Api.UpdatesTooLong())).toMatchObject({ allTooLong: true });
  });

  it('R1 never takes the access hash of a min object', () => {
    const channel = { id: CHANNEL_ID, accessHash: HASH, title: 'News', photo: new Api.ChatPhotoEmpty(), date: 1 };
    expect(normaliseChannel(new Api.Channel({ ...channel, min: true }))).toBeNull();
    expect(normaliseChannel(new Api.Channel({ ...channel, username: 'news' }), 5)).toEqual({
      id: '1234567890',
      accessHash: HASH.toString(),
      joinedAt: 1,
      title: 'News',
      username: 'news',
      pts: 5,
    });
  });

  it('R1 keeps U+0000 in the text and strips it where the database refuses it', () => {
    expect(normaliseMessage(message({ message: 'a\0b' }))?.text).toBe('a\0b');
    expect(plainValue({ title: 'a\0b' })).toEqual({ title: 'ab' });
  });
});
