import { describe, expect, it } from '@jest/globals';
import { TelegramError, type TelegramPort } from '../../../runtime/telegram/client.js';
import { RequestBudget, type FloodWaits, type MethodClass } from '../../../runtime/telegram/request-budget.js';
import { logger } from './support/bench.js';
import { waitFor } from './support/wait-for.js';

const port = {} as TelegramPort;

class Waits implements FloodWaits {
  readonly saved: [MethodClass, number][] = [];
  stored = new Map<string, Date>();

  load() {
    return Promise.resolve(this.stored);
  }

  save(methodClass: MethodClass, until: Date) {
    this.saved.push([methodClass, until.getTime()]);
    return Promise.resolve();
  }
}

function budget(floodWaits: FloodWaits = new Waits(), stop = new AbortController(), perSecond = 1e6, burst = 1e6) {
  const limits = { perSecond, burst, atOnce: 3 };
  return new RequestBudget({
    ...{ port: () => port, floodWaits, logger, signal: stop.signal },
    limits: { difference: limits, history: limits, account: { ...limits, atOnce: 1 }, join: limits },
  });
}

const flood = (seconds: number) => () =>
  Promise.reject(new TelegramError('flood', `FLOOD_WAIT_${String(seconds)}`, seconds));

describe('request budget', () => {
  it('R2 lets a class wait as long as Telegram asks, keeps that for the next start, and serves the others', async () => {
    const waits = new Waits();
    const subject = budget(waits);
    const begun = Date.now();
    await expect(subject.turn('history', (turn) => turn.call(flood(1)))).rejects.toMatchObject({ kind: 'flood' });
    expect(waits.saved[0]?.[0]).toBe('history');
    expect((waits.saved[0]?.[1] ?? 0) - begun).toBeGreaterThanOrEqual(1_000);
    const others = subject.turn('difference', () => Promise.resolve(Date.now()));
    const late = subject.turn('history', () => Promise.resolve(Date.now()));
    expect((await others) - begun).toBeLessThan(900);
    expect((await late) - begun).toBeGreaterThanOrEqual(1_000);
  });

  it('R2 does not sleep inside a turn: a later call of it is told to come again, and the next turn waits', async () => {
    const subject = budget();
    const begun = Date.now();
    let calls = 0;
    const turn = subject.turn('history', async (own) => {
      await own.call(() => Promise.resolve((calls += 1)));
      await expect(subject.turn('history', (other) => other.call(flood(2)))).rejects.toMatchObject({ seconds: 2 });
      await own.call(() => Promise.resolve((calls += 1)));
    });
    await expect(turn).rejects.toMatchObject({ kind: 'flood' });
    expect(calls).toBe(1);
    expect(Date.now() - begun).toBeLessThan(1_900);
    await subject.turn('history', (again) => again.call(() => Promise.resolve()));
    expect(Date.now() - begun).toBeGreaterThanOrEqual(2_000);
  });

  it('R2 keeps a wait of before the start', async () => {
    const waits = new Waits();
    const until = Date.now() + 400;
    waits.stored.set('difference', new Date(until));
    await budget(waits).turn('difference', () => Promise.resolve());
    expect(Date.now()).toBeGreaterThanOrEqual(until);
  });

  it('R2 goes on when earlier waits cannot be read, or a new one not be stored', async () => {
    const refusing = { load: () => Promise.reject(new Error('away')), save: () => Promise.reject(new Error('away')) };
    const subject = budget(refusing);
    await expect(subject.turn('account', (turn) => turn.call(flood(60)))).rejects.toMatchObject({ kind: 'flood' });
    expect(subject.floodUntil('account')).toBeGreaterThan(Date.now());
  });

  it('R2 asks no faster than the limits, but for a burst', async () => {
    const subject = budget(new Waits(), new AbortController(), 50, 5);
    const begun = performance.now();
    let calls = 0;
    await subject.turn('history', async (turn) => {
      for (; calls < 15; calls += 1) await turn.call(() => Promise.resolve());
    });
    // The first and five more at once, then one each 20 ms.
    expect(performance.now() - begun).toBeGreaterThan(9 * 20 - 40);
    expect(calls).toBe(15);
  });

  it('R2 has at most so many turns of a class under way', async () => {
    const subject = budget();
    let running = 0;
    let most = 0;
    const waiting: (() => void)[] = [];
    const all = Array.from({ length: 8 }, () =>
      subject.turn('difference', async () => {
        most = Math.max(most, (running += 1));
        await new Promise<void>((resolve) => waiting.push(resolve));
        running -= 1;
      }),
    );
    await waitFor('three at work', () => waiting.length === 3);
    for (let done = 0; done < 8; done += 1) {
      await waitFor('one more', () => waiting.length > 0);
      waiting.shift()?.();
    }
    await Promise.all(all);
    expect(most).toBe(3);
  });

  it('R2 fails at once without a connection', async () => {
    const offline = new RequestBudget({
      ...{ port: () => null, floodWaits: new Waits(), logger, signal: new AbortController().signal },
    });
    const asked = offline.turn('difference', (turn) => turn.call(() => Promise.resolve()));
    await expect(asked).rejects.toMatchObject({ kind: 'transient', reason: 'OFFLINE' });
  });

  it('S5 waits for nothing when the gateway stops', async () => {
    const stop = new AbortController();
    const waits = new Waits();
    waits.stored.set('difference', new Date(Date.now() + 3_600_000));
    const asked = budget(waits, stop).turn('difference', () => Promise.resolve());
    setImmediate(() => {
      stop.abort();
    });
    await expect(asked).rejects.toMatchObject({ name: 'AbortError' });
  });
});
