import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { TelegramClient } from 'telegram';
import { Api } from 'telegram/tl';
import { ACCOUNT_USER_ID } from '../../../runtime/simulator/keys.js';
import { startSimulator, type Simulator } from '../../../runtime/simulator/simulator.js';
import { collectUpdates, createClient, trust, until } from './support/client.js';

let simulator: Simulator;
let client: TelegramClient;
beforeEach(async () => {
  simulator = await startSimulator();
  trust(simulator.publicKey);
  client = createClient(simulator, { session: '' });
});
afterEach(async () => {
  await client.destroy();
  await simulator.close();
});

describe('R10 a client without a key', () => {
  it('R10 agrees on one, may not read before it is logged in, and reads afterwards', async () => {
    await client.connect();
    expect(simulator.stats.handshakes).toBe(1);
    const self = () => client.invoke(new Api.users.GetUsers({ id: [new Api.InputUserSelf()] }));
    await expect(self()).rejects.toMatchObject({ code: 401, errorMessage: 'AUTH_KEY_UNREGISTERED' });
    expect(simulator.post(1_000_000_001, { text: 'not for strangers' }).pushedAt).toBeNull();

    const [keyId = ''] = simulator.keyring.negotiated;
    simulator.keyring.authorise(keyId, ACCOUNT_USER_ID);
    expect((await self())[0]?.id.toString()).toBe('777');
    await client.getMe();
    const updates = collectUpdates(client);
    simulator.post(1_000_000_001, { text: 'hello' });
    await until(() => updates.length === 1);
  }, 30_000);
});
