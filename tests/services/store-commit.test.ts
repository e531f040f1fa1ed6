import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { IngestMessage } from '../../runtime/ingest/message-store.js';
import { claimOutbox, outboxStats, removeFromOutbox } from '../../runtime/store/outbox.js';
import { TelegramStore } from '../../runtime/store/telegram-store.js';
import { ingestMessage, range } from '../support/messages.js';
import { describeOnEachEngine, TestDatabase, uniqueChannel } from '../support/services.js';

describeOnEachEngine('commitBatch', (engine) => {
  let database: TestDatabase;
  let store: TelegramStore;

  beforeAll(async () => {
    database = await TestDatabase.migrated(engine);
    store = new TelegramStore(database.database);
  });
  afterAll(() => database.drop());

  const commit = (messages: readonly IngestMessage[]) => store.commitBatch({ messages, cursors: [] });

  it('R3 stores message, work row, outbox row and cursor in one statement, and returns them in order', async () => {
    const channel = uniqueChannel();
    const messages = range(500).map((id) => ingestMessage(channel, id));
    const cursors = [{ accountId: 'test', channelId: channel, pts: 700, lastMessageId: '500' }];
    const { stored, duplicates } = await store.commitBatch({ messages, cursors });
    expect(duplicates).toBe(0);
    expect(stored.map(({ event }) => event.messageId)).toEqual(range(500).map(String));
    const ids = stored.map(({ outboxId }) => BigInt(outboxId));
    expect([...ids].sort((a, b) => (a < b ? -1 : 1))).toEqual(ids);
    expect(stored[0]?.event).toMatchObject({
      v: 1,
      id: `message.created:${channel}:1:1`,
      kind: 'message.created',
      version: 1,
      text: 'message 1',
      source: 'push',
    });
    const [counts] = await database.query(
      `select (select count(*)::integer from telegram_gateway.messages where channel_id = $1) as messages,
              (select count(*)::integer from telegram_gateway.message_work where channel_id = $1) as work,
              (select count(*)::integer from telegram_gateway.outbox where channel_id = $1) as outbox,
              (select pts from telegram_gateway.channels where channel_id = $1) as pts`,
      [channel],
    );
    expect(counts).toEqual({ messages: 500, work: 500, outbox: 500, pts: 700 });
  });

  it('R3 counts repeats, within a batch and later, and stores each message once', async () => {
    const channel = uniqueChannel();
    const first = await commit([1, 2, 2, 3, 1].map((id) => ingestMessage(channel, id)));
    expect(first.stored.map(({ event }) => event.messageId)).toEqual(['1', '2', '3']);
    expect(first.duplicates).toBe(2);
    const second = await commit([3, 4].map((id) => ingestMessage(channel, id)));
    expect(second.stored.map(({ event }) => event.messageId)).toEqual(['4']);
    expect(second.duplicates).toBe(1);
  });

  it('R3 stores each message once when the same batch is committed eight times at once', async () => {
    const channel = uniqueChannel();
    const messages = range(100).map((id) => ingestMessage(channel, id));
    const results = await Promise.all(range(8).map(() => commit(messages)));
    expect(results.reduce((sum, result) => sum + result.stored.length, 0)).toBe(100);
    const [row] = await database.query('select count(*)::integer from telegram_gateway.outbox where channel_id = $1', [
      channel,
    ]);
    expect(row).toEqual({ count: 100 });
  });

  it('R4 does not bring a deleted message back to life', async () => {
    const channel = uniqueChannel();
    await database.query(
      `insert into telegram_gateway.message_tombstones (channel_id, message_id, account_id, deleted_at, source)
       values ($1, 2, 'test', now(), 'push')`,
      [channel],
    );
    const { stored, duplicates } = await commit([1, 2, 3].map((id) => ingestMessage(channel, id)));
    expect(stored.map(({ event }) => event.messageId)).toEqual(['1', '3']);
    expect(duplicates).toBe(1);
  });

  it('R1 strips what PostgreSQL cannot hold, alike in row and event, and keeps every script', async () => {
    const channel = uniqueChannel();
    const text = 'nul\0 half \ud83d. 👩‍👩‍👧‍👦 Zażółć 漢字 \\u0000 "quoted", {braces}\n';
    const metadata = { 'ke\0y': ['\0', '\ud800', 'x'], big: '9223372036854775807' };
    const { stored } = await commit([
      ingestMessage(channel, 1, { text, metadata, mediaType: 'photo', senderId: '-5' }),
    ]);
    const clean = 'nul half \ufffd. 👩‍👩‍👧‍👦 Zażółć 漢字 \\u0000 "quoted", {braces}\n';
    expect(stored[0]?.event.text).toBe(clean);
    const [row] = await database.query(
      'select text, metadata, media_type, sender_id, raw from telegram_gateway.messages where channel_id = $1',
      [channel],
    );
    expect(row).toEqual({
      text: clean,
      metadata: { key: ['', '\ufffd', 'x'], big: '9223372036854775807' },
      media_type: 'photo',
      sender_id: '-5',
      raw: Buffer.from([1, 2, 3]),
    });
  });

  it('R2 never moves a cursor back, nor at all when the batch is refused', async () => {
    const channel = uniqueChannel();
    const cursor = (pts: number, lastMessageId: string | null) =>
      store.commitBatch({ messages: [], cursors: [{ accountId: 'test', channelId: channel, pts, lastMessageId }] });
    const position = async () => {
      const [row] = await database.query<{ pts: number; last: string }>(
        'select pts, last_message_id as last from telegram_gateway.channels where channel_id = $1',
        [channel],
      );
      return row;
    };
    await cursor(10, '5');
    await cursor(9, '4');
    await cursor(11, null);
    expect(await position()).toEqual({ pts: 11, last: '5' });
    const bad = ingestMessage(channel, 1, { kind: 'nonsense' as 'message' });
    const refused = store.commitBatch({
      messages: [bad],
      cursors: [{ accountId: 'test', channelId: channel, pts: 12, lastMessageId: '6' }],
    });
    await expect(refused).rejects.toMatchObject({ code: '23514' });
    expect(await position()).toEqual({ pts: 11, last: '5' });
    await store.commitBatch({
      messages: [],
      cursors: [14, 13].map((pts) => ({ accountId: 'test', channelId: channel, pts, lastMessageId: '9' })),
    });
    expect(await position()).toEqual({ pts: 14, last: '9' });
  });

  it('R7 gives every active group its own work row', async () => {
    const channel = uniqueChannel();
    await database.query(
      "insert into telegram_gateway.consumer_groups (group_name, mode, active) values ('second', 'poll', true), ('off', 'poll', false)",
    );
    await commit([ingestMessage(channel, 1)]);
    const groups = await database.query<{ group_name: string }>(
      'select group_name from telegram_gateway.message_work where channel_id = $1 order by 1',
      [channel],
    );
    expect(groups.map((row) => row.group_name)).toEqual(['default', 'second']);
    await database.query("delete from telegram_gateway.consumer_groups where group_name <> 'default'");
  });

  it('R3 reads the outbox as the events that were stored, oldest first, without what the caller holds', async () => {
    const channel = uniqueChannel();
    const receivedAt = new Date('2026-11-20T10:11:12.345Z');
    const account = uniqueChannel();
    const { stored } = await commit(
      range(5).map((id) => ({ ...ingestMessage(channel, id, {}, receivedAt), accountId: account })),
    );
    const claim = (minAgeMs: number, limit: number, exclude: readonly string[]) =>
      claimOutbox(database.database, { accountId: account, minAgeMs, limit, exclude });
    // To every group.
    const events = stored.map((row) => ({ ...row, group: null }));
    expect(await claim(0, 10, [])).toEqual({ events, orphans: [] });
    expect((await claim(0, 2, [stored[0]?.outboxId ?? ''])).events).toEqual(events.slice(1, 3));
    expect((await claim(60_000, 10, [])).events).toEqual([]);
    expect((await outboxStats(database.database, account)).pending).toBe(5);
    await removeFromOutbox(
      database.database,
      stored.map((row) => row.outboxId),
    );
    expect(await outboxStats(database.database, account)).toEqual({ pending: 0, age: 0 });
  });
});

