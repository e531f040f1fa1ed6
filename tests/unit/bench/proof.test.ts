import { describe, expect, it } from '@jest/globals';
import { shortcomings } from '../../../bench/chaos/proof.js';
import { makeSchedule } from '../../../bench/chaos/schedule.js';
import { EVERY_S, FIXED_SEED, MINUTES } from '../../support/short-chaos.js';

const GOOD = { posted: 7, faults: { kick: 1 }, findings: [], unimplemented: [] };

describe('N8 a run of chaos', () => {
  it('N8 proves something', () => {
    expect(shortcomings(GOOD)).toEqual([]);
  });

  it.each([
    ['without a post', { posted: 0 }],
    ['without a trouble', { faults: {} }],
    ['whose troubles all met nothing', { faults: { kick: 0 } }],
  ])('N8 %s proves nothing', (_what, change) => {
    expect(shortcomings({ ...GOOD, ...change })).toEqual([expect.stringContaining('prove nothing')]);
  });

  it('N8 fails with each finding, and with a method that the simulator lacks', () => {
    const findings = [{ what: 'missing' as const, of: '1:2', detail: 'not stored' }];
    expect(shortcomings({ ...GOOD, findings, unimplemented: ['a.B'] })).toEqual([
      '1 findings',
      'methods that the simulator lacks: a.B',
    ]);
  });

  it('N8 in `npm test` meets a channel that comes while the gateway is away, and a killed database', () => {
    const [durationMs, troubleEveryMs] = [Number(MINUTES) * 60_000, Number(EVERY_S) * 1_000];
    const { troubles } = makeSchedule({ seed: FIXED_SEED, durationMs, troubleEveryMs });
    const inTurn = troubles.flatMap(({ what }) => (what.on === 'telegram' ? [] : [what.kind]));
    expect(inTurn.slice(0, 3)).toEqual(['channel joined while away', 'timescaledb kill', 'channel joined']);
  });
});
