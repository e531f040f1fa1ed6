import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  TelegramError,
  type ChannelInfo,
  type ChannelPage,
  type ChannelRef,
  type HistoryPage,
  type HistoryQuery,
  type TelegramPort,
} from '../../../runtime/telegram/client.js';
import { ChannelDiscovery } from '../../../runtime/telegram/discovery.js';
import { logger } from './support/bench.js';
import { MemoryStore } from './support/memory-store.js';
import { unlimited } from './support/plain.js';
import { waitFor } from './support/wait-for.js';

const channel = (id: string, more: Partial<ChannelInfo> = {}): ChannelInfo => ({
  ...{ id, accessHash: '1', title: `channel ${id}`, username: null, pts: 10, topMessageId: '5' },
  ...more,
});
const ALL = [channel('1'), channel('2'), channel('3')];

describe('discovery', () => {
  let stop: AbortController;
  let store: MemoryStore;
  /** What each listing finds, first one first; the last one is found again and again. */
  let listings: readonly (readonly ChannelInfo[])[];
  let complete: boolean;
  let listed: number;
  let discovery: ChannelDiscovery;
  /** By channel: the newest message before the time that is asked for. */
  let before: Readonly<Record<string, string | Error>>;
  let asked: { readonly id: string; readonly before: number | undefined }[];

  beforeEach(() => {
    stop = new AbortController();
    store = new MemoryStore();
    listings = [ALL];
    complete = true;
    listed = 0;
    before = {};
    asked = [];
    const port = {
      getChannels: (): Promise<ChannelPage> => {
        const channels = listings[Math.min(listed, listings.length - 1)] ?? [];
        listed += 1;
        return Promise.resolve({ channels, next: null, complete });
      },
      getHistory: ({ id }: ChannelRef, query: HistoryQuery): Promise<HistoryPage> => {
        asked.push({ id, before: query.before });
        const found = before[id] ?? null;
        return found instanceof Error
          ? Promise.reject(found)
          : Promise.resolve({ messages: [], lowestId: found, pts: null });
      },
    } as unknown as TelegramPort;
    discovery = new ChannelDiscovery({
      ...{ accountId: 'default', store, ingress: { sync: () => undefined }, first: { depth: 0 }, logger },
      ...{ budget: unlimited(() => port), port: () => port, signal: stop.signal },
      retryMs: { first: 1, longest: 5 },
    });
  });
  afterEach(() => {
    stop.abort();
  });

  const statuses = () => [...store.channels.values()].map(({ status }) => status);

  it('R2 takes nobody for left by a listing that is not complete', async () => {
    discovery.refresh();
    await waitFor('all are known', () => store.channels.size === 3);
    listings = [[channel('1')]];
    complete = false;
    for (let round = 1; round <= 4; round += 1) {
      const before = listed;
      discovery.refresh();
      await waitFor('one more listing', () => listed > before && discovery.ready);
    }
    expect(statuses()).toEqual(['active', 'active', 'active']);
  });

  it('R2 takes a channel for left when two listings lack it, of its own accord, and for joined when one has it', async () => {
    discovery.refresh();
    await waitFor('all are known', () => store.channels.size === 3);
    // A dialog that moved from one page to another while they were read.
    listings = [...ALL.map(() => ALL), [channel('1')], ALL];
    listed = 3;
    discovery.refresh();
    await waitFor('it was looked for again', () => listed >= 5);
    discovery.refresh();
    await waitFor('one more listing', () => listed >= 6);
    expect(statuses()).toEqual(['active', 'active', 'active']);

    listings = [[channel('1'), channel('3')]];
    discovery.refresh();
    await waitFor('the second listing', () => store.channels.get('2')?.status === 'left');
    expect(statuses()).toEqual(['active', 'left', 'active']);
    listings = [ALL];
    discovery.refresh();
    await waitFor('it is back', () => store.channels.get('2')?.status === 'active');
  });

  const announced = { channelId: '4', info: channel('4', { pts: null, topMessageId: null }) };

  it('R2 lists a channel whose first update does not tell where to begin', async () => {
    listings = [[...ALL, channel('4', { pts: 30, topMessageId: '9' })]];
    discovery.announce({ ...announced, pts: null, topMessageId: null });
    await waitFor('it is recorded', () => store.channels.has('4'));
    expect(store.channels.get('4')).toMatchObject({ pts: 30, lastMessageId: '9' });
  });

  it('R2 begins at the first update seen, and below the newest message where that one is no post', async () => {
    listings = [[channel('4', { pts: 30, topMessageId: '9' })]];
    discovery.announce({ ...announced, pts: 28, topMessageId: null });
    await waitFor('it is recorded', () => store.channels.has('4'));
    expect(store.channels.get('4')).toMatchObject({ pts: 28, lastMessageId: '9', reconciledId: '9' });
  });

  it('R2 records a channel that no list has as its update describes it, and one without a word about it from the list', async () => {
    discovery.announce({ ...announced, pts: 28, topMessageId: null });
    await waitFor('it is recorded', () => store.channels.has('4'));
    expect(store.channels.get('4')?.pts).toBe(28);
    const before = listed;
    discovery.announce({
      channelId: '5',
      info: channel('5', { pts: null, topMessageId: null }),
      pts: 3,
      topMessageId: '1',
    });
    await waitFor('it is recorded', () => store.channels.has('5'));
    expect(store.channels.get('5')).toMatchObject({ pts: 3, lastMessageId: '1' });
    expect(listed).toBe(before);
  });

  describe('what was posted since the account joined', () => {
    const SINCE = new Date('2026-11-01T00:00:00Z');
    const seconds = (text: string) => Date.parse(text) / 1_000;
    const joined = (id: string, joinedAt: number | null) => channel(id, { joinedAt, topMessageId: '50' });
    const backfill = (id: string) => store.channels.get(id)?.backfill;

    it('R2 is read of a channel that was joined after the first listing, and of no other', async () => {
      store.accountSince = SINCE;
      before = { '1': '40', '2': '30' };
      const [late, early] = [seconds('2026-11-02T00:00:00Z'), seconds('2026-10-01T00:00:00Z')];
      listings = [[joined('1', late), joined('2', early), joined('3', null)]];
      discovery.refresh();
      await waitFor('all are known', () => store.channels.size === 3);
      expect(backfill('1')).toEqual({ nextId: '51', untilId: '40' });
      expect([backfill('2'), backfill('3')]).toEqual([null, null]);
      expect(asked).toEqual([{ id: '1', before: late }]);
      // Known channels are not asked again.
      const seen = listed;
      discovery.refresh();
      await waitFor('one more listing', () => listed > seen && discovery.ready);
      expect(asked).toHaveLength(1);
    });

    it('R2 is nothing at the first listing of an account, and is no hindrance where a channel cannot be asked', async () => {
      const late = seconds('2026-11-02T00:00:00Z');
      listings = [[joined('1', late)], [joined('1', late), joined('2', late), joined('3', late)]];
      discovery.refresh();
      await waitFor('the first is known', () => store.channels.size === 1);
      expect(asked).toEqual([]);
      store.accountSince = SINCE;
      before = { '2': new TelegramError('channel-gone', 'CHANNEL_PRIVATE') };
      discovery.refresh();
      await waitFor('all are known', () => store.channels.size === 3);
      // With nothing before the joining, it was there from the beginning.
      expect([backfill('2'), backfill('3')]).toEqual([null, { nextId: '51', untilId: '1' }]);
    });
  });
});
