import {
  createDecipheriv,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  hkdfSync,
  type KeyObject,
} from 'node:crypto';
import { SESSION_SEAL } from '../runtime/contract.js';
import { secretBytes } from './secret-bytes.js';

/** What stands before the 32 bytes of an X25519 key in DER (RFC 8410). */
const PKCS8 = Buffer.from('302e020100300506032b656e04220420', 'hex');
const SPKI = Buffer.from('302a300506032b656e032100', 'hex');
const { purpose, publicBytes, nonceBytes, tagBytes } = SESSION_SEAL;

function privateKeyOf(backupKey: string): KeyObject {
  const seed = secretBytes(backupKey, purpose, 32);
  return createPrivateKey({ key: Buffer.concat([PKCS8, seed]), format: 'der', type: 'pkcs8' });
}

/** What a gateway needs to seal its session (base64); public, it opens nothing. */
export function sealingKey(backupKey: string): string {
  const spki = createPublicKey(privateKeyOf(backupKey)).export({ format: 'der', type: 'spki' });
  return spki.subarray(SPKI.length).toString('base64');
}

/** The session, or null where it was sealed for another key or changed since. */
export function openSession(backupKey: string, sealed: Buffer): string | null {
  if (sealed.length < publicBytes + nonceBytes + tagBytes) return null;
  const sender = sealed.subarray(0, publicBytes);
  const nonce = sealed.subarray(publicBytes, publicBytes + nonceBytes);
  try {
    const publicKey = createPublicKey({ key: Buffer.concat([SPKI, sender]), format: 'der', type: 'spki' });
    const shared = diffieHellman({ privateKey: privateKeyOf(backupKey), publicKey });
    const decipher = createDecipheriv(
      'aes-256-gcm',
      Buffer.from(hkdfSync('sha256', shared, sender, purpose, 32)),
      nonce,
    );
    decipher.setAuthTag(sealed.subarray(-tagBytes));
    const text = decipher.update(sealed.subarray(publicBytes + nonceBytes, -tagBytes));
    return Buffer.concat([text, decipher.final()]).toString('utf8');
  } catch {
    return null;
  }
}
