import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readEnvironment } from '../../../runtime/config.js';
import { CredentialStore } from '../../../runtime/credentials.js';
import { runGateway } from '../../../runtime/gateway/process.js';
import type { ChangeOver } from '../../../runtime/reload.js';
import { Shutdown } from '../../../runtime/shutdown.js';
import type { Simulator } from '../../../runtime/simulator/simulator.js';
import { startSimulator } from '../../support/simulator.js';
import { writeSession } from '../../../runtime/telegram/session.js';
import { lockSession } from '../../../runtime/telegram/session-lock.js';
import { logger } from '../telegram/support/bench.js';
import { MemoryStore } from '../telegram/support/memory-store.js';
import { waitFor } from '../telegram/support/wait-for.js';

jest.setTimeout(120_000);

/** The gateway process as it is composed, but for the database. */
describe('gateway process', () => {
  let simulator: Simulator;
  let folder: string;
  let port: number;
  let shutdown: Shutdown;
  let store: MemoryStore;
  const exits: (number | string | null | undefined)[] = [];

  beforeEach(async () => {
    exits.length = 0;
    jest.spyOn(process, 'exit').mockImplementation((code) => {
      exits.push(code);
      return undefined as never;
    });
    simulator = await startSimulator({ channels: 2 });
    folder = mkdtempSync(join(tmpdir(), 'gateway-'));
    port = await freePort();
    shutdown = new Shutdown(logger, 10_000);
    store = new MemoryStore();
    writeFileSync(credentialsFile(), '{}', { mode: 0o600 });
  });
  afterEach(async () => {
    await shutdown.stop(0);
    process.removeAllListeners('SIGHUP');
    await simulator.close();
    rmSync(folder, { recursive: true });
    jest.restoreAllMocks();
  });

  const credentialsFile = () => join(folder, 'credentials.json');
  const sessionFile = () => join(folder, 'default.session');

  /** Whether the parts were told that this process holds the session. */
  let holds = false;

  async function start(changeOver: ChangeOver = () => Promise.resolve()): Promise<CredentialStore> {
    const environment = readEnvironment({
      TELEGRAM_LISTEN_HOST: '127.0.0.1',
      TELEGRAM_LISTEN_PORT: String(port),
      TELEGRAM_SESSION_FILE: sessionFile(),
      TELEGRAM_SIMULATOR_ADDRESS: `127.0.0.1:${String(simulator.mtprotoPort)}`,
      TELEGRAM_SIMULATOR_PUBLIC_KEY: simulator.publicKey,
    });
    const credentials = new CredentialStore(credentialsFile());
    holds = false;
    const parts = { store, sinks: [], changeOver: [changeOver], start: () => (holds = true) };
    await runGateway(environment, credentials, logger, shutdown, parts);
    return credentials;
  }

  async function ready() {
    const response = await fetch(`http://127.0.0.1:${String(port)}/health/ready`);
    const body = (await response.json()) as { checks: Record<string, { ok: boolean; detail: string }> };
    return { status: response.status, ...body };
  }

  it('S5 runs without a session, says what it waits for, and goes on when there is one', async () => {
    await start();
    expect(holds).toBe(true);
    await waitFor('it waits', async () => (await ready()).checks['session']?.detail.includes('npm run login') ?? false);
    expect((await ready()).status).toBe(503);
    await writeSession(sessionFile(), simulator.session);
    await waitFor('ready', async () => (await ready()).status === 200);
    const { messageId } = simulator.post(simulator.world.channels[0]?.id ?? 0, { text: 'hello' });
    await waitFor('stored', () => store.ids(simulator.world.channels[0]?.id ?? 0).includes(messageId));
    expect(exits).toEqual([]);
  });

  it('S5 ends with its own exit code when Telegram refuses the session', async () => {
    await writeSession(sessionFile(), simulator.session);
    await start();
    await waitFor('ready', async () => (await ready()).status === 200);
    simulator.faults.inject({ kind: 'rpcError', method: '*', code: 401, message: 'SESSION_REVOKED' });
    simulator.kick();
    await waitFor('it ends', () => exits.length > 0);
    expect(exits[0]).toBe(65);
  });

  it('S5 tells a scraper, once it runs again, when and why it ended for good', async () => {
    await writeSession(sessionFile(), simulator.session);
    const fault = simulator.faults.inject({ kind: 'rpcError', method: '*', code: 401, message: 'SESSION_REVOKED' });
    const began = Date.now() / 1_000;
    await start();
    await waitFor('it ends', () => exits.length > 0);
    await shutdown.stop(0);
    simulator.faults.clear(fault.id);
    shutdown = new Shutdown(logger, 10_000);
    await start();
    const text = await (await fetch(`http://127.0.0.1:${String(port)}/metrics`)).text();
    const found = /^telegram_last_fatal_exit_timestamp_seconds\{(.*)\} (\S+)$/m.exec(text);
    expect(found?.[1]).toBe('code="TELEGRAM_AUTH_FATAL",reason="SESSION_REVOKED"');
    expect(Number(found?.[2])).toBeGreaterThanOrEqual(Math.floor(began));
    expect(Number(found?.[2])).toBeLessThanOrEqual(Date.now() / 1_000);
  });

  it('S5 starts all the same where the word of the last one cannot be read', async () => {
    writeFileSync(`${sessionFile()}.last-exit`, '{"code": "TELE');
    await writeSession(sessionFile(), simulator.session);
    await start();
    await waitFor('ready', async () => (await ready()).status === 200);
  });

  it('S5 refuses to start beside another gateway of the same session', async () => {
    const lock = await lockSession(sessionFile());
    await expect(start()).rejects.toMatchObject({ code: 'SESSION_IN_USE', exitCode: 66 });
    // Nor does it touch the outbox, which is in the other one's hands.
    expect(holds).toBe(false);
    await lock.release();
  });

  it('S4 reads its credentials again on SIGHUP, and keeps the old ones when they cannot be read', async () => {
    let reloads = 0;
    let changedOver = () => {};
    const changing = new Promise<void>((resolve) => (changedOver = resolve));
    const credentials = await start(() => {
      reloads += 1;
      return changing;
    });
    const inUse = async () => (await fetch(`http://127.0.0.1:${String(port)}/health/credentials/2`)).status === 200;
    writeFileSync(credentialsFile(), JSON.stringify({ epoch: 2, database: { user: 'gateway_b', password: 'new' } }));
    process.emit('SIGHUP');
    expect(credentials.current.database?.user).toBe('gateway_b');
    expect(await inUse()).toBe(false);
    changedOver();
    await waitFor('the new ones are in use', inUse);
    process.emit('SIGHUP');
    writeFileSync(credentialsFile(), 'broken');
    process.emit('SIGHUP');
    expect(credentials.current.database?.user).toBe('gateway_b');
    expect(reloads).toBe(1);
  });

  it('S5 leaves neither lock nor port behind when it is asked to stop', async () => {
    await writeSession(sessionFile(), simulator.session);
    await start();
    await waitFor('ready', async () => (await ready()).status === 200);
    await shutdown.stop(0);
    expect(exits).toEqual([0]);
    await expect(fetch(`http://127.0.0.1:${String(port)}/health/live`)).rejects.toThrow();
    await (await lockSession(sessionFile())).release();
    await waitFor('disconnected', () => simulator.connections.size === 0);
  });
});

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
