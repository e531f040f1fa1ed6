import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Submission } from '../../../runtime/ingest/batch.js';
import { ChannelWorker, type WorkerOptions } from '../../../runtime/telegram/channel-worker.js';
import { TelegramError } from '../../../runtime/telegram/client.js';
import type { RecoveredSlice } from '../../../runtime/telegram/recovery.js';
import { logger } from './support/bench.js';
import { newPost, plainMessage } from './support/plain.js';
import { waitFor } from './support/wait-for.js';

const CHANNEL = { id: '42', accessHash: '1' };

/** One worker between a scripted Telegram of `total` posts (post n has pts n) and a recording store. */
class Rig {
  readonly submissions: Submission[] = [];
  readonly fatal: TelegramError[] = [];
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
      accountId: 'default',
      channel: CHANNEL,
      pts: 0,
      submit: (submission) => this.#submit(submission),
      recovery: { run: (_channel, pts, commit) => this.#difference(pts, commit) },
      logger,
      onFatal: (error) => this.fatal.push(error),
      gapWaitMs: 5,
      retryMs: { first: 1, longest: 5 },
      ...options,
    });
  }

  get ids(): number[] {
    return this.submissions.flatMap(({ messages }) => messages.map(({ message }) => Number(message.messageId)));
  }

  push(...ids: readonly number[]): void {
    for (const id of ids) this.worker.enqueue(newPost(CHANNEL.id, id), new Date());
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

  async #difference(from: number, commit: (slice: RecoveredSlice) => Promise<void>): Promise<number> {
    this.differences += 1;
    const error = this.differenceErrors.shift();
    if (error) throw error;
    for (let pts = from; pts < this.total;) {
      const upTo = Math.min(pts + 7, this.total);
      const messages = Array.from({ length: upTo - pts }, (_, index) => plainMessage(CHANNEL.id, pts + index + 1));
      await commit({ pts: upTo, messages });
      pts = upTo;
    }
    return this.total;
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
        expect(rig.worker.pts).toBe(total);
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

  it('R2 lets a gap close by itself', async () => {
    const rig = new Rig(3, { gapWaitMs: 10_000 });
    rig.push(1, 3);
    await waitFor('the first is stored', () => rig.worker.pts === 1);
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
    const rig: Rig = new Rig(1, {
      submit: () => {
        seen.push(rig.worker.pts);
        return Promise.resolve();
      },
    });
    rig.push(1);
    await rig.settled();
    expect(seen).toEqual([0]);
    expect(rig.worker.pts).toBe(1);
  });

  it('R2 tries a failed difference again', async () => {
    const rig = new Rig(4);
    rig.differenceErrors.push(
      new TelegramError('transient', 'OFFLINE'),
      new TelegramError('channel-gone', 'CHANNEL_PRIVATE'),
    );
    rig.worker.markDirty();
    await rig.settled();
    expect(rig.differences).toBe(3);
    expect(rig.ids).toEqual([1, 2, 3, 4]);
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
    const rig = new Rig(9, { pts: null });
    rig.push(8, 9);
    await rig.settled();
    expect(rig.ids).toEqual([8, 9]);
  });

  it('R2 moves over updates that carry no message', async () => {
    const rig = new Rig(3);
    rig.push(1);
    rig.worker.enqueue({ type: 'delete', channelId: '42', pts: 3, ptsCount: 2, messageIds: ['1', '2'] }, new Date());
    rig.worker.enqueue({ type: 'other', channelId: '42', pts: 3, ptsCount: 0 }, new Date());
    await rig.settled();
    expect(rig.worker.pts).toBe(3);
    expect(rig.differences).toBe(0);
  });
});
