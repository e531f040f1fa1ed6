import { UserError } from '../stack/errors.js';

/** Aborted by Ctrl-C, with the error that says so of `what`: a run that takes back what it has begun. */
export function interruption(what: string): AbortSignal {
  const interrupted = new AbortController();
  process.once('SIGINT', () => {
    interrupted.abort(new UserError('INTERRUPTED', `${what} was interrupted; the stack is as it was`));
  });
  return interrupted.signal;
}
