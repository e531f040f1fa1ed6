import { createHash, createPublicKey } from 'node:crypto';
import bigInt from 'big-integer';
import { helpers } from 'telegram';
import { _serverKeys } from 'telegram/crypto/RSA.js';
import { serializeBytes } from 'telegram/tl/index.js';
import type { Environment } from '../../config.js';
import { RuntimeError } from '../../errors.js';
import type { Endpoint } from './socket.js';

type SimulatorSettings = Pick<
  Environment,
  'TELEGRAM_ENVIRONMENT' | 'TELEGRAM_SIMULATOR_ADDRESS' | 'TELEGRAM_SIMULATOR_PUBLIC_KEY'
>;

/**
 * Where the simulator listens, its key trusted from here on; null when none is configured.
 *
 * Trusting a foreign key lets its owner sit between the gateway and Telegram. That is why this happens in this module
 * only, with an address set, and never in production.
 */
export function trustSimulator(settings: SimulatorSettings): Endpoint | null {
  const address = settings.TELEGRAM_SIMULATOR_ADDRESS;
  if (address === '') return null;
  if (settings.TELEGRAM_ENVIRONMENT === 'production')
    throw new RuntimeError('SIMULATOR_IN_PRODUCTION', 'TELEGRAM_SIMULATOR_ADDRESS is set in a production environment');
  const match = /^(.+):(\d{1,5})$/.exec(address);
  if (!match?.[1])
    throw new RuntimeError('CONFIG_INVALID', `TELEGRAM_SIMULATOR_ADDRESS: expected host:port, got "${address}"`);
  if (settings.TELEGRAM_SIMULATOR_PUBLIC_KEY !== '') trustKey(settings.TELEGRAM_SIMULATOR_PUBLIC_KEY);
  return { host: match[1], port: Number(match[2]) };
}

/** Adds an RSA key (base64 of DER, SPKI) to those whose handshake the library accepts. */
function trustKey(base64: string): void {
  let jwk: { n?: string; e?: string };
  try {
    jwk = createPublicKey({ key: Buffer.from(base64, 'base64'), format: 'der', type: 'spki' }).export({
      format: 'jwk',
    });
  } catch (cause) {
    throw new RuntimeError('CONFIG_INVALID', 'TELEGRAM_SIMULATOR_PUBLIC_KEY: expected base64 of a DER (SPKI) RSA key', {
      cause,
    });
  }
  const [n, e] = [Buffer.from(jwk.n ?? '', 'base64url'), Buffer.from(jwk.e ?? '', 'base64url')];
  const digest = createHash('sha1').update(serializeBytes(n)).update(serializeBytes(e)).digest();
  const fingerprint = helpers.readBigIntFromBuffer(digest.subarray(12, 20), true, true);
  _serverKeys.set(fingerprint.toString(), { n: bigInt(n.toString('hex'), 16), e: 65_537 });
}
