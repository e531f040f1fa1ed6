/**
 * Keys of the simulated data centre. Pure: the stack uses the helpers to make the session and the public key that a
 * gateway needs, without asking a running simulator.
 */
import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, randomBytes } from 'node:crypto';
import { constants, privateDecrypt, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { tlBytes } from './tl.js';

/** The account whose auth key the stack makes beforehand. */
export const ACCOUNT_USER_ID = 777;
/** Data centre number that sessions name. */
export const DC_ID = 2;
/** A session string holds its port as a signed 16-bit number; the client library ignores it when it connects. */
export const SESSION_PORT = 443;

export const keysSchema = z.object({
  rsaPrivateKeyPem: z.string().min(1),
  /** 256 bytes. */
  authKeyHex: z.string().regex(/^[0-9a-f]{512}$/i, 'expected 512 hexadecimal digits'),
});
export type SimulatorKeys = z.output<typeof keysSchema>;

export function generateKeys(): SimulatorKeys {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2_048, publicExponent: 65_537 });
  return {
    rsaPrivateKeyPem: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    authKeyHex: randomBytes(256).toString('hex'),
  };
}

export function readKeyFile(path: string): SimulatorKeys {
  return keysSchema.parse(JSON.parse(readFileSync(path, 'utf8')));
}

/** What a gateway needs to trust the simulator: base64 of the DER SPKI. */
export function publicKeyBase64(rsaPrivateKeyPem: string): string {
  return createPublicKey(rsaPrivateKeyPem).export({ type: 'spki', format: 'der' }).toString('base64');
}

/**
 * A session in the client library's own format: "1" and base64 of data centre, address, port and auth key. Whoever
 * holds it is logged in. Ports above 32767 do not fit, hence 443 whatever the real one is.
 */
export function sessionString(authKeyHex: string, dcId = DC_ID, address = '127.0.0.1', port = SESSION_PORT): string {
  const host = Buffer.from(address);
  const head = Buffer.alloc(3);
  head.writeUInt8(dcId, 0);
  head.writeInt16BE(host.length, 1);
  const tail = Buffer.alloc(2);
  tail.writeInt16BE(port);
  return `1${Buffer.concat([head, host, tail, Buffer.from(authKeyHex, 'hex')]).toString('base64')}`;
}

const sha1 = (data: Buffer) => createHash('sha1').update(data).digest();

/** The private RSA operation and the fingerprint under which clients know the key. */
export class RsaKey {
  readonly #key: KeyObject;
  /** Low 64 bits of SHA1(TL bytes of n, TL bytes of e), as on the wire. */
  readonly fingerprint: Buffer;

  constructor(pem: string) {
    this.#key = createPrivateKey(pem);
    const { n = '', e = '' } = this.#key.export({ format: 'jwk' });
    const [modulus, exponent] = [Buffer.from(n, 'base64url'), Buffer.from(e, 'base64url')];
    this.fingerprint = sha1(Buffer.concat([tlBytes(modulus), tlBytes(exponent)])).subarray(12, 20);
  }

  /** c^d mod n without any padding scheme: 256 bytes. */
  decrypt(block: Buffer): Buffer {
    return privateDecrypt({ key: this.#key, padding: constants.RSA_NO_PADDING }, block);
  }
}

/** An auth key with what MTProto derives from it. */
export class AuthKey {
  /** First 8 bytes of SHA1, used in the handshake's closing hash. */
  readonly auxHash: Buffer;
  /** Last 8 bytes of SHA1: the head of every encrypted packet. */
  readonly idBytes: Buffer;
  /** The same, hexadecimal. */
  readonly id: string;
  #salt: { readonly epoch: number; readonly value: bigint } | undefined;

  constructor(readonly bytes: Buffer) {
    const digest = sha1(bytes);
    this.auxHash = digest.subarray(0, 8);
    this.idBytes = digest.subarray(12, 20);
    this.id = this.idBytes.toString('hex');
  }

  /** Server salt. The same until the epoch changes; the real servers change it every half hour. */
  salt(epoch: number): bigint {
    if (this.#salt?.epoch !== epoch) {
      const value = createHash('sha256')
        .update(this.bytes)
        .update(`salt ${String(epoch)}`)
        .digest()
        .readBigInt64LE();
      this.#salt = { epoch, value };
    }
    return this.#salt.value;
  }
}
