import { describe, expect, it } from '@jest/globals';
import type { Submission } from '../../../runtime/ingest/batch.js';
import type { StoredChannel } from '../../../runtime/ingest/message-store.js';
import { metrics } from '../../../runtime/metrics.js';
import { TelegramError, type ChannelDifference, type TelegramPort } from '../../../runtime/telegram/client.js';
import { FROM_THE_NEWEST, readDifference } from '../../../runtime/telegram/difference.js';
import { logger } from './support/bench.js';
import { channelState, plainMessage, unlimited } from './support/plain.js';

const CHANNEL = '42';
const UNREADABLE = new TelegramError('unreadable', 'TYPE_NOT_FOUND');

interface Asked {
  readonly pts: number;
  readonly limit: number;
}

/** The difference loop of a channel, asked of `answer`. */
function rig(answer: (asked: Asked, call: number) => ChannelDifference, channel: Partial<StoredChannel> = {}) {
  const asked: Asked[] = [];
  const submissions: Submission[] = [];
  let channelPts = 0;
  const port = {
    getChannelDifference: (_channel, pts, limit) => {
      asked.push({ pts, limit });
      return Promise.resolve().then(() => answer({ pts, limit }, asked.length));
    },
    getChannelPts: () => Promise.resolve(channelPts),
  } satisfies Pick<TelegramPort, 'getChannelDifference' | 'getChannelPts'> as unknown as TelegramPort;
  const state = channelState(CHANNEL, (submission) => Promise.resolve(void submissions.push(submission)), channel);
  const budget = unlimited(() => port);
  return {
    asked,
    submissions,
    state,
    stands: (pts: number) => (channelPts = pts),
    read: () => budget.turn('difference', (turn) => readDifference(state, turn, logger)),
  };
}

const slice = (pts: number, final: boolean, timeoutS: number | null = null): ChannelDifference => ({
  ...{ type: 'slice', pts, final, timeoutS },
  newMessages: [plainMessage(CHANNEL, pts)],
  otherUpdates: [],
});

const tooLong = async () => (await metrics.gapTooLong.get()).values[0]?.value ?? 0;

