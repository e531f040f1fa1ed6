import { describe, expect, it } from '@jest/globals';
import type { Submission } from '../../../runtime/ingest/batch.js';
import type { StoredChannel } from '../../../runtime/ingest/message-store.js';
import { backfillPage } from '../../../runtime/telegram/backfill.js';
import { TelegramError } from '../../../runtime/telegram/client.js';
import { FROM_THE_NEWEST } from '../../../runtime/telegram/difference.js';
import { logger } from './support/bench.js';
import { ModelPort, ModelWorld } from './support/model-world.js';
import { channelState, unlimited } from './support/plain.js';

const CHANNEL = '11';
const TOP = 432;

/** A channel of `TOP` posts whose history is read page by page; `readable` says whether pages of the history can be. */
function rig(channel: Partial<StoredChannel>, { readable = true, stored = [] as readonly number[] } = {}) {
  const world = new ModelWorld(CHANNEL);
  for (let id = 1; id <= TOP; id += 1) world.channel(CHANNEL).post(`post ${String(id)}`);
  const port = new ModelPort(world);
  if (!readable) port.getHistory = () => Promise.reject(new TelegramError('unreadable', 'TYPE_NOT_FOUND'));
  const submissions: Submission[] = [];
  const submit = (submission: Submission) => Promise.resolve(void submissions.push(submission));
  const state = channelState(CHANNEL, submit, { pts: TOP, ...channel });
  const store = {
    storedIds: (_id: string, after: string, upTo: string, limit: number) =>
      Promise.resolve(
        stored
          .filter((id) => id > Number(after) && id <= Number(upTo))
          .slice(-limit)
          .map(String),
      ),
  };
  const budget = unlimited(() => port);
  return {
    world,
    submissions,
    state,
    /** Until nothing is left; returns the ids that were stored, ascending. */
    async read(): Promise<number[]> {
      for (let pages = 0; state.backfill !== null; pages += 1) {
        expect(pages).toBeLessThan(200);
        await budget.turn('history', (turn) => backfillPage(state, { turn, store, logger }));
      }
      const ids = submissions.flatMap(({ messages }) => messages.map(({ message }) => Number(message.messageId)));
      return [...new Set(ids)].toSorted((a, b) => a - b);
    },
  };
}

const from = (first: number, last: number) => Array.from({ length: last - first + 1 }, (_, index) => first + index);
const WAYS = [
  ['from a known id downwards', String(TOP + 1)],
  ['from the newest, wherever that is', FROM_THE_NEWEST],
] as const;

describe('history', () => {
  it.each(WAYS)('R2 reads all of a range, %s', async (_way, nextId) => {
    const subject = rig({ lastMessageId: '4', backfill: { nextId, untilId: '4' } });
    expect(await subject.read()).toEqual(from(5, TOP));
  });

  it.each(WAYS)('R2 reads all of a range whose history cannot be read, id by id, %s', async (_way, nextId) => {
    const subject = rig({ lastMessageId: '4', backfill: { nextId, untilId: '4' } }, { readable: false });
    expect(await subject.read()).toEqual(from(5, TOP));
  });

  it('R2 goes on over ids that were deleted, up to the last one known', async () => {
    const range = { nextId: FROM_THE_NEWEST, untilId: '4' };
    const subject = rig({ lastMessageId: String(TOP), backfill: range }, { readable: false });
    subject.world.channel(CHANNEL).remove(from(20, 360));
    expect(await subject.read()).toEqual([...from(5, 19), ...from(361, TOP)]);
  });

  it.each(WAYS)('R4 learns what became of stored messages in the range and below it, %s', async (_way, nextId) => {
    const backfill = { nextId, untilId: '100' };
    for (const readable of [true, false]) {
      const subject = rig({ lastMessageId: '100', backfill }, { readable, stored: [50, 51, 150, 151] });
      subject.world.channel(CHANNEL).remove([51, 151]);
      await subject.read();
      const gone = subject.submissions.flatMap(({ deletions = [] }) => deletions.map(({ messageId }) => messageId));
      expect(new Set(gone)).toEqual(new Set(['51', '151']));
    }
  });
});
