import { describe, expect, it } from '@jest/globals';
import bigInt from 'big-integer';
import { Api } from 'telegram/tl';
import { Channel, type WorldEvent } from '../../../runtime/simulator/channel.js';
import { NEW_MESSAGE, type WorldMessage } from '../../../runtime/simulator/message.js';
import { messageObject, updatesObject } from '../../../runtime/simulator/objects.js';
import { encodeUpdates } from '../../../runtime/simulator/push-encoding.js';
import {
  largeInt,
  largeIntBytes,
  readContainer,
  rpcResult,
  serialiseReply,
  tlBytes,
} from '../../../runtime/simulator/tl.js';

/**
 * Client and simulator share one TL library, so they would share its mistakes. The bytes below were encoded by hand
 * from the published schema of layer 198 and are the independent word.
 */
const hex = (...parts: string[]) => parts.join('').replaceAll(' ', '');

const CHANNEL = new Channel({
  id: 1_000_000_001,
  title: 'News',
  username: 'news',
  accessHash: '-2',
  date: 1_700_000_000,
});
const PEER = hex('1e37a5a2', '01ca9a3b 00000000'); // peerChannel#a2a5371e, 1000000001
const DATE = '00f15365'; // 1700000000
const CHANNEL_BYTES = hex(
  'b79809e0', // channel#e00998b7
  '60200000', // broadcast 5, username 6, access_hash 13
  '00000000', // flags2
  '01ca9a3b 00000000',
  'feffffff ffffffff', // access hash -2
  '04 4e657773 000000', // "News"
  '04 6e657773 000000', // "news"
  '1c01c137', // chatPhotoEmpty#37c1011c
  DATE,
);

const post = (text: string, editDate: number | null = null): WorldMessage => ({
  ...NEW_MESSAGE,
  id: 7,
  date: 1_700_000_000,
  editDate,
  text,
});

