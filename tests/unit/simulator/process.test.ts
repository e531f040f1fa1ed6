import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { StringSession } from 'telegram/sessions';
import { environmentSchema } from '../../../runtime/config.js';
import { createLogger } from '../../../runtime/logger.js';
import { Shutdown } from '../../../runtime/shutdown.js';
import { generateKeys, publicKeyBase64, sessionString } from '../../../runtime/simulator/keys.js';
import { runSimulator } from '../../../runtime/simulator/process.js';
import { createClient, trust } from './support/client.js';

const logger = createLogger('telegram-simulator', 'silent');
let stateDir: string;
beforeEach(() => {
  stateDir = mkdtempSync(join(tmpdir(), 'simulator-'));
});
afterEach(() => {
  rmSync(stateDir, { recursive: true });
});

/** Ports 0 are outside the schema of the environment, and right for a test. */
const environment = (more: Record<string, string>) => ({
  ...environmentSchema.parse({
    TELEGRAM_LISTEN_HOST: '127.0.0.1',
    TELEGRAM_SIMULATOR_STATE_DIR: stateDir,
    TELEGRAM_SIMULATOR_RATE: '0',
    ...more,
  }),
  TELEGRAM_SIMULATOR_MTPROTO_PORT: 0,
  TELEGRAM_SIMULATOR_CONTROL_PORT: 0,
});
const run = (more: Record<string, string> = {}) => runSimulator(environment(more), logger, new Shutdown(logger, 1_000));

describe('R10 the simulator process', () => {
  it('R10 refuses to run for a production environment', async () => {
    await expect(run({ TELEGRAM_ENVIRONMENT: 'production' })).rejects.toMatchObject({
      code: 'SIMULATOR_IN_PRODUCTION',
    });
  });

  it('R10 takes the keys that the stack made beforehand, so that session and public key are known without asking', async () => {
    const keys = generateKeys();
    const path = join(stateDir, 'given.json');
    writeFileSync(path, JSON.stringify(keys), { mode: 0o600 });
    const simulator = await run({ TELEGRAM_SIMULATOR_KEY_FILE: path });
    trust(publicKeyBase64(keys.rsaPrivateKeyPem));
    const client = createClient(simulator, { session: sessionString(keys.authKeyHex, 2, 'telegram-simulator', 443) });
    client.session.setDC(2, '127.0.0.1', 443);
    try {
      await client.connect();
      expect((await client.getMe()).id.toString()).toBe('777');
      expect(simulator.world.channels).toHaveLength(3);
    } finally {
      await client.destroy();
      await simulator.close();
    }
  });

  it('R10 makes its own keys when the key file does not exist, and names a broken one', async () => {
    const simulator = await run({ TELEGRAM_SIMULATOR_KEY_FILE: join(stateDir, 'absent.json') });
    expect(simulator.keys.authKeyHex).toHaveLength(512);
    await simulator.close();
    const broken = join(stateDir, 'broken.json');
    writeFileSync(broken, '{"authKeyHex": "00"}');
    await expect(run({ TELEGRAM_SIMULATOR_KEY_FILE: broken })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining(broken) as unknown,
    });
  });
});

describe('R10 the packed session', () => {
  it('R10 is read by the client library, with port 443', async () => {
    const authKeyHex = 'ab'.repeat(256);
    const session = new StringSession(sessionString(authKeyHex, 2, '127.0.0.1'));
    await session.load();
    expect([session.dcId, session.serverAddress, session.port]).toEqual([2, '127.0.0.1', 443]);
    expect(session.authKey?.getKey()?.toString('hex')).toBe(authKeyHex);
    expect(session.save()).toBe(sessionString(authKeyHex, 2, '127.0.0.1', 443));
  });
});
