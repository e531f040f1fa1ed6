import { createHash, createHmac, pbkdf2Sync } from 'node:crypto';

const KEY_BYTES = 32;

/**
 * What PostgreSQL stores instead of a password, byte for byte:
 * `SCRAM-SHA-256$<iterations>:<salt>$<StoredKey>:<ServerKey>` (RFC 5802, RFC 7677). One verifier serves PostgreSQL and PgBouncer, which can then pass a login through; neither of
 * them learns the password.
 *
 * The same input always gives the same text, so the salt has to be kept. The password must be ASCII: others would need
 * SASLprep first, and a password that only one side prepared never logs in.
 */
export function scramVerifier(password: string, saltBase64: string, iterations = 4096): string {
  if (!/^[\x20-\x7e]+$/.test(password)) throw new Error('scramVerifier: expected a password of printable ASCII');
  const salt = Buffer.from(saltBase64, 'base64');
  if (salt.length === 0) throw new Error('scramVerifier: expected a base64 salt');
  const salted = pbkdf2Sync(password, salt, iterations, KEY_BYTES, 'sha256');
  const clientKey = createHmac('sha256', salted).update('Client Key').digest();
  const storedKey = createHash('sha256').update(clientKey).digest('base64');
  const serverKey = createHmac('sha256', salted).update('Server Key').digest('base64');
  return `SCRAM-SHA-256$${String(iterations)}:${salt.toString('base64')}$${storedKey}:${serverKey}`;
}
