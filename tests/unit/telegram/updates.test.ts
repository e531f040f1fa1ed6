import { describe, expect, it } from '@jest/globals';
import { ChannelWorker } from '../../../runtime/telegram/channel-worker.js';
import { UpdateIngress, type UnknownChannel } from '../../../runtime/telegram/updates.js';
import { logger } from './support/bench.js';
import { channelState, newPost, storedChannel, unlimited } from './support/plain.js';

function ingressOf(unknown: UnknownChannel[]): UpdateIngress {
  return new UpdateIngress({
    createWorker: ({ id }) =>
      new ChannelWorker({
        state: channelState(id, () => Promise.resolve()),
        ...{ readOn: () => Promise.resolve(null), budget: unlimited(), logger, onFatal: () => undefined },
      }),
    onUnknown: (channel) => void unknown.push(channel),
    onStanding: () => undefined,
    logger,
  });
}

const push = (post: ReturnType<typeof newPost>) => ({
  ...{ updates: [post], tooLong: [], allTooLong: false, channels: [], standing: [] },
});

describe('ingress', () => {
  it('S5 begins no worker after it was closed, whoever still hands over channels or updates', () => {
    const unknown: UnknownChannel[] = [];
    const ingress = ingressOf(unknown);
    ingress.sync([storedChannel('1')]);
    ingress.close();
    ingress.sync([storedChannel('1'), storedChannel('2')]);
    ingress.accept(push(newPost('3', 1)));
    expect(ingress.workers.map(({ state }) => state.id)).toEqual(['1']);
    expect(unknown).toEqual([]);
  });

  it('R2 an unknown channel begins at the earliest update seen, also where pushes overtook each other', () => {
    const unknown: UnknownChannel[] = [];
    const ingress = ingressOf(unknown);
    for (const id of [7, 8, 6, 9]) ingress.accept(push(newPost('3', id)));
    const begins = unknown.map(({ pts }) => pts ?? NaN);
    expect(begins).toHaveLength(2);
    expect(begins[1]).toBe((begins[0] ?? NaN) - 1);
  });
});