describe('difference', () => {
  it('R2 commits each slice before it asks for the next, and tells when to ask again', async () => {
    const subject = rig(({ pts }) => {
      expect(subject.submissions.at(-1)?.cursor?.pts ?? 0).toBe(pts);
      return slice(pts + 1, pts + 1 === 3, 17);
    });
    await expect(subject.read()).resolves.toBe(17);
    expect(subject.asked.map(({ pts }) => pts)).toEqual([0, 1, 2]);
    expect(subject.state.pts).toBe(3);
  });

  it('R4 stores the edits and deletions of a slice behind its messages', async () => {
    const position = { channelId: CHANNEL, ptsCount: 1 };
    const subject = rig(() => ({
      ...{ type: 'slice', pts: 9, final: true, timeoutS: null },
      newMessages: [plainMessage(CHANNEL, 5)],
      otherUpdates: [
        { ...position, type: 'edit', pts: 7, message: plainMessage(CHANNEL, 3, 'edited') },
        { ...position, type: 'delete', pts: 8, messageIds: ['1', '2'] },
        { ...position, type: 'other', pts: 9 },
      ],
    }));
    await subject.read();
    const [submission] = subject.submissions;
    expect(submission?.messages.map(({ message, pts, source }) => [message.messageId, pts, source])).toEqual([
      ['5', 9, 'difference'],
      ['3', 9, 'difference'],
    ]);
    expect(submission?.deletions?.map(({ messageId }) => messageId)).toEqual(['1', '2']);
    expect(submission?.cursor).toMatchObject({ pts: 9, lastMessageId: '5' });
  });

  it('R2 notes a gap that Telegram no longer keeps as ids to be read, in the commit that moves pts', async () => {
    const before = await tooLong();
    const newMessages = [plainMessage(CHANNEL, 900)];
    const subject = rig(() => ({ type: 'tooLong', pts: 1_000, topMessageId: '905', timeoutS: 3, newMessages }), {
      pts: 5,
      lastMessageId: '4',
    });
    await expect(subject.read()).resolves.toBe(3);
    expect(subject.submissions).toHaveLength(1);
    expect(subject.submissions[0]).toMatchObject({
      cursor: null,
      marks: { pts: 1_000, backfill: { nextId: '906', untilId: '4' } },
    });
    expect(subject.submissions[0]?.messages.map(({ message, pts }) => [message.messageId, pts])).toEqual([
      ['900', null],
    ]);
    expect(subject.state.pts).toBe(1_000);
    expect(await tooLong()).toBe(before + 1);
  });

  it('R2 notes a gap also where no id of the channel is known: pts never moves over messages without a range', async () => {
    const unread = { pts: 950, lastMessageId: null, reconciledId: null };
    const gap = rig(() => ({ type: 'tooLong', pts: 1_000, topMessageId: '905', timeoutS: 3, newMessages: [] }), unread);
    await gap.read();
    expect(gap.submissions[0]).toMatchObject({ marks: { pts: 1_000, backfill: { nextId: '906', untilId: '855' } } });

    const refused = rig(() => {
      throw new TelegramError('pts-invalid', 'PERSISTENT_TIMESTAMP_INVALID');
    }, unread);
    refused.stands(1_000);
    await refused.read();
    expect(refused.state).toMatchObject({ pts: 1_000, backfill: { nextId: FROM_THE_NEWEST, untilId: '0' } });

    const unreadable = rig(({ pts }) => {
      if (pts === 950) throw UNREADABLE;
      return { type: 'empty', pts, final: true, timeoutS: null };
    }, unread);
    await unreadable.read();
    expect(unreadable.state).toMatchObject({ pts: 951, backfill: { nextId: FROM_THE_NEWEST, untilId: '0' } });
  });

  it('R2 joins a gap to one that is still being read', async () => {
    const subject = rig(() => ({ type: 'tooLong', pts: 90, topMessageId: '80', timeoutS: null, newMessages: [] }), {
      ...{ pts: 50, lastMessageId: '60', backfill: { nextId: '30', untilId: '7' } },
    });
    await subject.read();
    expect(subject.state.backfill).toEqual({ nextId: '81', untilId: '7' });
  });

  it.each([
    ['further', 400],
    ['less', 3],
  ])('R2 asks the channel where it stands when Telegram refuses our pts, be it %s', async (_what, pts) => {
    const subject = rig(
      () => {
        throw new TelegramError('pts-invalid', 'PERSISTENT_TIMESTAMP_INVALID');
      },
      { pts: 20, lastMessageId: '9' },
    );
    subject.stands(pts);
    await subject.read();
    expect(subject.state.pts).toBe(pts);
    expect(subject.state.backfill).toEqual({ nextId: FROM_THE_NEWEST, untilId: '9' });
  });

  it('R2 stays where it is when a server lags behind', async () => {
    const subject = rig(() => ({ type: 'empty', pts: 3, final: true, timeoutS: null }), { pts: 7 });
    subject.stands(7);
    await expect(subject.read()).rejects.toMatchObject({ kind: 'transient' });
    expect(subject.submissions).toEqual([]);
    expect(subject.state.pts).toBe(7);
  });

  it('R2 asks for less where a slice cannot be read, steps over the object itself, and notes where its message may be', async () => {
    const subject = rig(
      ({ pts, limit }) => {
        if (pts === 0 && limit > 10) throw UNREADABLE;
        if (pts === 13) throw UNREADABLE;
        return slice(pts === 0 ? 13 : 15, pts !== 0);
      },
      { lastMessageId: '0' },
    );
    await subject.read();
    expect(subject.asked.filter(({ pts }) => pts === 0).map(({ limit }) => limit)).toEqual([100, 50, 25, 13, 7]);
    expect(subject.asked.filter(({ pts }) => pts === 13).map(({ limit }) => limit)).toEqual([
      100, 50, 25, 13, 7, 4, 2, 1,
    ]);
    expect(subject.submissions[1]?.marks).toMatchObject({ pts: 14, backfill: { nextId: '114', untilId: '13' } });
    expect(subject.state.pts).toBe(15);
  });

  it('R2 never loops over what cannot be read at all: it begins where the channel stands', async () => {
    const subject = rig(() => {
      throw UNREADABLE;
    });
    subject.stands(5_000);
    await subject.read();
    expect(subject.asked.length).toBeLessThan(100);
    expect(subject.state.pts).toBe(5_000);
    expect(subject.state.backfill).toEqual({ nextId: FROM_THE_NEWEST, untilId: '0' });
  });

  it('R2 passes on what it can do nothing about', async () => {
    const gone = new TelegramError('channel-gone', 'CHANNEL_PRIVATE');
    const subject = rig(() => {
      throw gone;
    });
    await expect(subject.read()).rejects.toBe(gone);
    const stuck = rig(() => ({ ...slice(0, false), newMessages: [] }));
    await expect(stuck.read()).rejects.toMatchObject({ reason: 'DIFFERENCE_WITHOUT_PROGRESS' });
  });
});
