import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Submission } from '../../../runtime/ingest/batch.js';
import type { ChannelState } from '../../../runtime/telegram/channel-state.js';
import { ChannelWorker, type WorkerOptions } from '../../../runtime/telegram/channel-worker.js';
import { TelegramError, type TelegramPort } from '../../../runtime/telegram/client.js';
import { logger } from './support/bench.js';
import { channelState, newPost, plainMessage, unlimited } from './support/plain.js';
import { waitFor } from './support/wait-for.js';

const CHANNEL = '42';

/** One worker between a scripted Telegram of `total` posts (post n has pts n) and a recording store. */
class Rig {
  readonly submissions: Submission[] = [];
  readonly fatal: TelegramError[] = [];
  readonly gone: boolean[] = [];
  differences = 0;
  submitting = 0;
  overlapped = false;
  /** Thrown by the next differences, first one first. */
  readonly differenceErrors: Error[] = [];
  readonly commitErrors: Error[] = [];
  readonly worker: ChannelWorker;

  constructor(
    private readonly total: number,
    options: Partial<WorkerOptions> = {},
  ) {
    this.worker = new ChannelWorker({
      state: channelState(CHANNEL, (submission) => this.#submit(submission)),
      readOn: (state) => this.#difference(state),
      budget: unlimited(),
      logger,
      onFatal: (error) => this.fatal.push(error),
      onGone: (gone) => this.gone.push(gone),
      gapWaitMs: 5,
      retryMs: { first: 1, longest: 5, gone: 5 },
      ...options,
    });
  }

  get ids(): number[] {
    return this.submissions.flatMap(({ messages }) => messages.map(({ message }) => Number(message.messageId)));
  }

  push(...ids: readonly number[]): void {
    for (const id of ids) this.worker.enqueue(newPost(CHANNEL, id), new Date());
  }

  async settled(): Promise<void> {
    await waitFor('the worker is idle', () => this.worker.idle);
  }

  async #submit(submission: Submission): Promise<void> {
    this.overlapped ||= this.submitting > 0;
    this.submitting += 1;
    await Promise.resolve();
    this.submitting -= 1;
    const error = this.commitErrors.shift();
    if (error) throw error;
    this.submissions.push(submission);
  }

  async #difference(state: ChannelState): Promise<number | null> {
    this.differences += 1;
    const error = this.differenceErrors.shift();
    if (error) throw error;
    for (let pts = state.pts ?? 0; pts < this.total;) {
      const upTo = Math.min(pts + 7, this.total);
      const messages = Array.from({ length: upTo - pts }, (_, index) => plainMessage(CHANNEL, pts + index + 1));
      await state.commit({ messages: state.copies(messages, 'difference', upTo), pts: upTo });
      pts = upTo;
    }
    return 7;
  }
}

const ascending = (length: number) => Array.from({ length }, (_, index) => index + 1);

