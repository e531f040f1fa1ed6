import { TelegramError } from '../client.js';

/**
 * The result of `work`, unless the deadline or the end of the client comes first: the library itself knows neither, and
 * its calls would hang for ever. What `work` does afterwards is ignored.
 */
export function within<T>(work: Promise<T>, what: string, deadlineMs: number, closed: AbortSignal): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const gone = (): void => {
      settle();
      reject(closed.reason instanceof Error ? closed.reason : new TelegramError('transient', 'CLIENT_CLOSED'));
    };
    const timer = setTimeout(() => {
      settle();
      reject(new TelegramError('timeout', `${what} took longer than ${String(deadlineMs)} ms`));
    }, deadlineMs);
    const settle = (): void => {
      clearTimeout(timer);
      closed.removeEventListener('abort', gone);
    };
    work.then(
      (value) => {
        settle();
        resolve(value);
      },
      (error: unknown) => {
        settle();
        reject(error instanceof Error ? error : new Error(String(error)));
      },
    );
    if (closed.aborted) gone();
    else closed.addEventListener('abort', gone);
  });
}
