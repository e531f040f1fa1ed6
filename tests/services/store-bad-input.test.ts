import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { IngestBatcher } from '../../runtime/ingest/batch.js';
import { Committer } from '../../runtime/ingest/commit.js';
import { TelegramStore } from '../../runtime/store/telegram-store.js';
import { ChannelState } from '../../runtime/telegram/channel-state.js';
import { mendHoles } from '../../runtime/telegram/audit.js';
import type { PlainMessage, TelegramPort } from '../../runtime/telegram/client.js';
import { ingestMessage } from '../support/messages.js';
import { silent, TestDatabase, uniqueChannel } from '../support/services.js';
import { unlimited } from '../unit/telegram/support/plain.js';

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

  it('R2 R4 a deletion in the same slice as a message that cannot be stored is one all the same', async () => {
    const channel = uniqueChannel();
    const state = channelState(channel);
    await state.commit({ messages: state.copies([message(channel, 1)], 'difference', 11), pts: 11 });
    const messages = [message(channel, 2, { date: undefined as unknown as number }), message(channel, 3)];
    await state.commit({
      messages: state.copies(messages, 'difference', 14),
      deletions: state.deletions(['1', '9'], 'difference', 14),
      pts: 14,
    });
    expect((await stored(channel)).map(({ message_id }) => message_id)).toEqual(['1', '3']);
    expect(
      await database.query(
        'select message_id from telegram_gateway.message_tombstones where channel_id = $1 order by message_id',
        [channel],
      ),
    ).toEqual([{ message_id: '1' }, { message_id: '9' }]);
    expect((await store.loadHoles('test')).get(channel)).toEqual(['2']);
    expect(state.pts).toBe(14);
  });

  it('R2 R4 a hole is mended once it can be stored, stays one while it cannot, and is none where the message is gone', async () => {
    const channel = uniqueChannel();
    const state = channelState(channel);
    const bad = { date: NaN };
    const slice = [message(channel, 1, bad), message(channel, 2, bad), message(channel, 3, bad)];
    await state.commit({ messages: state.copies(slice, 'difference', 13), pts: 13 });
    const holes = async () => (await store.loadHoles('test')).get(channel) ?? [];
    expect(await holes()).toEqual(['1', '2', '3']);
    const found = [message(channel, 1), message(channel, 2, bad)];
    const answer = { getMessages: () => Promise.resolve({ found, missing: ['3'], pts: null }) };
    const budget = unlimited(() => answer as unknown as TelegramPort);
    const known = await holes();
    await budget.turn('history', (turn) => mendHoles(state, turn, known));
    expect((await stored(channel)).map(({ message_id }) => message_id)).toEqual(['1']);
    expect(await holes()).toEqual(['2']);
    expect(
      await database.query('select message_id from telegram_gateway.message_tombstones where channel_id = $1', [
        channel,
      ]),
    ).toEqual([{ message_id: '3' }]);
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
