import { describe, expect, it } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createNotifier } from '../../../runtime/sd-notify.js';
import { logger } from '../telegram/support/bench.js';

describe('sd_notify', () => {
  it('S5 writes to the descriptor that systemd opened for it', () => {
    const folder = mkdtempSync(join(tmpdir(), 'notify-'));
    const path = join(folder, 'messages');
    const descriptor = openSync(path, 'w');
    const names = [...Array.from({ length: descriptor - 3 }, () => 'other'), 'notify'].join(':');
    const notifier = createNotifier({ LISTEN_PID: String(process.pid), LISTEN_FDNAMES: names }, logger);
    notifier.notify({ READY: '1', STATUS: 'two\nlines' });
    closeSync(descriptor);
    expect(readFileSync(path, 'utf8')).toBe('READY=1\nSTATUS=two lines');
    rmSync(folder, { recursive: true });
  });

  it('S5 ignores descriptors that are meant for another process', async () => {
    const notifier = createNotifier({ LISTEN_PID: '1', LISTEN_FDNAMES: 'notify', WATCHDOG_USEC: '30000000' }, logger);
    notifier.notify({ READY: '1' });
    await notifier.flushed();
    expect(notifier.watchdogMs).toBeNull();
  });

  it('S5 reads how often systemd wants to hear of it', () => {
    const env = { NOTIFY_SOCKET: '/run/systemd/notify', WATCHDOG_USEC: '30000000' };
    expect(createNotifier(env, logger).watchdogMs).toBe(30_000);
    expect(createNotifier({ ...env, WATCHDOG_PID: '1' }, logger).watchdogMs).toBeNull();
    expect(createNotifier({ ...env, WATCHDOG_PID: String(process.pid) }, logger).watchdogMs).toBe(30_000);
  });

  it('S5 goes on when systemd-notify fails', async () => {
    const notifier = createNotifier({ NOTIFY_SOCKET: '/nonexistent/notify' }, logger);
    notifier.notify({ READY: '1' });
    await expect(notifier.flushed()).resolves.toBeUndefined();
  });

  it('S5 does nothing without systemd', async () => {
    const child = spawn(process.execPath, ['-e', '']);
    await once(child, 'exit');
    await expect(createNotifier({}, logger).flushed()).resolves.toBeUndefined();
  });
});
