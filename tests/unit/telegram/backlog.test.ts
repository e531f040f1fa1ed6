import { describe, expect, it } from '@jest/globals';
import { metrics } from '../../../runtime/metrics.js';
import { Backlog } from '../../../runtime/telegram/backlog.js';
import { ChannelWorker } from '../../../runtime/telegram/channel-worker.js';
import type { ChannelUpdate } from '../../../runtime/telegram/client.js';
import { ingestMessage, range } from '../../support/messages.js';
import { logger } from './support/bench.js';
import { channelState, unlimited } from './support/plain.js';
import { waitFor } from './support/wait-for.js';

function post(channelId: string, pts: number, bytes = 1_000): ChannelUpdate {
  const { message } = ingestMessage(channelId, pts, { raw: Buffer.alloc(bytes) });
  return { type: 'new', channelId, pts, ptsCount: 1, message };
}

describe('updates that wait for the database', () => {
  it('R2 are bounded by what they hold, in all channels together', async () => {
    const backlog = new Backlog(100_000);
    let answer: () => void = () => undefined;
    const away = new Promise<void>((resolve) => (answer = resolve));
    const fetched: string[] = [];
    const depth = async () => (await metrics.queueDepth.get()).values[0]?.value ?? 0;
    const before = await depth();
    const workers = range(20).map(
      (channel) =>
        new ChannelWorker({
          state: channelState(String(channel), () => away),
          budget: unlimited(),
          backlog,
          logger,
          onFatal: () => undefined,
          readOn: ({ id }) => {
            fetched.push(id);
            return Promise.resolve(null);
          },
        }),
    );
    for (const pts of range(50)) for (const worker of workers) worker.enqueue(post(worker.state.id, pts), new Date());
    // 1,000 updates came, about 4 kB each; what is held stays near the limit.
    expect((await depth()) - before).toBeLessThan(30);
    answer();
    await waitFor('the channels that lost updates fetch them again', () => fetched.length > 0);
    await waitFor('nothing waits', () => workers.every((worker) => worker.idle));
    expect(backlog.full).toBe(false);
    expect(await depth()).toBe(before);
    for (const worker of workers) worker.close();
  });
});
