import { describe, expect, it } from '@jest/globals';
import { metrics } from '../../../runtime/metrics.js';
import { TelegramError, type ChannelDifference, type TelegramPort } from '../../../runtime/telegram/client.js';
import { Recovery, type RecoveredSlice } from '../../../runtime/telegram/recovery.js';
import { logger } from './support/bench.js';
import { plainMessage } from './support/plain.js';
import { waitFor } from './support/wait-for.js';

const CHANNEL = { id: '42', accessHash: '1' };

interface Asked {
  readonly channel: string;
  readonly pts: number;
  readonly limit: number;
}

/** A recovery whose differences are answered by `answer`. */
function recovery(answer: (asked: Asked, call: number) => ChannelDifference | Promise<ChannelDifference>) {
  const asked: Asked[] = [];
  const port = {
    getChannelDifference: async (channel, pts, limit) => {
      asked.push({ channel: channel.id, pts, limit });
      return answer({ channel: channel.id, pts, limit }, asked.length);
    },
  } satisfies Pick<TelegramPort, 'getChannelDifference'> as unknown as TelegramPort;
  const slices: RecoveredSlice[] = [];
  const commit = (slice: RecoveredSlice) => Promise.resolve(void slices.push(slice));
  return {
    asked,
    slices,
    commit,
    recovery: new Recovery({ port: () => port, logger, signal: new AbortController().signal }),
  };
}

const slice = (pts: number, final: boolean): ChannelDifference => ({
  type: 'slice',
  pts,
  final,
  timeoutS: null,
  newMessages: [plainMessage(CHANNEL.id, pts)],
  otherUpdates: [],
});

describe('recovery', () => {
  it('R2 commits each slice before it asks for the next', async () => {
    const order: string[] = [];
    const rig = recovery(({ pts }) => {
      order.push(`ask ${String(pts)}`);
      return slice(pts + 1, pts + 1 === 3);
    });
    await rig.recovery.run(CHANNEL, 0, async ({ pts }) => {
      await Promise.resolve();
      order.push(`committed ${String(pts)}`);
    });
    expect(order).toEqual(['ask 0', 'committed 1', 'ask 1', 'committed 2', 'ask 2', 'committed 3']);
  });

  it('R2 halves an unreadable slice and gives up on the object itself', async () => {
    const unreadable = new TelegramError('unreadable', 'TYPE_NOT_FOUND');
    const rig = recovery(({ pts, limit }) => {
      if (pts === 0 && limit > 10) throw unreadable;
      if (pts === 13) throw unreadable;
      return slice(13, false);
    });
    await expect(rig.recovery.run(CHANNEL, 0, rig.commit)).rejects.toBe(unreadable);
    expect(rig.asked.filter(({ pts }) => pts === 0).map(({ limit }) => limit)).toEqual([100, 50, 25, 13, 7]);
    expect(rig.asked.filter(({ pts }) => pts === 13).map(({ limit }) => limit)).toEqual([100, 50, 25, 13, 7, 4, 2, 1]);
    expect(rig.slices.map(({ pts }) => pts)).toEqual([13]);
  });

  it('R2 waits as long as Telegram asks, and then goes on', async () => {
    const rig = recovery((_asked, call) => {
      if (call === 1) throw new TelegramError('flood', 'FLOOD_WAIT_1', 1);
      return slice(1, true);
    });
    const begun = performance.now();
    await rig.recovery.run(CHANNEL, 0, rig.commit);
    expect(performance.now() - begun).toBeGreaterThan(950);
    expect(rig.asked).toHaveLength(2);
  });

  it('R2 stores what a gap that is too long still gives, goes on from there, and counts it', async () => {
    const before = (await metrics.gapTooLong.get()).values[0]?.value ?? 0;
    const latest = [plainMessage(CHANNEL.id, 900)];
    const rig = recovery(() => ({ type: 'tooLong', pts: 1_000, timeoutS: null, newMessages: latest }));
    await expect(rig.recovery.run(CHANNEL, 5, rig.commit)).resolves.toBe(1_000);
    expect(rig.slices).toEqual([{ pts: 1_000, messages: latest }]);
    expect((await metrics.gapTooLong.get()).values[0]?.value).toBe(before + 1);
  });

  it('R2 refuses to go back when Telegram is behind us', async () => {
    const rig = recovery(() => ({ type: 'empty', pts: 3, final: true, timeoutS: null }));
    await expect(rig.recovery.run(CHANNEL, 7, rig.commit)).rejects.toMatchObject({ kind: 'pts-invalid' });
    expect(rig.slices).toEqual([]);
  });

  it('R2 asks for at most three channels at once', async () => {
    let running = 0;
    let most = 0;
    const waiting: (() => void)[] = [];
    const rig = recovery(async () => {
      most = Math.max(most, (running += 1));
      await new Promise<void>((resolve) => waiting.push(resolve));
      running -= 1;
      return slice(1, true);
    });
    const all = Promise.all(
      Array.from({ length: 8 }, (_, index) => rig.recovery.run({ id: String(index), accessHash: '1' }, 0, rig.commit)),
    );
    await waitFor('three at work', () => waiting.length === 3);
    for (let done = 0; done < 8; done += 1) {
      await waitFor('one more', () => waiting.length > 0);
      waiting.shift()?.();
    }
    await all;
    expect(most).toBe(3);
    expect(rig.slices).toHaveLength(8);
  });

  it('R2 fails at once without a connection', async () => {
    const offline = new Recovery({ port: () => null, logger, signal: new AbortController().signal });
    await expect(offline.run(CHANNEL, 0, () => Promise.resolve())).rejects.toMatchObject({ kind: 'transient' });
  });
});
