import type { Logger } from '../logger.js';
import type { Notifier } from '../sd-notify.js';

export interface SupervisionOptions {
  readonly notifier: Notifier;
  readonly logger: Logger;
  /** False when only a restart helps. */
  readonly alive: () => boolean;
  /** One line for `systemctl status`. */
  readonly status: () => string;
}

/** Without a watchdog the status line is refreshed this often. */
const STATUS_MS = 10_000;

/**
 * Keeps systemd informed. A timer on the event loop sends WATCHDOG=1 at half of the allowed time, and only while the
 * pipeline moves: a blocked loop or a hung commit makes systemd restart the service. Returns the way to stop.
 */
export function superviseWithSystemd(options: SupervisionOptions): () => void {
  const { notifier, logger, alive, status } = options;
  let last = '';
  const beat = (): void => {
    const state: Record<string, string> = {};
    if (notifier.watchdogMs !== null && alive()) state['WATCHDOG'] = '1';
    else if (notifier.watchdogMs !== null) logger.error('the pipeline does not move: leaving the watchdog unanswered');
    const line = status();
    if (line !== last) state['STATUS'] = last = line;
    if (Object.keys(state).length > 0) notifier.notify(state);
  };
  const timer = setInterval(
    beat,
    notifier.watchdogMs === null ? STATUS_MS : Math.min(notifier.watchdogMs / 2, STATUS_MS),
  );
  return () => {
    clearInterval(timer);
  };
}
