/**
 * The `queue` mode of a consumer: events come from the group's queue, the database decides whether they are handled.
 *
 * Promised: an event is acknowledged only after its work row, its effects and its outcome were committed; a repeat is
 *   acknowledged and counted; a failing event is tried four times in all, then stands in the dead letters and, with its
 *   reason, as `failed` in `message_work`.
 * Not promised: order of events that were tried again.
 * On failure: a crash before the commit leaves no trace, one after it a repeat.
 *
 *   what happened                              | work row            | answer to the broker
 *   -------------------------------------------|---------------------|--------------------------------------
 *   handled and committed                      | removed             | ack
 *   work row gone: finished before             | -                   | ack, counted as a duplicate
 *   claimed by another worker (`dual`)         | unchanged           | retry queue, not counted, then ack
 *   handler failed, tries left                 | attempts + 1        | retry queue, then ack
 *   handler failed for the last time           | `failed`, attempts+1| reject without requeue: dead letters
 *   database away                              | unchanged           | none yet: waits and tries again
 *   process asked to stop                      | as far as it got    | ack for what committed, the rest comes again
 */
import type { TelegramMessageQueue } from '../queue/telegram-message-queue.js';
import { EVERY_CHANNEL } from '../queue/telegram-message-queue.js';
import type { EventProcessor } from './event-processor.js';

/** Subscribes the group to every channel. Call before `queue.initialize()`. */
export async function consumeFromQueue(queue: TelegramMessageQueue, processor: EventProcessor): Promise<void> {
  await queue.subscribeToChannel(EVERY_CHANNEL, (event, delivery) => processor.process(event, delivery));
}
