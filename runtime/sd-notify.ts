import { execFile } from 'node:child_process';
import { writeSync } from 'node:fs';
import type { Logger } from './logger.js';

/**
 * Tells systemd how the service is: READY=1, STATUS=..., WATCHDOG=1, STOPPING=1.
 *
 * Node has no unix datagram sockets, so there are two ways, tried in this order:
 *
 * 1. A descriptor named `notify` that systemd opens for the process (`OpenFile=/run/systemd/notify:notify` in the unit,
 *    systemd 253 or newer: a connected datagram socket). A write is the message: no process, below a millisecond, and it
 *    comes from the main process, so `NotifyAccess=main` is enough. Seen on systemd 257.
 * 2. `systemd-notify`, a process a message (20 ms, more on a busy machine; the caller does not wait). It comes from a
 *    child, so it needs `NotifyAccess=all`: with `main` systemd drops it. It stays until systemd has read the message,
 *    which is how systemd still sees whose child it was. Seen on systemd 252.
 *
 * The unit that works on every version: `Type=notify`, `NotifyAccess=all`, the `OpenFile=` line (an older systemd ignores
 * what it does not know), AF_UNIX in `RestrictAddressFamilies=`, and `KillMode=mixed`, or a stop ends `systemd-notify`
 * together with the process that is just saying STOPPING=1. Both ways were tried without capabilities, as a user of its
 * own, under NoNewPrivileges, ProtectSystem=strict, PrivateTmp and SystemCallFilter=@system-service.
 *
 * Promised: messages go out in order, and never hold up or fail the caller. Not promised: that systemd read one.
 */
export interface Notifier {
  notify(state: Readonly<Record<string, string>>): void;
  /** Resolves when what was said so far has been handed over. */
  flushed(): Promise<void>;
  /** Within this time systemd wants to hear WATCHDOG=1; null when it does not watch. */
  readonly watchdogMs: number | null;
}

export function createNotifier(env: NodeJS.ProcessEnv, logger: Logger, pid = process.pid): Notifier {
  const watchdogMs = watchdogOf(env, pid);
  const descriptor = inheritedDescriptor(env, pid);
  if (descriptor !== null) return new DescriptorNotifier(descriptor, watchdogMs, logger);
  if (env['NOTIFY_SOCKET'] !== undefined && env['NOTIFY_SOCKET'] !== '') return new CommandNotifier(watchdogMs, logger);
  return { notify: () => undefined, flushed: () => Promise.resolve(), watchdogMs: null };
}

class DescriptorNotifier implements Notifier {
  constructor(
    private readonly descriptor: number,
    readonly watchdogMs: number | null,
    private readonly logger: Logger,
  ) {}

  notify(state: Readonly<Record<string, string>>): void {
    try {
      writeSync(this.descriptor, assignments(state).join('\n'));
    } catch (error) {
      this.logger.warn({ err: error }, 'systemd was not notified');
    }
  }

  flushed(): Promise<void> {
    return Promise.resolve();
  }
}

class CommandNotifier implements Notifier {
  #last: Promise<void> = Promise.resolve();

  constructor(
    readonly watchdogMs: number | null,
    private readonly logger: Logger,
  ) {}

  notify(state: Readonly<Record<string, string>>): void {
    this.#last = this.#last.then(() => this.#send(assignments(state)));
  }

  flushed(): Promise<void> {
    return this.#last;
  }

  #send(words: readonly string[]): Promise<void> {
    return new Promise((resolve) => {
      execFile('systemd-notify', [...words], { timeout: 5_000 }, (error) => {
        if (error) this.logger.warn({ reason: error.message.trim() }, 'systemd was not notified');
        resolve();
      });
    });
  }
}

/** One assignment a line; a line break in a value would begin another. */
function assignments(state: Readonly<Record<string, string>>): string[] {
  return Object.entries(state).map(([name, value]) => `${name}=${value.replaceAll('\n', ' ')}`);
}

/** systemd numbers what it passes from 3 on. */
function inheritedDescriptor(env: NodeJS.ProcessEnv, pid: number): number | null {
  if (env['LISTEN_PID'] !== String(pid)) return null;
  const index = (env['LISTEN_FDNAMES'] ?? '').split(':').indexOf('notify');
  return index === -1 ? null : 3 + index;
}

function watchdogOf(env: NodeJS.ProcessEnv, pid: number): number | null {
  const microseconds = Number(env['WATCHDOG_USEC'] ?? 0);
  const watched = env['WATCHDOG_PID'] ?? String(pid);
  return microseconds > 0 && watched === String(pid) ? microseconds / 1_000 : null;
}
