import { createPublicKey } from 'node:crypto';

/** Data centre and port that the session names; the gateway connects to the simulator's own address all the same. */
const DC_ID = 2;
const ADDRESS = '127.0.0.1';
const PORT = 443;

/**
 * Session string of the simulated account, in the Telegram client's own format: "1" and base64 of data centre, address,
 * port and 256-byte auth key. Whoever holds it is logged in at the simulator that knows the key.
 */
export function simulatorSession(authKeyHex: string): string {
  const host = Buffer.from(ADDRESS);
  const head = Buffer.alloc(3);
  head.writeUInt8(DC_ID, 0);
  head.writeInt16BE(host.length, 1);
  const port = Buffer.alloc(2);
  port.writeInt16BE(PORT);
  return `1${Buffer.concat([head, host, port, Buffer.from(authKeyHex, 'hex')]).toString('base64')}`;
}

/** Public key (base64 of the DER SPKI) by which the gateway knows the simulator. */
export function simulatorPublicKey(rsaPrivateKeyPem: string): string {
  return createPublicKey(rsaPrivateKeyPem).export({ type: 'spki', format: 'der' }).toString('base64');
}
