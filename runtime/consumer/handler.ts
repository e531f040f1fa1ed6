import type { TelegramEvent } from '../events.js';
import type { Logger } from '../logger.js';
import type { Transaction } from '../store/database.js';

/**
 * What an application does with an event.
 *
 * Promised: effects through `tx` happen exactly once an event and group: they commit together with the removal of the
 *   event's work row. Not promised: that `handle` is called once. A failing neighbour in the same batch, a lost
 *   connection or a crash calls it again, after everything in `tx` was rolled back. So any effect elsewhere (an HTTP
 *   call, a file) happens at least once, and has to bear a repeat: `event.id` is the same for every copy.
 *
 * One call has less than 30 seconds: the database ends a transaction that is silent for so long. What takes longer belongs into a
 * queue of the application's own, filled through `tx`.
 *
 * `tx` must not be used after the promise has settled. Throwing means: roll back, try again later, in the end dead letter.
 */
export type Handle = (event: TelegramEvent, tx: Transaction) => Promise<void>;

/**
 * The handler of the stack as it comes: it notes what passed, and changes nothing, so repeats do no harm. Put your
 * own in its place, for example
 *
 *     await tx.query('insert into app.words (event_id, words) values ($1, $2)', [event.id, event.text.split(/\s+/).length]);
 */
export function createExampleHandler(logger: Logger): Handle {
  return (event) => {
    logger.debug({ event: event.id, length: event.text.length, mediaType: event.mediaType }, 'event handled');
    return Promise.resolve();
  };
}
