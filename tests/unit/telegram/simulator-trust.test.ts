import { describe, expect, it } from '@jest/globals';
import { _serverKeys } from 'telegram/crypto/RSA.js';
import { generateKeys, publicKeyBase64 } from '../../../runtime/simulator/keys.js';
import { trustSimulator } from '../../../runtime/telegram/gramjs/simulator-trust.js';

const publicKey = publicKeyBase64(generateKeys().rsaPrivateKeyPem);
const settings = {
  TELEGRAM_ENVIRONMENT: 'development',
  TELEGRAM_SIMULATOR_ADDRESS: 'telegram-simulator:4443',
  TELEGRAM_SIMULATOR_PUBLIC_KEY: publicKey,
} as const;

describe('trust in the simulator', () => {
  it('R10 needs an address: a key alone changes nothing', () => {
    const before = _serverKeys.size;
    expect(trustSimulator({ ...settings, TELEGRAM_SIMULATOR_ADDRESS: '' })).toBeNull();
    expect(_serverKeys.size).toBe(before);
  });

  it('R10 is refused in production', () => {
    const before = _serverKeys.size;
    expect(() => trustSimulator({ ...settings, TELEGRAM_ENVIRONMENT: 'production' })).toThrow(
      expect.objectContaining({ code: 'SIMULATOR_IN_PRODUCTION' }),
    );
    expect(_serverKeys.size).toBe(before);
  });

  it('R10 adds one key and gives the address', () => {
    const before = _serverKeys.size;
    expect(trustSimulator(settings)).toEqual({ host: 'telegram-simulator', port: 4_443 });
    expect(_serverKeys.size).toBe(before + 1);
  });

  it.each([
    ['TELEGRAM_SIMULATOR_ADDRESS', 'nowhere'],
    ['TELEGRAM_SIMULATOR_PUBLIC_KEY', 'no key'],
  ])('R12 names a wrong %s', (name, value) => {
    expect(() => trustSimulator({ ...settings, [name]: value })).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID', message: expect.stringContaining(name) as unknown }),
    );
  });
});
