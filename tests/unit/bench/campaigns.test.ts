import { describe, expect, it } from '@jest/globals';
import { CAMPAIGN_NAMES, inTurn } from '../../../bench/campaigns/list.js';
import { campaignTable, type CampaignReport } from '../../../bench/campaigns/report.js';
import { seen } from '../../../bench/campaigns/seen.js';

/** Posts by id: when it was made, and when it was handled. */
function story(posts: Readonly<Record<string, readonly [at: number, handledAt: number | null]>>) {
  const entries = Object.entries(posts);
  return {
    postedAt: new Map(entries.map(([id, [at]]) => [`1:${id}`, at])),
    handledAt: new Map(
      entries.flatMap(([id, [, at]]) => (at === null ? [] : [[`message.created:1:${id}:1`, at] as const])),
    ),
  };
}

describe('campaigns', () => {
  it('N6 make one trouble after the other, each with its calm before and after', () => {
    const { troubles, durationMs } = inTurn(['redis-killed', 'unit-killed'], 20_000);
    expect(troubles.map(({ atMs, what }) => [what.kind, atMs])).toEqual([
      ['redis-killed', 20_000],
      ['unit-killed', 48_000],
    ]);
    expect(durationMs).toBe(68_000);
  });

  it('N6 know every outage that an operator asks of', () => {
    expect(CAMPAIGN_NAMES).toEqual(
      expect.arrayContaining(['redis-killed', 'redis-paused', 'redis-partitioned', 'unit-killed', 'host-rebooted']),
    );
    expect(CAMPAIGN_NAMES).toEqual(
      expect.arrayContaining(['timescaledb-restarted', 'pgbouncer-restarted', 'rabbitmq-restarted']),
    );
    expect(CAMPAIGN_NAMES).toEqual(expect.arrayContaining(['rabbitmq-out-of-disk', 'clock-jump']));
  });

  it('N6 tell what the consumer saw of each: silence, delay, and what came late', () => {
    const troubles = [
      { kind: 'unit-killed', from: 1_000, at: 1_200 },
      { kind: 'redis-killed', from: 10_000, at: 18_000 },
    ];
    const posts = story({
      1: [900, 950],
      2: [1_100, 6_000],
      3: [1_300, 6_100],
      4: [7_000, 7_010],
      5: [11_000, 11_020],
      6: [18_500, null],
      7: [19_000, 19_040],
    });
    expect(seen({ troubles, ...posts }, 20_000)).toEqual([
      {
        ...{ name: 'unit-killed', troubleMs: 200, posted: 3, late: 2 },
        ...{ worstMs: 4_900, silentMs: 5_000, backMs: 4_900 },
      },
      {
        ...{ name: 'redis-killed', troubleMs: 8_000, posted: 3, late: 0 },
        ...{ worstMs: 40, silentMs: 8_020, backMs: 1_040 },
      },
    ]);
  });

  it('N6 tell nothing of what came back where nothing was posted after it', () => {
    const [only] = seen({ troubles: [{ kind: 'x', from: 0, at: 500 }], ...story({ 1: [100, 110] }) }, 1_000);
    expect(only).toMatchObject({ posted: 1, backMs: null });
  });

  it('N6 print a line a trouble, in seconds', () => {
    const seenOfRedis = { name: 'redis-killed', troubleMs: 8_000, posted: 3, late: 0, worstMs: 40, silentMs: 20 };
    const report: CampaignReport = {
      ...{ seed: 1, rate: 50, seconds: 60, posted: 3, stored: 3, lost: 0, published: 3, handled: 3 },
      ...{ duplicatedEffects: 0, gatewayMb: { before: 1, after: 2 }, machine: { cpus: 2, loadBefore: 0 } },
      campaigns: [
        {
          ...seenOfRedis,
          ...{ backMs: 30, cache: { promotedMs: 2_100, writes: 400, errors: 9, lost: 1 } },
        },
      ],
    };
    const [head, row, , cache] = campaignTable(report).split('\n');
    expect(head?.split(/ {2,}/)).toHaveLength(7);
    expect(row?.split(/ {2,}/)).toEqual(['redis-killed', '8.0', '0.0', '0.0', '0.0', '3', '0']);
    expect(cache).toBe('redis-killed: written again after 2.1 s, 9 of 400 writes failed, 1 confirmed entries lost');
  });
});