describeOnEachEngine('channels', (engine) => {
  let database: TestDatabase;
  let store: TelegramStore;

  beforeAll(async () => {
    database = await TestDatabase.migrated(engine);
    store = new TelegramStore(database.database);
  });
  afterAll(() => database.drop());

  const info = (id: string, title: string, pts: number | null) => ({
    id,
    accessHash: '-42',
    title,
    username: null,
    pts,
  });

  it('Q2 keeps a pts once it is known, and takes a new title', async () => {
    await store.upsertChannels('one', [info('1', 'Old', null), info('2', 'Two', 5)]);
    await store.upsertChannels('one', [info('1', 'New', 7), info('2', 'Two', 9)]);
    const common = {
      ...{ accountId: 'one', accessHash: '-42', username: null, lastMessageId: null, status: 'active' },
      ...{ reconciledId: null, backfill: null },
    };
    expect((await store.loadChannels('one')).filter(({ id }) => id !== '3')).toEqual([
      { ...common, id: '1', title: 'New', pts: 7 },
      { ...common, id: '2', title: 'Two', pts: 5 },
    ]);
  });

  it('R13 leaves a channel with its owner', async () => {
    await store.upsertChannels('one', [info('3', 'Mine', 1)]);
    await store.upsertChannels('other', [info('3', 'Theirs', 9)]);
    await store.commitBatch({
      messages: [],
      cursors: [{ accountId: 'other', channelId: '3', pts: 9, lastMessageId: '1' }],
    });
    expect(await store.loadChannels('other')).toEqual([]);
    expect((await store.loadChannels('one')).find((channel) => channel.id === '3')).toMatchObject({
      title: 'Mine',
      pts: 1,
    });
  });
});
