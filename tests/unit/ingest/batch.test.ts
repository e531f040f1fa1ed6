import { describe, expect, it } from '@jest/globals';
import { IngestBatcher, type Submission } from '../../../runtime/ingest/batch.js';
import type { IngestBatch } from '../../../runtime/ingest/message-store.js';
import { plainMessage } from '../telegram/support/plain.js';

function submission(channelId: string, from: number, count = 1): Submission {
  const receivedAt = new Date(0);
  return {
    messages: Array.from({ length: count }, (_, index) => ({
      accountId: 'default',
      message: plainMessage(channelId, from + index),
      source: 'push',
      receivedAt,
      pts: from + index,
    })),
    cursor: { accountId: 'default', channelId, pts: from + count - 1, lastMessageId: String(from + count - 1) },
  };
}

/** A batcher whose commits end when the test says so. */
function rig(maxRows?: number) {
  const batches: IngestBatch[] = [];
  const waiting: { resolve: () => void; reject: (error: Error) => void }[] = [];
  const batcher = new IngestBatcher({
    ...(maxRows === undefined ? {} : { maxRows }),
    commit: (batch) => {
      batches.push(batch);
      return new Promise((resolve, reject) => {
        waiting.push({ resolve, reject });
      });
    },
  });
  const next = () => {
    const commit = waiting.shift();
    if (!commit) throw new Error('no commit in flight');
    return commit;
  };
  return { batcher, batches, waiting, next };
}

const ids = (batch: IngestBatch | undefined) => batch?.messages.map(({ message }) => message.messageId);

describe('adaptive micro-batch', () => {
  it('R3 commits a lone message at once', () => {
    const { batcher, batches } = rig();
    void batcher.submit(submission('1', 1));
    expect(ids(batches[0])).toEqual(['1']);
  });

  it('R3 makes one batch of what arrived while the last one was committing', async () => {
    const { batcher, batches, waiting, next } = rig();
    const first = batcher.submit(submission('1', 1));
    const rest = [batcher.submit(submission('2', 10)), batcher.submit(submission('3', 20, 3))];
    expect(batches).toHaveLength(1);
    next().resolve();
    await first;
    expect(ids(batches[1])).toEqual(['10', '20', '21', '22']);
    expect(batches[1]?.cursors.map(({ channelId, pts }) => [channelId, pts])).toEqual([
      ['2', 10],
      ['3', 22],
    ]);
    next().resolve();
    await Promise.all(rest);
    expect(waiting).toHaveLength(0);
  });

  it('R3 resolves a submission only after its commit', async () => {
    const { batcher, next } = rig();
    let done = false;
    const submitted = batcher.submit(submission('1', 1)).then(() => {
      done = true;
    });
    await Promise.resolve();
    expect(done).toBe(false);
    next().resolve();
    await submitted;
    expect(done).toBe(true);
  });

  it('R3 keeps a batch within its rows and never splits a submission', async () => {
    const { batcher, batches, next } = rig(5);
    const all = [batcher.submit(submission('0', 1))];
    for (const channel of ['1', '2', '3']) all.push(batcher.submit(submission(channel, 1, 3)));
    all.push(batcher.submit(submission('4', 1, 9)));
    for (let commit = 0; commit < all.length; commit += 1) {
      next().resolve();
      await all[commit];
    }
    expect(batches.map(({ messages }) => messages.length)).toEqual([1, 3, 3, 3, 9]);
  });

  it('R3 takes the later of two cursors of one channel', async () => {
    const { batcher, batches, next } = rig();
    const first = batcher.submit(submission('0', 1));
    void batcher.submit(submission('1', 1));
    void batcher.submit(submission('1', 2));
    next().resolve();
    await first;
    expect(batches[1]?.cursors.map(({ pts }) => pts)).toEqual([2]);
    next().resolve();
  });

  it('R3 rejects only the submission that the database refuses', async () => {
    const batches: IngestBatch[] = [];
    let open = (): void => undefined;
    const gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    const batcher = new IngestBatcher({
      commit: async (batch) => {
        await gate;
        if (batch.messages.some(({ message }) => message.messageId === '20')) throw new Error('refused');
        batches.push(batch);
      },
    });
    const results = Promise.allSettled(['10', '20', '30'].map((id) => batcher.submit(submission(id, Number(id)))));
    open();
    expect((await results).map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(batches.flatMap((batch) => ids(batch))).toEqual(['10', '30']);
    await batcher.drained();
  });

  it('S5 is drained when all that was submitted is settled', async () => {
    const { batcher, next } = rig();
    const first = batcher.submit(submission('1', 1));
    void batcher.submit(submission('2', 1));
    let drained = false;
    const done = batcher.drained().then(() => {
      drained = true;
    });
    next().resolve();
    await first;
    expect(drained).toBe(false);
    next().resolve();
    await done;
    expect(drained).toBe(true);
  });
});
