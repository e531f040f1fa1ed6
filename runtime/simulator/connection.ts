import type { Socket } from 'node:net';
import { Api } from 'telegram/tl';
import type { Logger } from '../logger.js';
import { Calls } from './calls.js';
import { decryptPacket, type EncryptedMessage } from './cipher.js';
import type { Faults } from './faults.js';
import { Handshake } from './handshake.js';
import type { Keyring } from './keyring.js';
import type { Dispatcher } from './rpc.js';
import { nextMsgId, NOTIFICATION, REPLY, Session, wrongTime, type OutgoingMessage } from './session.js';
import type { Stats } from './stats.js';
import { i32, i64, long, readObject, type TlObject } from './tl.js';
import { Transport } from './transport.js';

/** What all connections share. */
export interface DataCentre {
  readonly keyring: Keyring;
  readonly faults: Faults;
  readonly dispatcher: Dispatcher;
  readonly stats: Stats;
  readonly logger: Logger;
}

const BAD_SALT = 48;
const BAD_MSG_ID_BITS = 18;
const AUTH_KEY_NOT_FOUND = 404;
/** Unsent bytes from which a client counts as behind. */
const MAX_BEHIND = 1_024 * 1_024;
const NO_KEY = Buffer.alloc(8);
/** Key id, message id, length and one word: the shortest unencrypted message. */
const MIN_PACKET = 24;

export interface PushOptions {
  /** Writes the packet so often, with one message id. @default 1 */
  readonly times?: number;
}

/** One client connection: handshake or encrypted session, then calls. A client that breaks the protocol is dropped. */
export class Connection {
  readonly #transport: Transport;
  readonly #handshake: Handshake;
  readonly #calls: Calls;
  #lastPlainId = 0n;
  #session: Session | undefined;

  constructor(
    private readonly dc: DataCentre,
    private readonly socket: Socket,
  ) {
    this.#handshake = new Handshake(dc.keyring.rsa, {
      clock: dc.faults,
      register: (authKey) => {
        dc.stats.handshakes++;
        return dc.keyring.add(authKey);
      },
    });
    this.#calls = new Calls(dc);
    socket.once('close', () => {
      this.#calls.close();
    });
    this.#transport = new Transport(socket, {
      onPacket: (packet) => {
        this.#onPacket(packet);
      },
      onBroken: (error) => {
        dc.stats.brokenConnections++;
        dc.logger.warn({ err: error }, 'connection dropped');
      },
      cutShort: () => dc.faults.take('closeMidPacket') !== undefined,
    });
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

  /** Key of the session; undefined before there is one. */
  get keyId(): string | undefined {
    return this.#session?.key.id;
  }

  /** The account that is logged in here. */
  get userId(): number | null {
    return this.keyId === undefined ? null : (this.dc.keyring.find(this.keyId)?.userId ?? null);
  }

  /** Whether a push goes to this connection: logged in, interested, and not silenced. */
  get receivesUpdates(): boolean {
    return this.#session?.wantsUpdates === true && !this.dc.faults.muted && this.userId !== null;
  }

  /**
   * Writes to the client's socket; gives the time of the write, in ms since the epoch. Several bodies, or a held answer,
   * make one container.
   */
  push(bodies: Buffer | readonly Buffer[], { times = 1 }: PushOptions = {}): number {
    const session = this.#session;
    if (session === undefined) return this.#transport.lastWriteAt;
    const pushes = [bodies].flat().map((body): OutgoingMessage => ({ body, kind: NOTIFICATION, content: true }));
    const messages = [...this.#calls.takeHeld(), ...pushes];
    const [only] = messages;
    if (only && messages.length === 1) session.send(only, times);
    else session.sendContainer(messages);
    return this.#transport.lastWriteAt;
  }

  #onPacket(packet: Buffer): void {
    const { faults, keyring, stats } = this.dc;
    if (faults.muted) {
      stats.unanswered++;
      faults.noteStrike('mute');
      return;
    }
    if (packet.length < MIN_PACKET) throw new Error('packet too short');
    const error = faults.take('transportError');
    if (error) {
      this.#transport.writeError(error.code);
      return;
    }
    const keyId = packet.subarray(0, 8);
    if (keyId.equals(NO_KEY)) {
      this.#onPlain(readObject(packet.subarray(20)));
      return;
    }
    const entry = keyring.find(keyId.toString('hex'));
    if (entry === undefined) {
      this.#transport.writeError(AUTH_KEY_NOT_FOUND);
      return;
    }
    const message = decryptPacket(entry.key, packet);
    const session =
      this.#session?.id === message.sessionId && this.#session.key === entry.key
        ? this.#session
        : new Session(this.#transport, faults, entry.key, message.sessionId);
    if (this.#refuse(session, message)) return;
    if (session !== this.#session) this.#welcome(session, message.msgId);
    this.#calls.onMessage(session, message.msgId, message.body);
  }

  #onPlain(request: TlObject): void {
    const body = this.#handshake.answer(request).getBytes();
    this.#lastPlainId = nextMsgId(this.#lastPlainId, REPLY, this.dc.faults.skewMs);
    this.#transport.write(Buffer.concat([NO_KEY, i64(this.#lastPlainId), i32(body.length), body]));
  }

  /** A client begins with salt 0 and learns the right one from this answer; it then sends its message again. */
  #refuse(session: Session, message: EncryptedMessage): boolean {
    const { faults } = this.dc;
    const bad = { badMsgId: long(message.msgId), badMsgSeqno: message.seqNo };
    const badTime = message.msgId % 4n === 0n ? wrongTime(message.msgId, faults.skewMs) : BAD_MSG_ID_BITS;
    let answer: TlObject | undefined;
    if (badTime !== undefined) {
      if (faults.skewMs !== 0) faults.noteStrike('clockSkew');
      answer = new Api.BadMsgNotification({ ...bad, errorCode: badTime });
    } else if (message.salt !== session.salt)
      answer = new Api.BadServerSalt({ ...bad, errorCode: BAD_SALT, newServerSalt: long(session.salt) });
    if (answer === undefined) return false;
    session.send({ body: answer.getBytes(), kind: NOTIFICATION, content: false });
    return true;
  }

  #welcome(session: Session, firstMsgId: bigint): void {
    this.#session = session;
    const created = new Api.NewSessionCreated({
      firstMsgId: long(firstMsgId),
      uniqueId: long(session.id),
      serverSalt: long(session.salt),
    });
    session.send({ body: created.getBytes(), kind: NOTIFICATION, content: true });
  }
}