describe('channel worker', () => {
  it('R2 stores every post once and in order, whatever is lost, repeated or overtaken on the way', async () => {
    const delivery = fc.record({
      total: fc.integer({ min: 1, max: 60 }),
      order: fc.array(fc.integer({ min: 1, max: 60 }), { maxLength: 120 }),
      capacity: fc.integer({ min: 1, max: 40 }),
      commitFailures: fc.integer({ min: 0, max: 2 }),
    });
    await fc.assert(
      fc.asyncProperty(delivery, async ({ total, order, capacity, commitFailures }) => {
        const rig = new Rig(total, { capacity });
        for (let n = 0; n < commitFailures; n += 1) rig.commitErrors.push(new Error('refused'));
        rig.push(...order.filter((id) => id <= total));
        // The last post arrives, or the next connect would ask: either way the worker learns that it is behind.
        rig.push(total);
        await rig.settled();
        rig.worker.markDirty();
        await rig.settled();
        rig.worker.close();
        expect(rig.ids).toEqual(ascending(total));
        expect(rig.worker.state.pts).toBe(total);
        expect(rig.overlapped).toBe(false);
      }),
      { numRuns: 60 },
    );
  }, 120_000);

  it('R3 submits what waits as one batch with one cursor', async () => {
    const rig = new Rig(5);
    rig.push(1, 2, 3, 4, 5);
    await rig.settled();
    expect(rig.submissions).toHaveLength(1);
    expect(rig.submissions[0]?.cursor).toEqual({ accountId: 'default', channelId: '42', pts: 5, lastMessageId: '5' });
    expect(rig.differences).toBe(0);
  });

  it('R4 submits edits as copies and deletions behind them, with the pts of each', async () => {
    const rig = new Rig(5);
    const position = { channelId: CHANNEL, ptsCount: 1 };
    rig.push(1);
    rig.worker.enqueue({ ...position, type: 'edit', pts: 2, message: plainMessage(CHANNEL, 1, 'b') }, new Date());
    rig.worker.enqueue({ channelId: CHANNEL, type: 'delete', pts: 4, ptsCount: 2, messageIds: ['1', '9'] }, new Date());
    await rig.settled();
    const [submission] = rig.submissions;
    expect(submission?.messages.map(({ message, pts }) => [message.text, pts])).toEqual([
      ['text 1', 1],
      ['b', 2],
    ]);
    expect(submission?.deletions?.map(({ messageId, pts }) => [messageId, pts])).toEqual([
      ['1', 4],
      ['9', 4],
    ]);
    expect(submission?.cursor?.pts).toBe(4);
  });

  it('R2 lets a gap close by itself', async () => {
    const rig = new Rig(3, { gapWaitMs: 10_000 });
    rig.push(1, 3);
    await waitFor('the first is stored', () => rig.worker.state.pts === 1);
    rig.push(2);
    await rig.settled();
    rig.worker.close();
    expect(rig.ids).toEqual([1, 2, 3]);
    expect(rig.differences).toBe(0);
  });

  it('R2 asks for the difference when the missing update does not come', async () => {
    const rig = new Rig(3);
    rig.push(1, 3);
    await rig.settled();
    expect(rig.ids).toEqual([1, 2, 3]);
    expect(rig.differences).toBe(1);
  });

  it('R2 does not move pts before the commit', async () => {
    const seen: (number | null)[] = [];
    const state: ChannelState = channelState(CHANNEL, () => {
      seen.push(state.pts);
      return Promise.resolve();
    });
    const rig = new Rig(1, { state });
    rig.push(1);
    await rig.settled();
    expect(seen).toEqual([0]);
    expect(state.pts).toBe(1);
  });

  it('R2 tries a failed difference again', async () => {
    const rig = new Rig(4);
    rig.differenceErrors.push(
      new TelegramError('transient', 'OFFLINE'),
      new TelegramError('unreadable', 'TYPE_NOT_FOUND'),
    );
    rig.worker.markDirty();
    await rig.settled();
    expect(rig.differences).toBe(3);
    expect(rig.ids).toEqual([1, 2, 3, 4]);
  });

  it('R2 says that a channel is gone, tries it now and then, and says when it is back', async () => {
    const rig = new Rig(4, { retryMs: { first: 1, longest: 2, gone: 40 } });
    rig.differenceErrors.push(new TelegramError('channel-gone', 'CHANNEL_PRIVATE'));
    rig.worker.markDirty();
    await waitFor('it is gone', () => rig.worker.gone);
    expect(rig.ids).toEqual([]);
    await rig.settled();
    expect(rig.gone).toEqual([true, false]);
    expect(rig.ids).toEqual([1, 2, 3, 4]);
  });

  it('R2 stores what is pushed without a gap while the difference waits for its turn', async () => {
    let open: () => void = () => undefined;
    const turn = new Promise<void>((resolve) => (open = resolve));
    const free = unlimited();
    const rig = new Rig(3, {
      budget: { turn: (name, work) => turn.then(() => free.turn(name, work)) },
    });
    rig.worker.markDirty();
    rig.push(1, 2);
    await waitFor('two are stored', () => rig.worker.state.pts === 2);
    expect(rig.differences).toBe(0);
    open();
    await rig.settled();
    expect(rig.ids).toEqual([1, 2, 3]);
  });

  it('R2 stores what is pushed while Telegram makes the middle of a difference wait', async () => {
    const budget = unlimited(() => ({}) as TelegramPort);
    const call = () => Promise.resolve();
    let slices = 0;
    const rig = new Rig(3, {
      budget,
      readOn: async (_state, turn) => {
        await turn.call(call);
        slices += 1;
        // Another channel's difference is told to wait.
        if (slices === 1) budget.flooded('difference', new TelegramError('flood', 'FLOOD_WAIT_2', 2));
        await turn.call(call);
        return null;
      },
    });
    const begun = Date.now();
    rig.worker.markDirty();
    await waitFor('the first slice', () => slices === 1);
    rig.push(1, 2, 3);
    await waitFor('they are stored', () => rig.worker.state.pts === 3);
    expect(Date.now() - begun).toBeLessThan(1_900);
    await rig.settled();
    expect(slices).toBe(2);
    expect(Date.now() - begun).toBeGreaterThanOrEqual(2_000);
  });

  it('R2 runs a step between two updates and never beside one', async () => {
    const rig = new Rig(2);
    const order: string[] = [];
    rig.push(1);
    const step = rig.worker.exclusive(async () => {
      order.push(`step at ${String(rig.worker.state.pts)}`);
      rig.push(2);
      await Promise.resolve();
      order.push(`still at ${String(rig.worker.state.pts)}`);
    });
    await step;
    await rig.settled();
    expect(order).toEqual(['step at 1', 'still at 1']);
    expect(rig.ids).toEqual([1, 2]);
    await expect(rig.worker.exclusive(() => Promise.reject(new Error('step')))).rejects.toThrow('step');
  });

  it('S5 passes on that the account is lost and does not try again', async () => {
    const rig = new Rig(4);
    rig.differenceErrors.push(new TelegramError('auth-fatal', 'SESSION_REVOKED'));
    rig.worker.markDirty();
    await rig.settled();
    expect(rig.fatal.map(({ reason }) => reason)).toEqual(['SESSION_REVOKED']);
    expect(rig.differences).toBe(1);
  });

  it('R2 begins a channel that was never read at its first update', async () => {
    const rig = new Rig(9);
    const submissions: Submission[] = [];
    const state = channelState(CHANNEL, (one) => Promise.resolve(void submissions.push(one)), {
      pts: null,
      lastMessageId: null,
      reconciledId: null,
    });
    const worker = new ChannelWorker({
      state,
      readOn: () => Promise.resolve(null),
      budget: unlimited(),
      logger,
      onFatal: () => undefined,
    });
    worker.enqueue(newPost(CHANNEL, 8), new Date());
    await waitFor('it is idle', () => worker.idle);
    expect(state.pts).toBe(8);
    // Nothing before what was seen first is looked for, also not after a restart: everything behind it is.
    expect(state.reconciledId).toBe('8');
    expect(submissions[0]).toMatchObject({ cursor: { pts: 8, lastMessageId: '8' }, marks: { reconciledId: '8' } });
    rig.worker.close();
  });

  it('R2 takes an update without a count for news of where the channel stands', async () => {
    const rig = new Rig(3);
    rig.push(1, 2, 3);
    rig.worker.enqueue({ type: 'other', channelId: CHANNEL, pts: 3, ptsCount: 0 }, new Date());
    await rig.settled();
    expect(rig.worker.state.pts).toBe(3);
    expect(rig.differences).toBe(0);
  });

  it('R2 stores nothing more once it is closed, and leaves nobody waiting', async () => {
    const rig = new Rig(3);
    rig.worker.close();
    rig.push(1);
    rig.worker.markDirty();
    await rig.worker.exclusive(() => Promise.reject(new Error('not run')));
    expect(rig.submissions).toEqual([]);
    expect(rig.differences).toBe(0);
  });

  it('S5 asks no more once it was told that the gateway stops', async () => {
    let asked = 0;
    const rig = new Rig(3, {
      budget: {
        turn: () => {
          asked += 1;
          // As a budget whose signal is aborted; the limit keeps a worker that asks for ever from hanging the test.
          return asked > 1_000 ? new Promise(() => undefined) : Promise.reject(new DOMException('stop', 'AbortError'));
        },
      },
    });
    rig.worker.markDirty();
    for (let turns = 0; turns < 5; turns += 1) await nextTurn();
    expect(asked).toBe(1);
    rig.worker.markDirty();
    rig.push(1);
    await nextTurn();
    expect(asked).toBe(1);
    expect(rig.submissions).toEqual([]);
  });
});
