import { UserError } from '../stack/errors.js';
import { report } from './output.js';

/** Aborted by Ctrl-C, with the error that says so of `what`: a run that takes back what it has begun. */
export function interruption(what: string): AbortSignal {
  const interrupted = new AbortController();
  process.once('SIGINT', () => {
    interrupted.abort(new UserError('INTERRUPTED', `${what} was interrupted; the stack is as it was`));
  });
  return interrupted.signal;
}

/** Says so of a Ctrl-C for which no part of the command has an answer of its own, and ends the process. */
export function answerInterrupts(): void {
  process.on('SIGINT', () => {
    if (process.listenerCount('SIGINT') > 1) return;
    process.exit(report(new UserError('INTERRUPTED', 'the command was interrupted')));
  });
}
