import { hkdfSync } from 'node:crypto';

/**
 * `length` bytes from a generated password of at least 128 bits, the same ones every time (HKDF with SHA-256, RFC 5869).
 * Pulumi's `RandomBytes` would be shorter, but has its value for an id, and ids stand in state and previews in plain.
 */
export function secretBytes(password: string, purpose: string, length: number): Buffer {
  return Buffer.from(hkdfSync('sha256', password, '', purpose, length));
}
