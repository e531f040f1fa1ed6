import {
  createCipheriv,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  hkdfSync,
  randomBytes,
} from 'node:crypto';
import { SESSION_SEAL } from '../contract.js';

/**
 * A session, sealed so that whoever holds the key of the backups can open it (stack/session-seal.ts) and nobody else, the gateway
 * that sealed it among them: X25519 with a key made for the one message, HKDF with SHA-256, AES-256-GCM.
 */
export function sealSession(sealingKeyBase64: string, session: string): Buffer {
  const { privateKey, publicKey } = generateKeyPairSync('x25519');
  const spki = publicKey.export({ format: 'der', type: 'spki' });
  const [prefix, sender] = [spki.subarray(0, -SESSION_SEAL.publicBytes), spki.subarray(-SESSION_SEAL.publicBytes)];
  const receiver = createPublicKey({
    key: Buffer.concat([prefix, Buffer.from(sealingKeyBase64, 'base64')]),
    format: 'der',
    type: 'spki',
  });
  const shared = diffieHellman({ privateKey, publicKey: receiver });
  const key = Buffer.from(hkdfSync('sha256', shared, sender, SESSION_SEAL.purpose, 32));
  const nonce = randomBytes(SESSION_SEAL.nonceBytes);
  const cipher = createCipheriv('aes-256-gcm', key, nonce);
  return Buffer.concat([sender, nonce, cipher.update(session, 'utf8'), cipher.final(), cipher.getAuthTag()]);
}
