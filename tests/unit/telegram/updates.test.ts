import { describe, expect, it } from '@jest/globals';
import { ChannelWorker } from '../../../runtime/telegram/channel-worker.js';
import { UpdateIngress, type UnknownChannel } from '../../../runtime/telegram/updates.js';
import { logger } from './support/bench.js';
import { channelState, newPost, storedChannel, unlimited } from './support/plain.js';

describe('ingress', () => {
  it('S5 begins no worker after it was closed, whoever still hands over channels or updates', () => {
    const unknown: UnknownChannel[] = [];
    const ingress = new UpdateIngress({
      createWorker: ({ id }) =>
        new ChannelWorker({
          state: channelState(id, () => Promise.resolve()),
          ...{ readOn: () => Promise.resolve(null), budget: unlimited(), logger, onFatal: () => undefined },
        }),
      onUnknown: (channel) => void unknown.push(channel),
      onStanding: () => undefined,
      logger,
    });
    ingress.sync([storedChannel('1')]);
    ingress.close();
    ingress.sync([storedChannel('1'), storedChannel('2')]);
    ingress.accept({ updates: [newPost('3', 1)], tooLong: [], allTooLong: false, channels: [], standing: [] });
    expect(ingress.workers.map(({ state }) => state.id)).toEqual(['1']);
    expect(unknown).toEqual([]);
  });
});
