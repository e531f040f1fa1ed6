import { Failing } from './check.js';

/** Longest wait for an answer, in milliseconds. */
const BOUND_MS = 10_000;

/** What is answered at an address, whatever its status; `Failing` with the cause and `fix` where nothing is. */
export async function answerOf(url: string, fix: string): Promise<Response> {
  return fetch(url, { signal: AbortSignal.timeout(BOUND_MS) }).catch((error: unknown) => {
    const { origin, pathname } = new URL(url);
    throw new Failing(`no answer from ${origin}${pathname}: ${causeOf(error)}`, fix);
  });
}

/** `fetch failed` says nothing; what it was caused by does. */
function causeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { code, message } = (error.cause ?? error) as NodeJS.ErrnoException;
  return code ?? message;
}
