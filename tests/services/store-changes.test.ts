import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { ChannelMarks, IngestDeletion, IngestMessage } from '../../runtime/ingest/message-store.js';
import { takeLease } from '../../runtime/store/lease.js';
import { claimOutbox } from '../../runtime/store/outbox.js';
import { TelegramStore } from '../../runtime/store/telegram-store.js';
import { ingestMessage, range } from '../support/messages.js';
import { describeOnEachEngine, TestDatabase, uniqueChannel } from '../support/services.js';

/** Edits, deletions and marks, as the database keeps them. */
describeOnEachEngine('commitBatch with changes', (engine) => {
  let database: TestDatabase;
  let store: TelegramStore;

  beforeAll(async () => {
    database = await TestDatabase.migrated(engine);
    store = new TelegramStore(database.database);
  });
  afterAll(() => database.drop());

  const EDITED = Math.floor(Date.UTC(2026, 10, 21) / 1_000);
  const edit = (channel: string, id: number, text: string, second = 0) =>
    ingestMessage(channel, id, { text, editDate: EDITED + second });
  const deletion = (channelId: string, id: number): IngestDeletion => ({
    accountId: 'test',
    channelId,
    messageId: String(id),
    source: 'push',
    receivedAt: new Date('2026-11-21T00:00:01.234Z'),
    pts: null,
  });
  const commit = (messages: readonly IngestMessage[], deletions: readonly IngestDeletion[] = []) =>
    store.commitBatch({ messages, deletions, cursors: [] });
  const ids = (result: Awaited<ReturnType<typeof commit>>) => result.stored.map(({ event }) => event.id);

  it('R4 keeps an edit as a version with its event, its work and its place in the outbox', async () => {
    const channel = uniqueChannel();
    await commit([ingestMessage(channel, 1)]);
    const result = await commit([edit(channel, 1, 'second'), edit(channel, 1, 'third', 1)]);
    expect(ids(result)).toEqual([`message.edited:${channel}:1:2`, `message.edited:${channel}:1:3`]);
    expect(result.stored[1]?.event).toMatchObject({
      text: 'third',
      postedAt: '2026-11-20T00:00:01.000Z',
      editedAt: '2026-11-21T00:00:01.000Z',
    });
    const versions = await database.query(
      'select version, text, edited_at, posted_at from telegram_gateway.message_versions where channel_id = $1 order by 1',
      [channel],
    );
    expect(versions).toMatchObject([
      { version: 2, text: 'second', posted_at: new Date('2026-11-20T00:00:01Z') },
      { version: 3, text: 'third', edited_at: new Date('2026-11-21T00:00:01Z') },
    ]);
    const [original] = await database.query('select text from telegram_gateway.messages where channel_id = $1', [
      channel,
    ]);
    expect(original).toEqual({ text: 'message 1' });
    const work = await database.query(
      'select kind, version from telegram_gateway.message_work where channel_id = $1 order by version',
      [channel],
    );
    expect(work).toEqual([
      { kind: 'message.created', version: 1 },
      { kind: 'message.edited', version: 2 },
      { kind: 'message.edited', version: 3 },
    ]);
  });

  it('R4 takes views, reactions and repeats for no edit, and an older copy for nothing', async () => {
    const channel = uniqueChannel();
    const entities = [{ _: 'MessageEntityBold', offset: 0, length: 3 }];
    const copy = (text: string, second: number, more: object) =>
      ingestMessage(channel, 1, { text, editDate: EDITED + second, metadata: { entities, ...more } });
    await commit([ingestMessage(channel, 1, { text: 'first', metadata: { entities } })]);
    expect(ids(await commit([copy('first', 0, { views: 7, reactions: { count: 1 } })]))).toEqual([]);
    expect(ids(await commit([copy('second', 5, {})]))).toHaveLength(1);
    const late = await commit([copy('second', 5, { views: 9 }), copy('older', 4, {}), ingestMessage(channel, 1)]);
    expect(late).toEqual({ stored: [], duplicates: 3 });
    expect(ids(await commit([copy('first', 6, {})]))).toEqual([`message.edited:${channel}:1:3`]);
  });

  it('R4 takes an edit of a message never seen, or a first copy edited already, as version 1', async () => {
    const channel = uniqueChannel();
    const result = await commit([edit(channel, 9, 'edited before we came')]);
    expect(ids(result)).toEqual([`message.created:${channel}:9:1`]);
    const [row] = await database.query('select text, edited_at from telegram_gateway.messages where channel_id = $1', [
      channel,
    ]);
    expect(row).toEqual({ text: 'edited before we came', edited_at: new Date('2026-11-21T00:00:00Z') });
    expect(ids(await commit([edit(channel, 9, 'again', 3)]))).toEqual([`message.edited:${channel}:9:2`]);
  });

  it('R4 keeps a deletion as a tombstone with one event, also of a message never seen', async () => {
    const channel = uniqueChannel();
    await commit([ingestMessage(channel, 1), edit(channel, 2, 'two')]);
    await commit([edit(channel, 1, 'one, edited')]);
    const result = await commit([], [deletion(channel, 1), deletion(channel, 2), deletion(channel, 3)]);
    expect(ids(result)).toEqual(
      [1, 2, 3].map((id, index) => `message.deleted:${channel}:${String(id)}:${String([3, 2, 1][index])}`),
    );
    expect(result.stored.map(({ event }) => event.postedAt)).toEqual([
      '2026-11-20T00:00:01.000Z',
      '2026-11-20T00:00:02.000Z',
      null,
    ]);
    expect(await commit([], [deletion(channel, 1), deletion(channel, 3)])).toEqual({ stored: [], duplicates: 2 });
    const late = await commit([ingestMessage(channel, 3), edit(channel, 1, 'late', 9), ingestMessage(channel, 2)]);
    expect(late).toEqual({ stored: [], duplicates: 3 });
  });

  it('R4 finds the date of a deleted message, however old it is', async () => {
    const channel = uniqueChannel();
    const years = (count: number) => Math.floor(Date.UTC(2026 - count, 0, 1) / 1_000);
    await commit([ingestMessage(channel, 1, { date: years(3) }), ingestMessage(channel, 2, { date: years(-1) })]);
    const { stored } = await commit([], [deletion(channel, 1), deletion(channel, 2)]);
    expect(stored.map(({ event }) => [event.version, event.postedAt])).toEqual([
      [2, '2023-01-01T00:00:00.000Z'],
      [2, '2027-01-01T00:00:00.000Z'],
    ]);
  });

  it('R4 stores post, edit and deletion of one batch in their order', async () => {
    const channel = uniqueChannel();
    const result = await commit(
      [ingestMessage(channel, 1), edit(channel, 1, 'b'), ingestMessage(channel, 2), edit(channel, 1, 'b', 1)],
      [deletion(channel, 1)],
    );
    expect(ids(result)).toEqual([
      `message.created:${channel}:1:1`,
      `message.edited:${channel}:1:2`,
      `message.created:${channel}:2:1`,
      `message.deleted:${channel}:1:3`,
    ]);
    expect(result.duplicates).toBe(1);
    const positions = result.stored.map(({ outboxId }) => BigInt(outboxId));
    expect(positions.toSorted((a, b) => (a < b ? -1 : 1))).toEqual(positions);
  });

  it('R3 repeats a batch whose answer was lost without a second version', async () => {
    const channel = uniqueChannel();
    const messages = ['a', 'b', 'a'].map((text, index) => ({ ...edit(channel, 1, text), pts: index + 1 }));
    const cursors = [{ accountId: 'test', channelId: channel, pts: 3, lastMessageId: '1' }];
    const first = await store.commitBatch({ messages, cursors });
    expect(ids(first)).toHaveLength(3);
    expect(await store.commitBatch({ messages, cursors })).toEqual({ stored: [], duplicates: 3 });
  });

  it('R3 reads edits and deletions from the outbox as the events that were stored', async () => {
    const channel = uniqueChannel();
    const account = uniqueChannel();
    const mine = <T extends object>(item: T) => ({ ...item, accountId: account });
    const { stored } = await commit(
      [ingestMessage(channel, 1, { mediaType: 'photo' }), edit(channel, 1, 'b\0')].map(mine),
      [deletion(channel, 1), deletion(channel, 5)].map(mine),
    );
    expect(stored).toHaveLength(4);
    const claimed = await claimOutbox(database.database, { accountId: account, minAgeMs: 0, limit: 10, exclude: [] });
    // To every group.
    expect(claimed).toEqual({ events: stored.map((row) => ({ ...row, group: null })), orphans: [] });
  });

  it('R2 moves marks with the data, and pts also back when the channel has lost it', async () => {
    const channel = uniqueChannel();
    await store.upsertChannels('test', [
      { id: channel, accessHash: '1', title: 'x', username: null, pts: 500, topMessageId: '90' },
    ]);
    const load = async () => (await store.loadChannels('test')).find(({ id }) => id === channel);
    const mark = (marks: Partial<ChannelMarks>) =>
      store.commitBatch({
        messages: [ingestMessage(channel, 88)],
        cursors: [],
        marks: [{ accountId: 'test', channelId: channel, ...marks }],
      });
    expect(await load()).toMatchObject({ pts: 500, lastMessageId: '90', reconciledId: '90', backfill: null });
    await mark({ pts: 400, backfill: { nextId: '100', untilId: '90' } });
    expect(await load()).toMatchObject({ pts: 400, backfill: { nextId: '100', untilId: '90' } });
    await mark({ reconciledId: '95', holes: ['7', '8'] });
    expect(await load()).toMatchObject({ pts: 400, backfill: { nextId: '100', untilId: '90' }, reconciledId: '95' });
    expect(await store.loadHoles('test')).toEqual(new Map([[channel, ['7', '8']]]));
    await mark({ backfill: null, mended: ['7'] });
    expect(await load()).toMatchObject({ backfill: null });
    expect(await store.loadHoles('test')).toEqual(new Map([[channel, ['8']]]));
    const [row] = await database.query(
      'select backfill_finished_at is not null as finished from telegram_gateway.channels where channel_id = $1',
      [channel],
    );
    expect(row).toEqual({ finished: true });
  });

  it('R2 begins a new channel with the history that is wanted', async () => {
    const [deep, shallow] = [uniqueChannel(), uniqueChannel()];
    const info = (id: string, topMessageId: string | null) => ({
      ...{ id, accessHash: '1', title: 'x', username: null, pts: 5 },
      topMessageId,
    });
    await store.upsertChannels('depth', [info(deep, '1000'), info(shallow, '40')], { depth: 100 });
    expect((await store.loadChannels('depth')).map(({ id, backfill }) => [id, backfill]).toSorted()).toEqual(
      [
        [deep, { nextId: '1001', untilId: '900' }],
        [shallow, { nextId: '41', untilId: '0' }],
      ].toSorted(),
    );
  });

  it('R2 begins a channel that the account joined with what was posted since, beside the depth that is wanted', async () => {
    const [joined, both, nothing] = [uniqueChannel(), uniqueChannel(), uniqueChannel()];
    const info = (id: string, unreadAfterId: string | null) => ({
      ...{ id, accessHash: '1', title: 'x', username: null, pts: 5, topMessageId: '1000' },
      unreadAfterId,
    });
    const account = uniqueChannel();
    expect(await store.loadAccountSince(account)).toBeNull();
    // Also an account without a channel is known from its first listing on.
    await store.upsertChannels(account, []);
    const since = await store.loadAccountSince(account);
    expect(since?.getTime()).toBeGreaterThan(Date.now() - 3_600_000);
    await store.upsertChannels(account, [info(joined, '990'), info(nothing, '1000')]);
    await store.upsertChannels(account, [info(both, '990')], { depth: 100 });
    const begun = new Map((await store.loadChannels(account)).map((channel) => [channel.id, channel]));
    expect(begun.get(joined)).toMatchObject({ pts: 5, backfill: { nextId: '1001', untilId: '990' } });
    expect(begun.get(both)?.backfill).toEqual({ nextId: '1001', untilId: '900' });
    expect(begun.get(nothing)?.backfill).toBeNull();
    // One that was read already is not read again.
    await store.commitBatch({
      messages: [],
      cursors: [],
      marks: [{ accountId: account, channelId: joined, backfill: null }],
    });
    await store.upsertChannels(account, [info(joined, '0')]);
    expect((await store.loadChannels(account)).find(({ id }) => id === joined)?.backfill).toBeNull();
    expect(await store.loadAccountSince(account)).toEqual(since);
  });

  it('S5 writes nothing of what was read once another gateway has taken the account over', async () => {
    const account = uniqueChannel();
    const [one, two] = [uniqueChannel(), uniqueChannel()];
    const info = (id: string) => ({ id, accessHash: '1', title: 'x', username: null, pts: 5 });
    const taken = await takeLease(database.database, account, 'here 1', 60_000);
    const fence = taken.taken ? taken.fence : null;
    const mine = new TelegramStore(database.database, () => fence);
    const state = { pts: 5, qts: 1, date: 1_700_000_000, seq: 3 };
    await mine.upsertChannels(account, [info(one)]);
    await mine.saveCommonState(account, state);
    expect((await takeLease(database.database, account, 'here 2', 60_000)).taken).toBe(true);
    for (const write of [
      () => mine.upsertChannels(account, [info(two)]),
      () => mine.setChannelStatus(account, [one], 'gone'),
      () => mine.saveCommonState(account, { ...state, pts: 6 }),
    ])
      await expect(write()).rejects.toMatchObject({ code: 'LEASE_LOST' });
    expect((await mine.loadChannels(account)).map(({ id, status }) => [id, status])).toEqual([[one, 'active']]);
    expect(await mine.loadCommonState(account)).toEqual(state);
  });

  it('R2 names the stored ids of a range, without the deleted ones', async () => {
    const channel = uniqueChannel();
    await commit(
      range(9).map((id) => ingestMessage(channel, id)),
      [deletion(channel, 4)],
    );
    expect(await store.storedIds(channel, '2', '7', 100)).toEqual(['3', '5', '6', '7']);
    expect(await store.storedIds(channel, '0', '9', 2)).toEqual(['8', '9']);
  });

  it('R2 keeps the common box and the flood waits of an account', async () => {
    const account = uniqueChannel();
    expect(await store.loadCommonState(account)).toBeNull();
    const state = { pts: 5, qts: 1, date: 1_700_000_000, seq: 3 };
    await store.saveCommonState(account, state);
    expect(await store.loadCommonState(account)).toEqual(state);
    const later = new Date(Date.now() + 3_600_000);
    await store.saveFloodWait(account, 'history', later);
    await store.saveFloodWait(account, 'history', new Date());
    await store.saveFloodWait(account, 'difference', new Date(Date.now() - 1_000));
    expect(await store.loadFloodWaits(account)).toEqual(new Map([['history', later]]));
  });

  it('R2 tells a channel that is gone from one that a person has paused', async () => {
    const [one, two] = [uniqueChannel(), uniqueChannel()];
    const info = (id: string) => ({ id, accessHash: '1', title: 'x', username: null, pts: 5 });
    await store.upsertChannels('life', [info(one), info(two)]);
    await database.query("update telegram_gateway.channels set status = 'paused' where channel_id = $1", [two]);
    await store.setChannelStatus('life', [one, two], 'gone');
    const statuses = async () =>
      new Map((await store.loadChannels('life')).map(({ id, status }) => [id, status] as const));
    expect(await statuses()).toEqual(
      new Map([
        [one, 'gone'],
        [two, 'paused'],
      ]),
    );
    await store.upsertChannels('life', [info(one), info(two)]);
    expect((await statuses()).get(one)).toBe('active');
    expect((await statuses()).get(two)).toBe('paused');
  });
});
