import { sealPacket, type EncryptedMessage } from '../../../../runtime/simulator/cipher.js';
import type { AuthKey } from '../../../../runtime/simulator/keys.js';

/** A packet as a client would send it. */
export function clientPacket(key: AuthKey, message: EncryptedMessage, fill?: (target: Buffer) => void): Buffer {
  return sealPacket(key, message, 0, fill);
}