describe('R10 TL of the simulator, against bytes encoded by hand', () => {
  it('R10 a post is message#96fdbbe9 with flags, peer, date, text and views', () => {
    expect(messageObject(CHANNEL, post('a\u0000b')).getBytes().toString('hex')).toBe(
      hex(
        'e9bbfd96',
        '00440000', // post 14, views and forwards 10
        '00000000', // flags2
        '07000000',
        PEER,
        DATE,
        '03 610062', // NUL inside
        '01000000', // views
        '00000000', // forwards
      ),
    );
  });

  it('R10 an edited post carries its edit date behind the views', () => {
    const bytes = messageObject(CHANNEL, post('ab', 1_700_000_001)).getBytes().toString('hex');
    expect(bytes).toBe(
      hex('e9bbfd96', '00c40000', '00000000', '07000000', PEER, DATE, '02 6162 00', '01000000 00000000', '01f15365'),
    );
  });

  it('R10 a pushed post is updates#74ae4240 with one updateNewChannelMessage and its chat', () => {
    const event: WorldEvent = {
      type: 'new',
      message: post('ab'),
      pts: 9,
      ptsCount: 1,
      at: 1_700_000_000_250,
      pushedAt: null,
    };
    const message = hex('e9bbfd96', '00440000', '00000000', '07000000', PEER, DATE, '02 6162 00', '01000000 00000000');
    expect(encodeUpdates(CHANNEL, [event]).toString('hex')).toBe(
      hex(
        '4042ae74',
        '15c4b51c 01000000', // vector of one update
        'd904ba62', // updateNewChannelMessage#62ba04d9
        message,
        '09000000 01000000', // pts, pts_count
        '15c4b51c 00000000', // users
        '15c4b51c 01000000', // chats
        CHANNEL_BYTES,
        DATE,
        '00000000', // seq
      ),
    );
  });

  it('R10 what is pushed is what the library would encode, for every kind of event and text', () => {
    const texts = ['', 'a', 'abc', 'x'.repeat(253), 'x'.repeat(254), 'ж'.repeat(4_096), '👨‍👩‍👧‍👦\u0000', '\u{10ffff}'];
    const events = texts.flatMap((text, index): WorldEvent[] => {
      const base = { pts: index + 2, ptsCount: 1, at: 1_700_000_000_999, pushedAt: null };
      return [
        { ...base, type: 'new', message: post(text) },
        { ...base, type: 'edit', message: post(text, 1_700_000_005) },
        { ...base, type: 'new', message: { ...post(text), media: 'photo' } },
        { ...base, type: 'edit', message: { ...post(text, 1_700_000_005), media: 'document' } },
        { ...base, type: 'new', message: { ...post(text), groupedId: '-5', media: 'video' } },
        { ...base, type: 'edit', message: { ...post(text, 1_700_000_005), editHide: true, views: 9 } },
        { ...base, type: 'edit', message: { ...post(text, 1_700_000_005), editHide: true, reactions: 3 } },
        { ...base, type: 'new', message: { ...post(text), service: 'title' } },
        { ...base, type: 'delete', ids: [1, index] },
      ];
    });
    for (const some of [events, ...events.map((event) => [event])]) {
      expect(encodeUpdates(CHANNEL, some).equals(updatesObject(CHANNEL, some).getBytes())).toBe(true);
    }
  });

  it('R10 a deletion is updateDeleteChannelMessages#c32d5b12 with bare ids', () => {
    const event: WorldEvent = { type: 'delete', ids: [3, 4], pts: 12, ptsCount: 2, at: 0, pushedAt: null };
    expect(encodeUpdates(CHANNEL, [event]).toString('hex')).toContain(
      hex('125b2dc3', '01ca9a3b 00000000', '15c4b51c 02000000', '03000000 04000000', '0c000000 02000000'),
    );
  });

  it('R10 an rpc_result is bare, and so are a vector and a bool inside it', () => {
    const empty = new Api.MessageEmpty({ id: 5 }); // messageEmpty#90a6ca84
    expect(rpcResult(0x0102_0304_0506_0708n, serialiseReply([empty])).toString('hex')).toBe(
      hex('016d5cf3', '0807060504030201', '15c4b51c 01000000', '84caa690 00000000 05000000'),
    );
    expect(serialiseReply(true).toString('hex')).toBe('b5757299');
    expect(serialiseReply(false).toString('hex')).toBe('379779bc');
  });

  it('R10 bytes take one length byte up to 253 and four from 254 on, and are padded', () => {
    expect(tlBytes(Buffer.from('ab')).toString('hex')).toBe('02616200');
    expect(tlBytes(Buffer.alloc(253)).subarray(0, 2).toString('hex')).toBe('fd00');
    expect(tlBytes(Buffer.alloc(254)).subarray(0, 4).toString('hex')).toBe('fefe0000');
    for (const length of [0, 1, 2, 3, 253, 254, 255, 65_536]) expect(tlBytes(Buffer.alloc(length)).length % 4).toBe(0);
  });

  it('R10 a nonce keeps its bytes through the signed number that the library makes of it', () => {
    for (const text of ['00'.repeat(16), 'ff'.repeat(16), `80${'00'.repeat(14)}7f`, `01${'00'.repeat(15)}`])
      expect(largeIntBytes(largeInt(Buffer.from(text, 'hex')), 16).toString('hex')).toBe(text);
    expect(largeIntBytes(bigInt(-1), 32).toString('hex')).toBe('ff'.repeat(32));
  });

  it('R10 a container is read message by message', () => {
    const bytes = Buffer.from(
      hex(
        'dcf8f173',
        '02000000',
        '0100000000000000 03000000 04000000 aaaaaaaa',
        '0500000000000000 05000000 04000000 bbbbbbbb',
      ),
      'hex',
    );
    expect(readContainer(bytes).map(({ msgId, seqNo, body }) => [msgId, seqNo, body.toString('hex')])).toEqual([
      [1n, 3, 'aaaaaaaa'],
      [5n, 5, 'bbbbbbbb'],
    ]);
  });
});
