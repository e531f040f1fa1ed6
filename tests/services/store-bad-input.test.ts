import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { IngestBatcher } from '../../runtime/ingest/batch.js';
import { Committer } from '../../runtime/ingest/commit.js';
import { TelegramStore } from '../../runtime/store/telegram-store.js';
import { ChannelState } from '../../runtime/telegram/channel-state.js';
import type { PlainMessage } from '../../runtime/telegram/client.js';
import { ingestMessage } from '../support/messages.js';
import { silent, TestDatabase, uniqueChannel } from '../support/services.js';

/** What no well-behaved server sends, on its way through the gateway into a real database. */
describe('bad input', () => {
  let database: TestDatabase;
  let store: TelegramStore;

  beforeAll(async () => {
    database = await TestDatabase.migrated();
    store = new TelegramStore(database.database);
  });
  afterAll(() => database.drop());

  function channelState(id: string): ChannelState {
    const { signal } = new AbortController();
    const committer = new Committer({ store, sinks: [], logger: silent, signal });
    const batcher = new IngestBatcher({ commit: (batch) => committer.commit(batch) });
    const channel = {
      ...{ id, accessHash: '-9223372036854775808', accountId: 'test', title: '', username: null },
      ...{ pts: 10, lastMessageId: '0', reconciledId: '0', backfill: null, status: 'active' as const },
    };
    return new ChannelState({ accountId: 'test', channel, submit: (one) => batcher.submit(one), logger: silent });
  }
  const message = (channel: string, id: number, change: Partial<PlainMessage> = {}) =>
    ingestMessage(channel, id, change).message;
  const stored = async (channel: string) =>
    database.query<{ message_id: string; text: string }>(
      'select message_id, text from telegram_gateway.messages where channel_id = $1 order by message_id',
      [channel],
    );

  it.each([
    ['no date', { date: undefined as unknown as number }],
    ['a date that is none', { date: NaN }],
    ['a date beyond the calendar', { date: 1e15 }],
    ['an edit date that is none', { editDate: NaN }],
    ['an id that does not fit', { groupedId: '99999999999999999999' }],
  ])('R2 a message with %s is a hole, and holds up nothing', async (_what, change) => {
    const channel = uniqueChannel();
    const state = channelState(channel);
    const messages = [message(channel, 1), message(channel, 2, change), message(channel, 3, { text: 'n\0ul \ud800' })];
    await state.commit({ messages: state.copies(messages, 'difference', 13), pts: 13 });
    expect(await stored(channel)).toEqual([
      { message_id: '1', text: 'message 1' },
      { message_id: '3', text: 'nul \ufffd' },
    ]);
    expect((await store.loadHoles('test')).get(channel)).toEqual(['2']);
    expect(state.pts).toBe(13);
  });

  it.each(['9007199254740993', '9223372036854775807'])(
    'R1 ids above 2^53 are kept to the last digit: %s',
    async (id) => {
      const state = channelState(id);
      const change = { senderId: id, groupedId: id, metadata: { media: { document: { id } } } };
      await state.commit({ messages: state.copies([message(id, 1, change)], 'push', 11), pts: 11 });
      const rows = await database.query(
        'select channel_id, sender_id::text, grouped_id, metadata from telegram_gateway.messages where channel_id = $1',
        [id],
      );
      expect(rows).toEqual([
        { channel_id: id, sender_id: id, grouped_id: id, metadata: { media: { document: { id } } } },
      ]);
    },
  );
});
