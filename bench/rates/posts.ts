import { randomInt } from 'node:crypto';
import type { IngestMessage } from '../../runtime/ingest/message-store.js';
import { encodeUpdates } from '../../runtime/simulator/push-encoding.js';
import { readObject } from '../../runtime/simulator/tl.js';
import { World } from '../../runtime/simulator/world.js';
import type { UpdateBatch } from '../../runtime/telegram/client.js';
import '../../runtime/telegram/gramjs/fast-integers.js';
import { normaliseContainer } from '../../runtime/telegram/normalise.js';

export const ACCOUNT = 'bench';
const PACKED = 50;
const CHANNELS = 4;

/** Containers of 50 posts each as Telegram packs them, over a few channels in turn; as many posts as asked for, or a few more. */
export function containers(messages: number): Buffer[] {
  const world = new World({ channels: 0 });
  // Posts of earlier measurements in the same database must not be met again.
  const channels = Array.from({ length: CHANNELS }, () => world.createChannel());
  const packed: Buffer[] = [];
  for (let n = 0; n * PACKED < messages; n++) {
    const channel = channels[n % CHANNELS];
    if (!channel) continue;
    const text = (post: number) => `post ${String(post)} of a channel like many others, with a text of usual length`;
    packed.push(
      encodeUpdates(
        channel,
        Array.from({ length: PACKED }, (_, post) => world.post(channel, text(post))),
      ),
    );
  }
  return packed;
}

/** What the gateway does with the bytes of a container. */
export function decode(container: Buffer): UpdateBatch {
  const batch = normaliseContainer(readObject(container));
  if (!batch) throw new Error('a container of updates expected');
  return batch;
}

/** The posts of a container, as they are handed to the store; channels are moved by `shift`. */
export function postsOf(batch: UpdateBatch, shift: number): IngestMessage[] {
  return batch.updates.flatMap((update) => {
    if (update.type !== 'new') return [];
    const channelId = String(Number(update.channelId) + shift);
    const message = { ...update.message, channelId };
    return [{ accountId: ACCOUNT, source: 'push', receivedAt: new Date(), pts: null, message }];
  });
}

/** Puts the channels of one measurement apart from those of any other. */
export function ownShift(): number {
  return randomInt(1, 2 ** 40) * 1_000;
}

/** So many posts, ready to be stored. */
export function posts(messages: number): IngestMessage[] {
  const shift = ownShift();
  return containers(messages)
    .flatMap((container) => postsOf(decode(container), shift))
    .slice(0, messages);
}
