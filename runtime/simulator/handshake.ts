import { createDiffieHellman, createHash, randomBytes } from 'node:crypto';
import { Api } from 'telegram/tl';
import { unixSeconds } from './clock.js';
import { decryptIge, encryptIge } from './cipher.js';
import { DH_G, DH_PRIME, to256 } from './dh-prime.js';
import type { AuthKey, RsaKey } from './keys.js';
import { largeInt, largeIntBytes, longFrom, objectLength, readObject, type Long, type TlObject } from './tl.js';

const sha1 = (...parts: Buffer[]) => createHash('sha1').update(Buffer.concat(parts)).digest();
const sha256 = (...parts: Buffer[]) => createHash('sha256').update(Buffer.concat(parts)).digest();
const xor = (a: Buffer, b: Buffer) => Buffer.from(a.map((byte, i) => byte ^ (b[i] ?? 0)));

/** Product of two 31-bit primes: cheap for the client to factorise. */
const PQ = Buffer.from((1_724_114_033n * 1_229_739_323n).toString(16).padStart(16, '0'), 'hex');

interface Exchange {
  readonly nonce: Long;
  readonly serverNonce: Long;
  newNonce?: Buffer;
  aes?: { key: Buffer; iv: Buffer };
  dh?: ReturnType<typeof createDiffieHellman>;
}

export interface HandshakeOptions {
  /** How far the server's clock is off. */
  readonly clock: { readonly skewMs: number };
  /** Takes the key that was agreed on. */
  readonly register: (authKey: Buffer) => AuthKey;
  /** @default node's */
  readonly random?: (length: number) => Buffer;
}

/**
 * The auth-key exchange of one connection. Not promised: `dh_gen_retry`. The client library does not pad its g^ab to
 * 256 bytes, so about one exchange in 256 fails on its side; it begins again on the same connection, hence a new
 * `req_pq_multi` is welcome at any time.
 */
export class Handshake {
  #exchange: Exchange | undefined;

  constructor(
    private readonly rsa: RsaKey,
    private readonly options: HandshakeOptions,
  ) {}

  /** The answer to one unencrypted request. Throws when the client breaks the protocol. */
  answer(request: TlObject): TlObject {
    if (request instanceof Api.ReqPqMulti || request instanceof Api.ReqPq) return this.#begin(request.nonce);
    if (this.#exchange === undefined) throw new Error(`${request.className} before req_pq_multi`);
    if (request instanceof Api.ReqDHParams) return this.#parameters(request.encryptedData, this.#exchange);
    if (request instanceof Api.SetClientDHParams) return this.#finish(request.encryptedData, this.#exchange);
    throw new Error(`${request.className} is not part of a handshake`);
  }

  #random(length: number): Buffer {
    return (this.options.random ?? randomBytes)(length);
  }

  #begin(nonce: Long): TlObject {
    const serverNonce = largeInt(this.#random(16));
    this.#exchange = { nonce, serverNonce };
    return new Api.ResPQ({
      nonce,
      serverNonce,
      pq: PQ,
      serverPublicKeyFingerprints: [longFrom(this.rsa.fingerprint)],
    });
  }

  #parameters(encrypted: Buffer, exchange: Exchange): TlObject {
    const inner = readInner(this.rsa.decrypt(to256(encrypted)));
    if (!(inner instanceof Api.PQInnerData || inner instanceof Api.PQInnerDataDc)) throw new Error('wrong inner data');
    exchange.newNonce = largeIntBytes(inner.newNonce, 32);
    exchange.aes = temporaryKeys(exchange.newNonce, largeIntBytes(exchange.serverNonce, 16));
    exchange.dh = createDiffieHellman(DH_PRIME, DH_G);
    exchange.dh.setPrivateKey(this.#random(256));
    const answer = new Api.ServerDHInnerData({
      nonce: exchange.nonce,
      serverNonce: exchange.serverNonce,
      g: DH_G,
      dhPrime: DH_PRIME,
      gA: to256(exchange.dh.generateKeys()),
      serverTime: unixSeconds() + Math.round(this.options.clock.skewMs / 1_000),
    }).getBytes();
    const plain = Buffer.concat([sha1(answer), answer]);
    const padded = Buffer.concat([plain, this.#random(-plain.length & 15)]);
    return new Api.ServerDHParamsOk({
      nonce: exchange.nonce,
      serverNonce: exchange.serverNonce,
      encryptedAnswer: encryptIge(padded, exchange.aes.key, exchange.aes.iv),
    });
  }

  #finish(encrypted: Buffer, exchange: Exchange): TlObject {
    const { newNonce, aes, dh } = exchange;
    if (newNonce === undefined || aes === undefined || dh === undefined)
      throw new Error('set_client_DH_params too early');
    const plain = decryptIge(encrypted, aes.key, aes.iv);
    const inner = readObject(plain.subarray(20));
    if (!(inner instanceof Api.ClientDHInnerData)) throw new Error('wrong client inner data');
    const key = this.options.register(to256(dh.computeSecret(inner.gB)));
    this.#exchange = undefined;
    const hash = sha1(newNonce, Buffer.from([1]), key.auxHash).subarray(4, 20);
    return new Api.DhGenOk({ nonce: exchange.nonce, serverNonce: exchange.serverNonce, newNonceHash1: largeInt(hash) });
  }
}

/** Today's clients use RSA_PAD, older ones (Telethon among them) a hash before the data; the real servers take both. */
function readInner(block: Buffer): TlObject {
  const plain = unwrapHashed(block);
  return readObject(plain ?? unwrapRsaPad(block));
}

/** A zero byte, SHA1 of the data, the data, anything; null when it is not that. */
function unwrapHashed(block: Buffer): Buffer | null {
  if (block[0] !== 0) return null;
  const rest = block.subarray(21);
  const length = objectLength(rest);
  if (length === null || !sha1(rest.subarray(0, length)).equals(block.subarray(1, 21))) return null;
  return rest.subarray(0, length);
}

/** RSA_PAD: 32 bytes of masked key, then AES-IGE (zero iv) over the reversed data and its hash. */
function unwrapRsaPad(block: Buffer): Buffer {
  const key = xor(block.subarray(0, 32), sha256(block.subarray(32)));
  const withHash = decryptIge(block.subarray(32), key, Buffer.alloc(32));
  const data = Buffer.from(withHash.subarray(0, 192)).reverse();
  if (!sha256(key, data).equals(withHash.subarray(192))) throw new Error('RSA_PAD hash does not match');
  return data;
}

function temporaryKeys(newNonce: Buffer, serverNonce: Buffer): { key: Buffer; iv: Buffer } {
  const a = sha1(newNonce, serverNonce);
  const b = sha1(serverNonce, newNonce);
  const c = sha1(newNonce, newNonce);
  return {
    key: Buffer.concat([a, b.subarray(0, 12)]),
    iv: Buffer.concat([b.subarray(12, 20), c, newNonce.subarray(0, 4)]),
  };
}
