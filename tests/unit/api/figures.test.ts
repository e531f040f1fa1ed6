import { describe, expect, it } from '@jest/globals';
import { bucketsOf, parseExposition, quantileBetween, sumOf } from '../../../runtime/api/status/exposition.js';
import { figuresBetween } from '../../../runtime/api/status/figures.js';
import { sourceUrls, type Readings } from '../../../runtime/api/status/sources.js';

const consumer = (fast: number, slow: number) =>
  parseExposition(
    [
      '# TYPE telegram_end_to_end_latency_seconds histogram',
      `telegram_end_to_end_latency_seconds_bucket{le="0.005"} ${String(fast)}`,
      `telegram_end_to_end_latency_seconds_bucket{le="0.01"} ${String(fast + slow)}`,
      `telegram_end_to_end_latency_seconds_bucket{le="+Inf"} ${String(fast + slow)}`,
      `telegram_messages_consumed_total{group="default",mode="queue"} ${String(fast + slow)}`,
      `telegram_cache_hits_total 3`,
    ].join('\n'),
  );
const gateway = (stored: number) =>
  parseExposition(
    `telegram_messages_stored_total ${String(stored)}\ntelegram_outbox_pending 4\ntelegram_gap_recovered_total 7\n`,
  );
const at = (seconds: number, readings: Partial<Readings>): Readings => ({
  at: seconds * 1_000,
  gateways: [{ account: '', samples: null }],
  consumer: null,
  broker: null,
  api: [],
  ...readings,
});

const of = (...samples: readonly (ReturnType<typeof gateway> | null)[]) =>
  samples.map((each, n) => ({ account: n === 0 ? '' : `account-${String(n)}`, samples: each }));

describe('figures of the status page', () => {
  it('R9 reads the text format: labels with commas and quotes, exponents, comments', () => {
    const text = '# HELP a b\na{x="1,2",y="say \\"hi\\" {}"} 1.5e3 1700000000\nb -1\nnonsense\n';
    expect(parseExposition(text)).toEqual([
      { name: 'a', labels: { x: '1,2', y: String.raw`say \"hi\" {}` }, value: 1_500 },
      { name: 'b', labels: {}, value: -1 },
    ]);
    expect(sumOf(parseExposition('a{q="1"} 1\na{q="2"} 2'), 'a')).toBe(3);
    expect(sumOf(parseExposition('a{q="1"} 1\na{q="2"} 2'), 'a', { q: '2' })).toBe(2);
    expect(sumOf([], 'a')).toBeNull();
  });

  it('R9 reckons a quantile of what came in between, as Prometheus does', () => {
    const name = 'telegram_end_to_end_latency_seconds';
    const between = (q: number) =>
      quantileBetween(bucketsOf(consumer(10, 0), name), bucketsOf(consumer(60, 50), name), q);
    expect(between(0.5)).toBeCloseTo(0.005);
    expect(between(0.25)).toBeCloseTo(0.0025);
    expect(between(0.75)).toBeCloseTo(0.0075);
    expect(quantileBetween(bucketsOf(consumer(1, 1), name), bucketsOf(consumer(1, 1), name), 0.5)).toBeNull();
  });

  it('R9 gives rates, depths and recovered messages, and nothing for who does not answer', () => {
    const before = at(0, { gateways: of(gateway(100)), consumer: consumer(0, 0) });
    const figures = figuresBetween(before, at(2, { gateways: of(gateway(150)), consumer: consumer(20, 0) }));
    expect(figures).toMatchObject({ storedPerSecond: 25, consumedPerSecond: 10, outboxDepth: 4, recovered: 7 });
    expect(figures).toMatchObject({ queueDepth: null, cacheHitRate: null });
    expect(figuresBetween(before, at(2, {}))).toMatchObject({
      storedPerSecond: null,
      latencyP50Ms: null,
      outboxDepth: null,
    });
  });

  it('R9 takes a counter that fell for one that began anew', () => {
    const figures = figuresBetween(at(0, { gateways: of(gateway(100)) }), at(2, { gateways: of(gateway(10)) }));
    expect(figures.storedPerSecond).toBe(5);
  });

  it('R9 R13 adds up the gateways of several accounts, and one that does not answer takes nothing from the others', () => {
    const before = at(0, { gateways: of(gateway(100), gateway(1_000)) });
    expect(figuresBetween(before, at(2, { gateways: of(gateway(150), gateway(1_010)) }))).toMatchObject({
      storedPerSecond: 30,
      outboxDepth: 8,
      recovered: 14,
    });
    expect(figuresBetween(before, at(2, { gateways: of(gateway(150), null) }))).toMatchObject({
      storedPerSecond: 25,
      outboxDepth: 4,
      recovered: 7,
    });
  });

  it('R9 R13 asks the gateway of each account that is named, the default one without a name', () => {
    const asked = (TELEGRAM_STATUS_GATEWAY: string) =>
      sourceUrls({ TELEGRAM_STATUS_GATEWAY, TELEGRAM_STATUS_CONSUMER: '', TELEGRAM_STATUS_BROKER: '' }).gateways;
    expect(asked('')).toEqual([]);
    expect(asked('10.0.0.5:4006,second=10.0.0.5:4007')).toEqual([
      { account: '', url: 'http://10.0.0.5:4006/metrics' },
      { account: 'second', url: 'http://10.0.0.5:4007/metrics' },
    ]);
  });
});
