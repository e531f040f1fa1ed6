import { describe, expect, it } from '@jest/globals';
import bigInt from 'big-integer';
import { Api } from 'telegram';
import type { ListingPlace } from '../../../runtime/telegram/client.js';
import { listPage } from '../../../runtime/telegram/gramjs/dialogs.js';

const ARCHIVE: ListingPlace = { folder: 1, below: null };

/** A slice of channels with these ids; every newest message has the same id. */
function slice(ids: readonly number[], topIsKnown = true): Api.messages.DialogsSlice {
  const peer = (id: number) => new Api.PeerChannel({ channelId: bigInt(id) });
  return new Api.messages.DialogsSlice({
    count: 1_000,
    dialogs: ids.map(
      (id) =>
        new Api.Dialog({
          ...{ peer: peer(id), topMessage: 7, readInboxMaxId: 0, readOutboxMaxId: 0, unreadCount: 0, pts: 3 },
          ...{ unreadMentionsCount: 0, unreadReactionsCount: 0, notifySettings: new Api.PeerNotifySettings({}) },
        }),
    ),
    messages: topIsKnown
      ? ids.map((id) => new Api.Message({ id: 7, peerId: peer(id), date: 1_700_000_000, message: 'newest' }))
      : [],
    chats: ids.map(
      (id) =>
        new Api.Channel({
          ...{ id: bigInt(id), title: `channel ${String(id)}`, accessHash: bigInt(id), date: 0 },
          photo: new Api.ChatPhotoEmpty(),
        }),
    ),
    users: [],
  });
}

/** Answers the one request of a page, and keeps it. */
function telegram(answer: Api.messages.TypeDialogs) {
  const asked: Api.messages.GetDialogs[] = [];
  const invoke = (request: Api.AnyRequest) => {
    asked.push(request as Api.messages.GetDialogs);
    return Promise.resolve(answer as never);
  };
  return { asked, page: (place: ListingPlace | null) => listPage(invoke, place) };
}

describe('a page of dialogs', () => {
  it('R1 goes on below its last dialog, though that one has the message id of the page before', async () => {
    const first = await telegram(slice([1, 2])).page(null);
    expect(first).toMatchObject({ complete: true, next: { folder: 0, below: { messageId: 7, peer: { id: '2' } } } });
    const { asked, page } = telegram(slice([3, 4]));
    expect(await page(first.next)).toMatchObject({
      complete: true,
      next: { below: { messageId: 7, peer: { id: '4' } } },
    });
    expect(asked[0]).toMatchObject({ folderId: 0, offsetId: 7, offsetDate: 1_700_000_000 });
    expect((asked[0]?.offsetPeer as Api.InputPeerChannel).channelId.toString()).toBe('2');
  });

  it('R1 ends with an empty page, and begins with the archive then', async () => {
    const first = await telegram(slice([1, 2])).page(null);
    expect(await telegram(slice([])).page(first.next)).toEqual({ channels: [], complete: true, next: ARCHIVE });
    expect(await telegram(slice([])).page(ARCHIVE)).toMatchObject({ complete: true, next: null });
  });

  it('R2 is not complete where the next page cannot be asked for, or would be the same one', async () => {
    expect(await telegram(slice([1, 2], false)).page(null)).toMatchObject({ complete: false, next: ARCHIVE });
    const first = await telegram(slice([1, 2])).page(null);
    expect(await telegram(slice([1, 2])).page(first.next)).toMatchObject({ complete: false, next: ARCHIVE });
  });
});
