import { describe, expect, it } from '@jest/globals';
import { metrics } from '../../../runtime/metrics.js';
import type { CommonDifference, CommonState, TelegramPort } from '../../../runtime/telegram/client.js';
import { CommonBox } from '../../../runtime/telegram/common-box.js';
import { logger } from './support/bench.js';
import { MemoryStore } from './support/memory-store.js';
import { unlimited } from './support/plain.js';

const NOTHING = { updates: [], tooLong: [], allTooLong: false, channels: [], standing: [] };
const NOW: CommonState = { pts: 90, qts: 0, date: 1_700_000_090, seq: 9 };

/** A server that answers from a list, its last answer again and again. */
function boxWith(state: CommonState | null, ...answers: readonly CommonDifference[]) {
  const store = new MemoryStore();
  store.common = state;
  const seen = { asked: 0, unknown: [] as string[], batches: 0 };
  const port = {
    getState: () => Promise.resolve(NOW),
    getDifference: () => Promise.resolve(answers[Math.min(seen.asked++, answers.length - 1)]),
  } as unknown as TelegramPort;
  const box = new CommonBox({
    ...{ accountId: 'default', store, logger, budget: unlimited(() => port) },
    onUpdates: () => void (seen.batches += 1),
    onUnknown: (why) => void seen.unknown.push(why),
  });
  return { box, store, seen };
}

const at = (pts: number): CommonState => ({ pts, qts: 0, date: 1_700_000_000, seq: 0 });
const slice = (pts: number, final = false): CommonDifference => ({
  ...{ type: 'slice', final, state: at(pts), batch: NOTHING },
});
const standstills = async () => (await metrics.commonStandstills.get()).values[0]?.value ?? 0;

describe('the common box', () => {
  it('R2 is read slice by slice to its end', async () => {
    const { box, store, seen } = boxWith(at(1), slice(2), slice(3), slice(3), slice(4, true));
    await box.catchUp();
    expect(store.common).toEqual(at(4));
    expect(seen).toEqual({ asked: 4, batches: 4, unknown: [] });
  });

  it('R2 is not asked for ever where its difference leads nowhere: every channel is asked, and it goes on from its present', async () => {
    const before = await standstills();
    const { box, store, seen } = boxWith(at(1), slice(1));
    await box.catchUp();
    expect(seen).toEqual({ asked: 3, batches: 3, unknown: ['common difference without progress'] });
    expect(store.common).toEqual(NOW);
    expect(await standstills()).toBe(before + 1);
  });
});
