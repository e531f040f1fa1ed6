import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { Consumer } from '../../runtime/consumer/consumer.js';
import { IngestBatcher } from '../../runtime/ingest/batch.js';
import { Committer } from '../../runtime/ingest/commit.js';
import { registerGroup, takeDueWork } from '../../runtime/store/polled-work.js';
import { TelegramStore } from '../../runtime/store/telegram-store.js';
import { claimDueWork, failWork, finishWork } from '../../runtime/store/work.js';
import { ChannelState } from '../../runtime/telegram/channel-state.js';
import { mendHoles } from '../../runtime/telegram/audit.js';
import type { PlainMessage, TelegramPort } from '../../runtime/telegram/client.js';
import { ingestMessage } from '../support/messages.js';
import { describeOnEachEngine, silent, TestDatabase, uniqueChannel, uniqueName } from '../support/services.js';
import { unlimited } from '../unit/telegram/support/plain.js';

/** Where a text is put together with SQL, or cut off at U+0000, one of these shows it. */
const HOSTILE = `'; drop table telegram_gateway.messages; --$1 $$ \\ %s "x" {},null\0\ud800`;
const CLEAN = HOSTILE.replace('\0\ud800', '\ufffd');

/** What no well-behaved server sends, on its way through the gateway into a real database. */
describeOnEachEngine('bad input', (engine) => {
  let database: TestDatabase;
  let store: TelegramStore;

  beforeAll(async () => {
    database = await TestDatabase.migrated(engine);
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

  it('R1 R2 NUL and SQL in title and username are text, and the channels listed beside it are kept', async () => {
    const [odd, plain] = [uniqueChannel(), uniqueChannel()];
    const listed = (id: string, text: string) => ({ id, accessHash: '1', title: text, username: text, pts: 1 });
    await store.upsertChannels('hostile', [listed(odd, HOSTILE), listed(plain, 'plain')]);
    const loaded = await store.loadChannels('hostile');
    expect(new Map(loaded.map(({ id, title, username }) => [id, [title, username]]))).toEqual(
      new Map([
        [odd, [CLEAN, CLEAN]],
        [plain, ['plain', 'plain']],
      ]),
    );
    // The same again is the same, whatever was cleaned.
    await store.upsertChannels('hostile', [listed(odd, HOSTILE)]);
    expect(await store.loadChannels('hostile')).toEqual(loaded);
  });

  it('R1 R4 NUL and SQL in text, media type, keys and values of metadata are text: in the row, its version and its event', async () => {
    const channel = uniqueChannel();
    const change = { text: HOSTILE, mediaType: HOSTILE, metadata: { [HOSTILE]: [HOSTILE, { [HOSTILE]: HOSTILE }] } };
    const first = await store.commitBatch({ messages: [ingestMessage(channel, 1, change)], cursors: [] });
    const edited = { ...change, text: `${HOSTILE} edited`, editDate: Math.floor(Date.UTC(2026, 10, 21) / 1_000) };
    const second = await store.commitBatch({ messages: [ingestMessage(channel, 1, edited)], cursors: [] });
    const columns = 'select text, media_type, metadata from telegram_gateway';
    const clean = { media_type: CLEAN, metadata: { [CLEAN]: [CLEAN, { [CLEAN]: CLEAN }] } };
    expect(await database.query(`${columns}.messages where channel_id = $1`, [channel])).toEqual([
      { text: CLEAN, ...clean },
    ]);
    expect(await database.query(`${columns}.message_versions where channel_id = $1`, [channel])).toEqual([
      { text: `${CLEAN} edited`, ...clean },
    ]);
    expect([...first.stored, ...second.stored].map(({ event }) => [event.text, event.mediaType])).toEqual([
      [CLEAN, CLEAN],
      [`${CLEAN} edited`, CLEAN],
    ]);
  });

  it('R7 SQL in the name of a worker and in the reason of a failure is text, from the claim to the outcome', async () => {
    const group = uniqueName('group');
    const [worker, channel] = [HOSTILE.replace('\0\ud800', ''), uniqueChannel()];
    await registerGroup(database.database, group, 'poll');
    const { stored } = await store.commitBatch({
      messages: [1, 2].map((id) => ingestMessage(channel, id)),
      cursors: [],
    });
    const [done, given] = stored.map(({ event }) => event);
    if (!done || !given) throw new Error('expected two events');
    const lease = { group, worker, limit: 10, visibilityMs: 60_000 };
    expect(await takeDueWork(database.database, lease)).toHaveLength(2);
    const claims = await claimDueWork(database.database, group, worker, [done]);
    const claim = claims.get(done.id);
    if (claim?.state !== 'claimed') throw new Error('expected a claim');
    await finishWork(database.database, group, worker, [{ event: done, fence: claim.fence, startedAt: new Date() }]);
    await failWork(database.database, group, worker, { event: given, error: HOSTILE, final: true });
    const rows = (text: string) => database.query(text, [group]);
    expect(
      await rows('select status, processed_by from telegram_gateway.message_outcomes where group_name = $1 order by 1'),
    ).toEqual([
      { status: 'failed', processed_by: worker },
      { status: 'processed', processed_by: worker },
    ]);
    expect(await rows('select last_error from telegram_gateway.message_work where group_name = $1')).toEqual([
      { last_error: CLEAN },
    ]);
  });

  it.each([
    ['NUL in a worker', { worker: 'w\0' }, 'worker: expected text, without U+0000'],
    ['no worker', { worker: '' }, 'worker: expected text, without U+0000'],
    ['NUL in a group', { group: 'g\0' }, 'group: expected lower-case letters'],
    ['SQL in a group', { group: "g'; drop table x; --" }, 'group: expected lower-case letters'],
    ['a wild card in a group', { group: 'g.*' }, 'group: expected lower-case letters'],
  ])('R7 %s is refused at once, and nothing is kept of it', async (_what, name, reason) => {
    const { group, worker } = { group: 'default', worker: 'w', ...name };
    const common = { mode: 'poll', database: database.database, queue: null, cache: null, logger: silent } as const;
    expect(() => new Consumer({ ...common, group, worker, handle: () => Promise.resolve() })).toThrow(reason);
    const groups = await database.count('consumer_groups');
    if (group !== 'default') await expect(registerGroup(database.database, group, 'poll')).rejects.toThrow();
    expect(await database.count('consumer_groups')).toBe(groups);
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
