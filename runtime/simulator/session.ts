import { encryptPacket } from './cipher.js';
import { wallClockMs } from './clock.js';
import type { AuthKey } from './keys.js';
import { i32, i64, MSG_CONTAINER, u32 } from './tl.js';
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

/** The server's clock and salts, which faults may change. */
export interface SessionClock {
  readonly skewMs: number;
  readonly saltEpoch: number;
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
    private readonly clock: SessionClock,
    readonly key: AuthKey,
    readonly id: bigint,
  ) {}

  get salt(): bigint {
    return this.key.salt(this.clock.saltEpoch);
  }

  /** `times` writes the same message again, under the same id. */
  send(message: OutgoingMessage, times = 1): void {
    const msgId = this.#newMsgId(message.kind);
    const seqNo = this.#newSeqNo(message.content);
    for (let copy = 0; copy < times; copy++) this.#write(msgId, seqNo, message.body);
  }

  /** Several messages as one `msg_container`. */
  sendContainer(messages: readonly OutgoingMessage[]): void {
    const parts = messages.flatMap(({ kind, content, body }) => {
      const head = [i64(this.#newMsgId(kind)), i32(this.#newSeqNo(content)), i32(body.length)];
      return [...head, body];
    });
    const body = Buffer.concat([u32(MSG_CONTAINER), i32(messages.length), ...parts]);
    this.send({ body, kind: NOTIFICATION, content: false });
  }

  #write(msgId: bigint, seqNo: number, body: Buffer): void {
    this.transport.write(encryptPacket(this.key, { salt: this.salt, sessionId: this.id, msgId, seqNo, body }));
  }

  #newMsgId(kind: MessageKind): bigint {
    this.#lastMsgId = nextMsgId(this.#lastMsgId, kind, this.clock.skewMs);
    return this.#lastMsgId;
  }

  #newSeqNo(content: boolean): number {
    const seqNo = this.#contentSent * 2 + (content ? 1 : 0);
    if (content) this.#contentSent++;
    return seqNo;
  }
}

/** Unix time in 2^-32 s, the kind in the low bits, and above the previous id. */
export function nextMsgId(previous: bigint, kind: MessageKind, skewMs = 0): bigint {
  const now = wallClockMs() + skewMs;
  const seconds = Math.floor(now / 1_000);
  const fraction = Math.floor((now / 1_000 - seconds) * 2 ** 32);
  const id = (((BigInt(seconds) << 32n) | BigInt(fraction)) & ~3n) | kind;
  return id > previous ? id : (((previous >> 2n) + 1n) << 2n) | kind;
}

/** How far a client's message id may lie before and behind the server's clock, in seconds. */
const PAST_S = 300;
const FUTURE_S = 30;

export const MSG_ID_TOO_LOW = 16;
export const MSG_ID_TOO_HIGH = 17;

/** What is wrong with the time in a client's message id: the code of a `bad_msg_notification`; undefined when nothing is. */
export function wrongTime(msgId: bigint, skewMs: number): number | undefined {
  const sentS = Number(BigInt.asUintN(64, msgId) >> 32n);
  const nowS = (wallClockMs() + skewMs) / 1_000;
  if (sentS < nowS - PAST_S) return MSG_ID_TOO_LOW;
  return sentS > nowS + FUTURE_S ? MSG_ID_TOO_HIGH : undefined;
}
