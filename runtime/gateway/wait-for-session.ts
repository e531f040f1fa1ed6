import { setTimeout as delay } from 'node:timers/promises';
import { readSession } from '../telegram/session.js';

/** How often the file is looked for; a login is done by a person. */
const LOOK_MS = 1_000;

/**
 * The session, as soon as there is one; null when `signal` came first. Looking again and again is what survives a
 * folder that does not exist yet, or is replaced.
 */
export async function waitForSession(path: string, signal: AbortSignal, onMissing: () => void): Promise<string | null> {
  let said = false;
  while (!signal.aborted) {
    const session = await readSession(path);
    if (session !== null) return session;
    if (!said) onMissing();
    said = true;
    await delay(LOOK_MS, undefined, { signal }).catch(() => undefined);
  }
  return null;
}
