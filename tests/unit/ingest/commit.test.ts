import { describe, expect, it } from '@jest/globals';
import { Committer, isRefusal, type AfterCommitSink } from '../../../runtime/ingest/commit.js';
import type { IngestBatch, StoredEvent } from '../../../runtime/ingest/message-store.js';
import { cleanMessage, isoSeconds } from '../../../runtime/store/clean-message.js';
import { metrics } from '../../../runtime/metrics.js';
import { logger } from '../telegram/support/bench.js';
import { MemoryStore } from '../telegram/support/memory-store.js';
import { plainMessage } from '../telegram/support/plain.js';
import { waitFor } from '../telegram/support/wait-for.js';

const batch: IngestBatch = {
  messages: [1, 2].map((id) => ({
    accountId: 'default',
    message: plainMessage('42', id),
    source: 'push',
    receivedAt: new Date(),
    pts: id,
  })),
  cursors: [],
};

function committer(store: MemoryStore, sinks: readonly AfterCommitSink[] = [], stop = new AbortController()) {
  return new Committer({ store, sinks, logger, signal: stop.signal, retryMs: { first: 1, longest: 4 } });
}

describe('commit', () => {
  it('R3 tells every sink after the commit, in order, also when one of them fails', async () => {
    const told: StoredEvent[][] = [];
    const store = new MemoryStore();
    const failing = () => {
      throw new Error('sink');
    };
    await committer(store, [failing, (stored) => void told.push([...stored])]).commit(batch);
    expect(told.map((stored) => stored.map(({ event }) => event.messageId))).toEqual([['1', '2']]);
    expect(store.ids('42')).toEqual(['1', '2']);
  });

  it('R3 says nothing about messages that were stored before', async () => {
    const told: number[] = [];
    const subject = committer(new MemoryStore(), [(stored) => void told.push(stored.length)]);
    await subject.commit(batch);
    await subject.commit(batch);
    expect(told).toEqual([2]);
  });

  it('R2 tries again until the database answers, and says since when it does not', async () => {
    const store = new MemoryStore();
    store.offline = true;
    const subject = committer(store);
    const committed = subject.commit(batch);
    await waitFor('several tries', () => store.attemptsWhileOffline > 4);
    expect(subject.failingSince).not.toBeNull();
    store.offline = false;
    await committed;
    expect(subject.failingSince).toBeNull();
    expect(store.ids('42')).toEqual(['1', '2']);
  });

  it('R2 rejects what the database refuses for its contents', async () => {
    const store = new MemoryStore();
    store.refuses = () => true;
    await expect(committer(store).commit(batch)).rejects.toMatchObject({ code: '22021' });
  });

  it('S5 ends its tries when the gateway stops', async () => {
    const store = new MemoryStore();
    store.offline = true;
    const stop = new AbortController();
    const committed = committer(store, [], stop).commit(batch);
    await waitFor('a try', () => store.attemptsWhileOffline > 0);
    stop.abort();
    await expect(committed).rejects.toMatchObject({ name: 'AbortError' });
  });

  it('S5 knows how old the statement in flight is', async () => {
    const store = new MemoryStore();
    store.hold();
    const subject = committer(store);
    expect(subject.attemptAgeMs).toBeNull();
    const committed = subject.commit(batch);
    await waitFor('it grows older', () => (subject.attemptAgeMs ?? 0) > 5);
    store.release();
    await committed;
    expect(subject.attemptAgeMs).toBeNull();
  });

  it('R11 observes the time from receipt to commit', async () => {
    const count = async () =>
      (await metrics.ingestLatency.get()).values.find(({ metricName }) => metricName?.endsWith('_count'));
    const before = (await count())?.value ?? 0;
    await committer(new MemoryStore()).commit(batch);
    expect((await count())?.value).toBe(before + 2);
  });

  it.each([
    ['22021', true],
    ['23505', true],
    ['54000', true],
    ['40001', false],
    ['57P01', false],
    ['08006', false],
    ['ECONNREFUSED', false],
  ])('R2 takes %s for a refusal: %s', (code, expected) => {
    expect(isRefusal(Object.assign(new Error('x'), { code }))).toBe(expected);
  });

  it('R2 takes a message that cannot be written down for a refusal, or it would be tried for ever', () => {
    const thrown = (write: () => unknown): unknown => {
      try {
        return write();
      } catch (error) {
        return error;
      }
    };
    expect(isRefusal(thrown(() => isoSeconds(Number.NaN)))).toBe(true);
    const circle: Record<string, unknown> = {};
    circle['itself'] = circle;
    expect(isRefusal(thrown(() => cleanMessage({ ...plainMessage('42', 1), metadata: circle })))).toBe(true);
  });

  it('R2 takes a mistake in this program for no refusal, and does not try it again and again', async () => {
    let tries = 0;
    const mistake = new TypeError("Cannot read properties of undefined (reading 'pts')");
    const store = {
      commitBatch: () => {
        tries += 1;
        return Promise.reject(mistake);
      },
    };
    const subject = new Committer({ store, sinks: [], logger, signal: new AbortController().signal });
    await expect(subject.commit(batch)).rejects.toBe(mistake);
    expect(isRefusal(mistake)).toBe(false);
    expect(tries).toBe(1);
  });
});
