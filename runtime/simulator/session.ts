import { encryptPacket } from './cipher.js';
import { wallClockMs } from './clock.js';
import type { AuthKey } from './keys.js';
import type { Transport } from './transport.js';

/** The two low bits of a server's message id. */
export const REPLY = 1n;
export const NOTIFICATION = 3n;
export type MessageKind = typeof REPLY | typeof NOTIFICATION;

export interface OutgoingMessage {
  readonly body: Buffer;
  readonly kind: MessageKind;
  /** Must be acknowledged by the client: results and updates, but no pongs or salts. */
  readonly content: boolean;
}

/**
 * One MTProto session on one connection. Promised: message ids grow strictly, sequence numbers follow the protocol,
 * and packets leave in the order of the calls (everything here is synchronous). Not promised: that a session goes on
 * over a new connection; what was not acknowledged is not sent again, the client fetches differences.
 */
export class Session {
  #lastMsgId = 0n;
  #contentSent = 0;
  /** Set by the first call that does not refuse updates; before it nothing is pushed. */
  wantsUpdates = false;

  constructor(
    private readonly transport: Transport,
    readonly key: AuthKey,
    readonly id: bigint,
  ) {}

  send(message: OutgoingMessage): void {
    this.#write(this.#newMsgId(message.kind), this.#newSeqNo(message.content), message.body);
  }

  #write(msgId: bigint, seqNo: number, body: Buffer): void {
    this.transport.write(encryptPacket(this.key, { salt: this.key.salt, sessionId: this.id, msgId, seqNo, body }));
  }

  #newMsgId(kind: MessageKind): bigint {
    this.#lastMsgId = nextMsgId(this.#lastMsgId, kind);
    return this.#lastMsgId;
  }

  #newSeqNo(content: boolean): number {
    const seqNo = this.#contentSent * 2 + (content ? 1 : 0);
    if (content) this.#contentSent++;
    return seqNo;
  }
}

/** Unix time in 2^-32 s, the kind in the low bits, and above the previous id. */
export function nextMsgId(previous: bigint, kind: MessageKind): bigint {
  const now = wallClockMs();
  const seconds = Math.floor(now / 1_000);
  const fraction = Math.floor((now / 1_000 - seconds) * 2 ** 32);
  const id = (((BigInt(seconds) << 32n) | BigInt(fraction)) & ~3n) | kind;
  return id > previous ? id : (((previous >> 2n) + 1n) << 2n) | kind;
}
