import { Api } from 'telegram/tl';
import type { DataCentre } from './connection.js';
import { channelOf, errorBody, unwrap, type Caller } from './rpc.js';
import { REPLY, type OutgoingMessage, type Session } from './session.js';
import {
  GZIP_PACKED,
  long,
  MSG_CONTAINER,
  readContainer,
  readObject,
  rpcResult,
  unpackGzip,
  type TlObject,
} from './tl.js';

/** Longest wait of a held answer for a push, in ms. */
const HELD_MS = 1_000;
/** Containers inside containers, at most: the protocol knows none at all. */
const MAX_DEPTH = 4;

interface Held {
  readonly session: Session;
  readonly message: OutgoingMessage;
}

/** What one connection asks for: unpacks its messages, calls methods, and sends answers when faults let it. */
export class Calls {
  readonly #timers = new Set<NodeJS.Timeout>();
  #held: Held[] = [];

  constructor(private readonly dc: DataCentre) {}

  close(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
    this.#held = [];
  }

  onMessage(session: Session, msgId: bigint, body: Buffer, depth = 0): void {
    if (depth > MAX_DEPTH) throw new Error('containers nested too deeply');
    const constructorId = body.readUInt32LE(0);
    if (constructorId === MSG_CONTAINER)
      for (const inner of readContainer(body)) this.onMessage(session, inner.msgId, inner.body, depth + 1);
    else if (constructorId === GZIP_PACKED) this.onMessage(session, msgId, unpackGzip(body), depth + 1);
    else this.#onObject(session, msgId, body);
  }

  /** Answers that wait for a push to travel with; they are the caller's from here on. */
  takeHeld(): OutgoingMessage[] {
    const held = this.#held;
    this.#held = [];
    return held.map(({ message }) => message);
  }

  #onObject(session: Session, msgId: bigint, body: Buffer): void {
    const { dispatcher, logger, stats } = this.dc;
    let object: TlObject;
    try {
      object = readObject(body);
    } catch (error) {
      logger.warn({ err: error }, 'unreadable call');
      this.#reply(session, msgId, dispatcher.unreadable(body.readUInt32LE(0)));
      return;
    }
    const { request, wantsUpdates } = unwrap(object);
    if (request instanceof Api.MsgsAck) {
      stats.acknowledged += request.msgIds.length;
    } else if (request instanceof Api.Ping || request instanceof Api.PingDelayDisconnect) {
      stats.call(request.className);
      const pong = new Api.Pong({ msgId: long(msgId), pingId: request.pingId });
      session.send({ body: pong.getBytes(), kind: REPLY, content: false });
    } else {
      this.#call(session, msgId, request);
      // After the answer: what is pushed in the same moment must not overtake it.
      if (wantsUpdates) session.wantsUpdates = true;
    }
  }

  #call(session: Session, msgId: bigint, request: TlObject): void {
    const { dispatcher, faults } = this.dc;
    const { className } = request;
    const delayMs = faults.takeDelayMs(className, channelOf(request));
    const error = faults.take('errorInContainer', ({ method }) => method === '*' || method === className);
    const body = error ? errorBody(error.code, error.message) : dispatcher.answer(request, this.#caller(session));
    if (delayMs === null) return;
    if (delayMs > 0)
      this.#later(delayMs, () => {
        this.#reply(session, msgId, body);
      });
    else if (error) this.#hold(session, msgId, body);
    else this.#reply(session, msgId, body);
  }

  #caller({ key }: Session): Caller {
    const { keyring } = this.dc;
    return {
      keyId: key.id,
      userId: keyring.find(key.id)?.userId ?? null,
      authorise: (userId) => {
        keyring.authorise(key.id, userId);
      },
    };
  }

  #reply(session: Session, msgId: bigint, body: Buffer): void {
    if (this.dc.faults.muted) return;
    session.send({ body: rpcResult(msgId, body), kind: REPLY, content: true });
  }

  /** Waits for the next push of the connection; alone if none comes. */
  #hold(session: Session, msgId: bigint, body: Buffer): void {
    const held: Held = { session, message: { body: rpcResult(msgId, body), kind: REPLY, content: true } };
    this.#held.push(held);
    this.#later(HELD_MS, () => {
      if (!this.#held.includes(held)) return;
      this.#held = this.#held.filter((other) => other !== held);
      session.send(held.message);
    });
  }

  #later(ms: number, work: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      work();
    }, ms);
    this.#timers.add(timer);
  }
}
