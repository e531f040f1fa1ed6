/** A consumer of its own: counts the words of every message, each exactly once. See README.md, "Your own handler". */
import { runConsumer } from '../runtime/consumer/process.js';
import { startWithCredentials } from '../runtime/start.js';

void startWithCredentials('count-words', (context) =>
  runConsumer(context, async (event, tx) => {
    if (event.kind !== 'message.created') return;
    const words = event.text.split(/\s+/).filter(Boolean).length;
    await tx.query('insert into public.words (event_id, words) values ($1, $2)', [event.id, words]);
  }),
);
