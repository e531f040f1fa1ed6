import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { EngineError } from './errors.js';

const ALGORITHM = 'aes-256-gcm';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** Encrypts under the entry's own name, so that a blob moved to another entry does not open there. */
export function seal(key: Buffer, name: string, value: unknown): string {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(ALGORITHM, key, nonce).setAAD(Buffer.from(name));
  const data = Buffer.concat([cipher.update(JSON.stringify(value), 'utf8'), cipher.final()]);
  return Buffer.concat([nonce, cipher.getAuthTag(), data]).toString('base64');
}

/** The reverse of `seal`; throws when key, name or text are not the ones that were used. */
export function unseal(key: Buffer, name: string, sealed: string): unknown {
  const bytes = Buffer.from(sealed, 'base64');
  const decipher = createDecipheriv(ALGORITHM, key, bytes.subarray(0, NONCE_BYTES)).setAAD(Buffer.from(name));
  decipher.setAuthTag(bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES));
  const data = Buffer.concat([decipher.update(bytes.subarray(NONCE_BYTES + TAG_BYTES)), decipher.final()]);
  return JSON.parse(data.toString('utf8')) as unknown;
}

/** Reads the key beside the state, or makes it. A state that already exists never gets a new key: it would be unreadable. */
export function openKey(stateDir: string, stateExists: boolean): Buffer {
  const file = join(stateDir, 'engine.key');
  if (!existsSync(file)) {
    if (stateExists)
      throw new EngineError('ENGINE_KEY_MISSING', `${file} is missing, the state beside it was sealed with it`);
    writeFileSync(file, `${randomBytes(32).toString('hex')}\n`, { mode: 0o600, flag: 'wx', flush: true });
  }
  const key = Buffer.from(readFileSync(file, 'utf8').trim(), 'hex');
  if (key.length !== 32) throw new EngineError('ENGINE_KEY_MISSING', `${file} does not hold a key of 32 bytes`);
  return key;
}
