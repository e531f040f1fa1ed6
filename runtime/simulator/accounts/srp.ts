/**
 * The server's half of Telegram's two-step verification (SRP, 2048 bit), written from the protocol's description and not
 * from the client library, so that the two check each other. The password itself is never sent, nor kept here.
 */
import { createHash, pbkdf2Sync, randomBytes, timingSafeEqual } from 'node:crypto';
import { DH_G, DH_PRIME, to256 } from '../dh-prime.js';

const sha256 = (...parts: Buffer[]) => createHash('sha256').update(Buffer.concat(parts)).digest();
const salted = (data: Buffer, salt: Buffer) => sha256(salt, data, salt);
const numberOf = (bytes: Buffer) => BigInt(`0x${bytes.toString('hex')}`);
const bytesOf = (value: bigint) => to256(Buffer.from(value.toString(16).padStart(512, '0'), 'hex').subarray(-256));
const xor = (a: Buffer, b: Buffer) => Buffer.from(a.map((byte, i) => byte ^ (b[i] ?? 0)));

const P = numberOf(DH_PRIME);
const G = BigInt(DH_G);
const G_BYTES = to256(Buffer.of(DH_G));
const K = numberOf(sha256(DH_PRIME, G_BYTES));
const ITERATIONS = 100_000;

export function modPow(base: bigint, exponent: bigint, modulus: bigint): bigint {
  let result = 1n;
  let square = base % modulus;
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = (result * square) % modulus;
    square = (square * square) % modulus;
  }
  return result;
}

/** What a server keeps of a password. */
export interface Verifier {
  readonly salt1: Buffer;
  readonly salt2: Buffer;
  /** g^x mod p, where x follows from the password and the salts. */
  readonly v: bigint;
}

export function verifierOf(password: string): Verifier {
  const [salt1, salt2] = [randomBytes(8), randomBytes(16)];
  const inner = salted(salted(Buffer.from(password), salt1), salt2);
  const x = numberOf(salted(pbkdf2Sync(inner, salt1, ITERATIONS, 64, 'sha512'), salt2));
  return { salt1, salt2, v: modPow(G, x, P) };
}

/** One offer to check a password; good for one attempt. */
export class SrpExchange {
  /** Names the offer. */
  readonly id = randomBytes(8).readBigInt64LE();
  readonly #b = numberOf(randomBytes(256));
  /** The server's public value, 256 bytes. */
  readonly B: Buffer;

  constructor(private readonly verifier: Verifier) {
    this.B = bytesOf((K * verifier.v + modPow(G, this.#b, P)) % P);
  }

  /** Whether the client's proof shows that it knows the password. */
  verify(clientA: Buffer, proof: Buffer): boolean {
    if (clientA.length === 0 || clientA.length > 256) return false;
    const A = to256(clientA);
    // A multiple of p would make the shared secret 0 for everybody.
    if (numberOf(A) % P === 0n) return false;
    const { salt1, salt2, v } = this.verifier;
    const u = numberOf(sha256(A, this.B));
    const shared = modPow((numberOf(A) * modPow(v, u, P)) % P, this.#b, P);
    const expected = sha256(
      xor(sha256(DH_PRIME), sha256(G_BYTES)),
      ...[sha256(salt1), sha256(salt2), A, this.B, sha256(bytesOf(shared))],
    );
    return proof.length === expected.length && timingSafeEqual(proof, expected);
  }
}
