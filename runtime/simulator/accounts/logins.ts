import { randomBytes } from 'node:crypto';
import { RpcFailure } from '../rpc-failure.js';
import type { Account } from './accounts.js';
import { SrpExchange } from './srp.js';

/** Life of a QR login token, in seconds, as with Telegram. */
export const TOKEN_TTL_S = 30;
/** Life of a code, in seconds. */
const CODE_TTL_S = 300;
/** Codes and tokens that may wait at once: a client that asks for ever takes no memory. */
const MAX_PENDING = 1_000;

interface SentCode {
  readonly account: Account;
  readonly code: string;
  expiresAt: number;
}

export interface LoginToken {
  /** Key of the client that asked for it. */
  readonly keyId: string;
  /** `performance.now()`. */
  readonly expiresAt: number;
  /** Who scanned it; null while nobody did. */
  acceptedBy: Account | null;
}

/** Logins on their way: codes that were sent, tokens that are shown, and keys that only lack the password. */
export class Logins {
  readonly #codes = new Map<string, SentCode>();
  readonly #tokens = new Map<string, LoginToken>();
  readonly #waiting = new Map<string, Account>();
  readonly #offers = new Map<string, SrpExchange>();
  /** Life of a token, in seconds; shorter in tests. */
  tokenTtlS = TOKEN_TTL_S;

  sendCode(account: Account): string {
    const hash = randomBytes(9).toString('hex');
    bounded(this.#codes).set(hash, { account, code: account.code, expiresAt: performance.now() + CODE_TTL_S * 1_000 });
    return hash;
  }

  /** Every code that was sent is too old from now on. */
  expireCodes(): void {
    for (const sent of this.#codes.values()) sent.expiresAt = 0;
  }

  /** The account whose code it is; each good code works once. */
  checkCode(account: Account, hash: string, code: string): void {
    const sent = this.#codes.get(hash);
    if (code === '') throw new RpcFailure(400, 'PHONE_CODE_EMPTY');
    if (sent?.account !== account || sent.expiresAt <= performance.now())
      throw new RpcFailure(400, 'PHONE_CODE_EXPIRED');
    if (sent.code !== code) throw new RpcFailure(400, 'PHONE_CODE_INVALID');
    this.#codes.delete(hash);
  }

  /** The token that a client shows: the same one until it expires. */
  token(keyId: string): { readonly token: Buffer; readonly secondsLeft: number; readonly state: LoginToken } {
    const now = performance.now();
    for (const [hex, state] of this.#tokens) {
      if (state.expiresAt <= now && state.acceptedBy === null) this.#tokens.delete(hex);
      else if (state.keyId === keyId)
        return { token: Buffer.from(hex, 'hex'), secondsLeft: (state.expiresAt - now) / 1_000, state };
    }
    const token = randomBytes(32);
    const state = { keyId, expiresAt: now + this.tokenTtlS * 1_000, acceptedBy: null };
    bounded(this.#tokens).set(token.toString('hex'), state);
    return { token, secondsLeft: this.tokenTtlS, state };
  }

  /** Somebody scans a code with the app. Undefined for one that does not exist or has expired. */
  accept(token: Buffer, account: Account): LoginToken | undefined {
    const state = this.#tokens.get(token.toString('hex'));
    if (state === undefined || state.expiresAt <= performance.now()) return undefined;
    state.acceptedBy = account;
    return state;
  }

  /** The token is used up. */
  takeToken(token: Buffer): LoginToken | undefined {
    const hex = token.toString('hex');
    const state = this.#tokens.get(hex);
    this.#tokens.delete(hex);
    return state;
  }

  /** From here on only the password is missing. */
  awaitPassword(keyId: string, account: Account): void {
    bounded(this.#waiting).set(keyId, account);
  }

  waitingFor(keyId: string): Account | undefined {
    return this.#waiting.get(keyId);
  }

  done(keyId: string): void {
    this.#waiting.delete(keyId);
    this.#offers.delete(keyId);
  }

  /** A new offer replaces the client's former one. */
  offer(keyId: string, account: Account): SrpExchange | null {
    if (account.verifier === null) return null;
    const offer = new SrpExchange(account.verifier());
    bounded(this.#offers).set(keyId, offer);
    return offer;
  }

  takeOffer(keyId: string): SrpExchange | undefined {
    const offer = this.#offers.get(keyId);
    this.#offers.delete(keyId);
    return offer;
  }
}

/** The map, with room for one more: the oldest entry goes. */
function bounded<V>(map: Map<string, V>): Map<string, V> {
  const [oldest] = map.keys();
  if (oldest !== undefined && map.size >= MAX_PENDING) map.delete(oldest);
  return map;
}
