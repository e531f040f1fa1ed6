import type { Socket } from 'node:net';
import { Api } from 'telegram/tl';
import type { Logger } from '../logger.js';
import { decryptPacket, type EncryptedMessage } from './cipher.js';
import type { Faults } from './faults.js';
import { Handshake } from './handshake.js';
import type { Keyring } from './keyring.js';
import { unwrap, type Dispatcher } from './rpc.js';
import { nextMsgId, NOTIFICATION, REPLY, Session } from './session.js';
import type { Stats } from './stats.js';
import {
  GZIP_PACKED,
  i32,
  i64,
  long,
  MSG_CONTAINER,
  readContainer,
  readObject,
  rpcResult,
  unpackGzip,
  type TlObject,
} from './tl.js';
import { Transport } from './transport.js';
import type { World } from './world.js';

/** What all connections share. */
export interface DataCentre {
  readonly world: World;
  readonly keyring: Keyring;
  readonly faults: Faults;
  readonly dispatcher: Dispatcher;
  readonly stats: Stats;
  readonly logger: Logger;
  readonly address: { readonly host: string; port: number };
}

const BAD_SALT = 48;
const BAD_MSG_ID_BITS = 18;
const AUTH_KEY_NOT_FOUND = 404;
/** Unsent bytes from which a client counts as behind. */
const MAX_BEHIND = 1_024 * 1_024;
const NO_KEY = Buffer.alloc(8);
/** Key id, message id, length and one word: the shortest unencrypted message. */
const MIN_PACKET = 24;

/** One client connection: handshake or encrypted session, then calls. A client that breaks the protocol is dropped. */
export class Connection {
  readonly #transport: Transport;
  readonly #handshake: Handshake;
  #lastPlainId = 0n;
  #session: Session | undefined;

  constructor(
    private readonly dc: DataCentre,
    private readonly socket: Socket,
  ) {
    this.#handshake = new Handshake(dc.keyring.rsa, (authKey) => {
      dc.stats.handshakes++;
      return dc.keyring.add(authKey);
    });
    this.#transport = new Transport(
      socket,
      (packet) => {
        this.#onPacket(packet);
      },
      (error) => {
        dc.stats.brokenConnections++;
        dc.logger.warn({ err: error }, 'connection dropped');
      },
    );
  }

  close(): void {
    this.socket.destroy();
  }

  /** Undefined while the client keeps up; else settles when it has read what was written, or is gone. */
  caughtUp(): Promise<void> | undefined {
    if (this.socket.destroyed || this.socket.writableLength < MAX_BEHIND) return undefined;
    return new Promise((resolve) => {
      const done = () => {
        this.socket.off('drain', done).off('close', done);
        resolve();
      };
      this.socket.on('drain', done).on('close', done);
    });
  }

  /** Whether a push goes to this connection: logged in, interested, and not silenced. */
  get receivesUpdates(): boolean {
    const session = this.#session;
    if (session?.wantsUpdates !== true || this.dc.faults.muted) return false;
    return this.dc.keyring.find(session.key.id)?.userId != null;
  }

  /** Writes updates to the client's socket; gives the time of the write, in ms since the epoch. */
  push(updates: Buffer): number {
    this.#session?.send({ body: updates, kind: NOTIFICATION, content: true });
    return this.#transport.lastWriteAt;
  }

  #onPacket(packet: Buffer): void {
    if (this.dc.faults.muted) {
      this.dc.stats.unanswered++;
      return;
    }
    if (packet.length < MIN_PACKET) throw new Error('packet too short');
    const keyId = packet.subarray(0, 8);
    if (keyId.equals(NO_KEY)) {
      this.#onPlain(readObject(packet.subarray(20)));
      return;
    }
    const entry = this.dc.keyring.find(keyId.toString('hex'));
    if (entry === undefined) {
      this.#transport.writeError(AUTH_KEY_NOT_FOUND);
      return;
    }
    const message = decryptPacket(entry.key, packet);
    const session =
      this.#session?.id === message.sessionId && this.#session.key === entry.key
        ? this.#session
        : new Session(this.#transport, entry.key, message.sessionId);
    if (this.#refuse(session, message)) return;
    if (session !== this.#session) this.#welcome(session, message.msgId);
    this.#onMessage(session, message.msgId, message.body);
  }

  #onPlain(request: TlObject): void {
    const body = this.#handshake.answer(request).getBytes();
    this.#lastPlainId = nextMsgId(this.#lastPlainId, REPLY);
    this.#transport.write(Buffer.concat([NO_KEY, i64(this.#lastPlainId), i32(body.length), body]));
  }

  /** A client begins with salt 0 and learns the right one from this answer; it then sends its message again. */
  #refuse(session: Session, message: EncryptedMessage): boolean {
    const bad = { badMsgId: long(message.msgId), badMsgSeqno: message.seqNo };
    let answer: TlObject | undefined;
    if (message.msgId % 4n !== 0n) answer = new Api.BadMsgNotification({ ...bad, errorCode: BAD_MSG_ID_BITS });
    else if (message.salt !== session.key.salt)
      answer = new Api.BadServerSalt({ ...bad, errorCode: BAD_SALT, newServerSalt: long(session.key.salt) });
    if (answer === undefined) return false;
    session.send({ body: answer.getBytes(), kind: NOTIFICATION, content: false });
    return true;
  }

  #welcome(session: Session, firstMsgId: bigint): void {
    this.#session = session;
    const created = new Api.NewSessionCreated({
      firstMsgId: long(firstMsgId),
      uniqueId: long(session.id),
      serverSalt: long(session.key.salt),
    });
    session.send({ body: created.getBytes(), kind: NOTIFICATION, content: true });
  }

  #onMessage(session: Session, msgId: bigint, body: Buffer): void {
    const constructorId = body.readUInt32LE(0);
    if (constructorId === MSG_CONTAINER) {
      for (const inner of readContainer(body)) this.#onMessage(session, inner.msgId, inner.body);
    } else if (constructorId === GZIP_PACKED) {
      this.#onMessage(session, msgId, unpackGzip(body));
    } else {
      this.#onObject(session, msgId, body);
    }
  }

  #onObject(session: Session, msgId: bigint, body: Buffer): void {
    let object: TlObject;
    try {
      object = readObject(body);
    } catch (error) {
      this.dc.logger.warn({ err: error }, 'unreadable call');
      this.#reply(session, msgId, this.dc.dispatcher.unreadable(body.readUInt32LE(0)));
      return;
    }
    const { request, wantsUpdates } = unwrap(object);
    if (request instanceof Api.MsgsAck) {
      this.dc.stats.acknowledged += request.msgIds.length;
    } else if (request instanceof Api.Ping || request instanceof Api.PingDelayDisconnect) {
      this.dc.stats.call(request.className);
      const pong = new Api.Pong({ msgId: long(msgId), pingId: request.pingId });
      session.send({ body: pong.getBytes(), kind: REPLY, content: false });
    } else {
      const { world, address } = this.dc;
      const userId = this.dc.keyring.find(session.key.id)?.userId ?? null;
      const answer = this.dc.dispatcher.answer(request, { world, address, userId });
      this.#reply(session, msgId, answer);
      // After the answer: what is pushed in the same moment must not overtake it.
      if (wantsUpdates) session.wantsUpdates = true;
    }
  }

  #reply(session: Session, msgId: bigint, body: Buffer): void {
    session.send({ body: rpcResult(msgId, body), kind: REPLY, content: true });
  }
}
