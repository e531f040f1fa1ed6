import { setTimeout as delay } from 'node:timers/promises';
import { renderUnicodeCompact } from 'uqr';
import type { LoginPort, LoginStep } from '../telegram/login-port.js';
import type { Talk } from './talk.js';

/** White on black whatever the terminal's colours are: a reader needs the contrast that way round. */
const COLOURS = { on: '\x1b[97;40m', off: '\x1b[0m' };
const HOW = 'In the Telegram app: Settings → Devices → Link Desktop Device, then scan.';
/** The seconds that are left are drawn again this often. */
const TICK_MS = 1_000;

/** Shows one token after the other until one is scanned. Without a terminal the address itself is said. */
export async function byQr(port: LoginPort, talk: Talk, signal: AbortSignal): Promise<LoginStep> {
  let wake = new AbortController();
  let scanned = false;
  port.onScanned(() => {
    scanned = true;
    wake.abort();
  });
  try {
    for (;;) {
      signal.throwIfAborted();
      scanned = false;
      wake = new AbortController();
      const step = await port.nextToken();
      if (step.type !== 'token') return step;
      if (!talk.interactive)
        talk.say(`Open this with a logged-in Telegram app within ${left(step.leftMs)}: ${step.url}`);
      const until = performance.now() + step.leftMs;
      const isScanned = () => scanned;
      while (!isScanned() && performance.now() < until && !signal.aborted) {
        if (talk.interactive) talk.draw([...qrLines(step.url), HOW, `Valid for ${left(until - performance.now())}.`]);
        const pause = Math.min(TICK_MS, Math.max(until - performance.now(), 1));
        await delay(pause, undefined, { signal: AbortSignal.any([signal, wake.signal]) }).catch(() => undefined);
      }
      if (isScanned()) {
        talk.draw([]);
        talk.say('Scanned, finishing …');
      }
    }
  } finally {
    talk.draw([]);
  }
}

const left = (ms: number) => `${String(Math.max(0, Math.ceil(ms / 1_000)))} s`;

export function qrLines(url: string): string[] {
  return renderUnicodeCompact(url, { ecc: 'L', border: 2 })
    .split('\n')
    .map((line) => `${COLOURS.on}${line}${COLOURS.off}`);
}
