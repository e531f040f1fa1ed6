import { createCipheriv, createDecipheriv, type Cipheriv, type Decipheriv } from 'node:crypto';
import type { Socket } from 'node:net';
import { crc32 } from 'node:zlib';
import { wallClockMs } from './clock.js';
import { i32, u32 } from './tl.js';

export type TransportMode = 'full' | 'abridged';

/** Largest packet of a client, in bytes. */
const MAX_PACKET = 1_024 * 1_024;
/** Unsent bytes after which a client that does not read is dropped. */
const MAX_UNSENT = 64 * 1_024 * 1_024;
const OBFUSCATION_HEADER = 64;
const ABRIDGED_TAG = 0xef;

export interface TransportOwner {
  onPacket(packet: Buffer): void;
  /** The client broke the framing, or does not read; the connection is closed. */
  onBroken(error: Error): void;
  /** Asked at every write: true sends half a packet and closes. */
  cutShort(): boolean;
}

/**
 * Framing of one TCP connection: full, abridged, or obfuscated abridged, told apart from the first bytes. Promised:
 * packets leave in the order of `write`, and CRC and sequence numbers of the full transport are checked. On failure
 * (broken framing, a client that does not read) the connection is closed.
 */
export class Transport {
  #inbox: Buffer = Buffer.alloc(0);
  #mode: TransportMode | undefined;
  #received = 0;
  #sent = 0;
  #cipher: Cipheriv | undefined;
  #decipher: Decipheriv | undefined;
  /** When the last packet was handed to the socket, ms since the epoch with a fraction. */
  lastWriteAt = 0;

  constructor(
    private readonly socket: Socket,
    private readonly owner: TransportOwner,
  ) {
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => {
      try {
        this.#receive(chunk);
      } catch (error) {
        this.owner.onBroken(error as Error);
        socket.destroy();
      }
    });
  }

  write(payload: Buffer): void {
    if (!this.socket.writable) return;
    const frame = this.#frame(payload);
    const bytes = this.#cipher ? this.#cipher.update(frame) : frame;
    if (this.owner.cutShort()) {
      // `end` sends what was written; `destroy` alone might not.
      this.socket.end(bytes.subarray(0, bytes.length >> 1), () => this.socket.destroy());
      return;
    }
    this.lastWriteAt = wallClockMs();
    this.socket.write(bytes);
    if (this.socket.writableLength <= MAX_UNSENT) return;
    this.owner.onBroken(new Error('the client does not read'));
    this.socket.destroy();
  }

  /** A transport error: four bytes, negative; 404 is "auth key not found". */
  writeError(code: number): void {
    this.write(i32(-code));
  }

  #receive(chunk: Buffer): void {
    const clear = this.#decipher ? this.#decipher.update(chunk) : chunk;
    this.#inbox = this.#inbox.length === 0 ? clear : Buffer.concat([this.#inbox, clear]);
    this.#mode ??= this.#detect();
    if (this.#mode === undefined) return;
    for (;;) {
      const packet = this.#mode === 'full' ? this.#nextFull() : this.#nextAbridged();
      if (packet === undefined) return;
      this.owner.onPacket(packet);
    }
  }

  #detect(): TransportMode | undefined {
    const bytes = this.#inbox;
    if (bytes[0] === ABRIDGED_TAG) {
      this.#inbox = bytes.subarray(1);
      return 'abridged';
    }
    // Full begins with a length and sequence number 0; an obfuscation header never has zeros there.
    if (bytes.length >= 8 && bytes.readInt32LE(4) === 0) return 'full';
    if (bytes.length < OBFUSCATION_HEADER) return undefined;
    const head = bytes.subarray(0, OBFUSCATION_HEADER);
    const reversed = Buffer.from(head.subarray(8, 56)).reverse();
    this.#decipher = createDecipheriv('aes-256-ctr', head.subarray(8, 40), head.subarray(40, 56));
    this.#cipher = createCipheriv('aes-256-ctr', reversed.subarray(0, 32), reversed.subarray(32, 48));
    if (this.#decipher.update(head)[56] !== ABRIDGED_TAG) throw new Error('unknown obfuscated transport');
    this.#inbox = this.#decipher.update(bytes.subarray(OBFUSCATION_HEADER));
    return 'abridged';
  }

  /** Length, sequence number, payload, CRC32 over all before. */
  #nextFull(): Buffer | undefined {
    if (this.#inbox.length < 4) return undefined;
    const length = this.#inbox.readInt32LE(0);
    if (length < 12 || length > MAX_PACKET) throw new Error('wrong packet length');
    const packet = this.#take(length);
    if (packet === undefined) return undefined;
    if (packet.readInt32LE(4) !== this.#received++) throw new Error('wrong packet sequence number');
    if (packet.readUInt32LE(length - 4) !== crc32(packet.subarray(0, length - 4))) throw new Error('wrong packet CRC');
    return packet.subarray(8, length - 4);
  }

  /** Length in words: one byte, or 0x7f and three bytes. */
  #nextAbridged(): Buffer | undefined {
    const first = this.#inbox[0];
    if (first === undefined || (first >= 0x7f && this.#inbox.length < 4)) return undefined;
    const head = first < 0x7f ? 1 : 4;
    const length = 4 * (first < 0x7f ? first : this.#inbox.readUIntLE(1, 3));
    if (length > MAX_PACKET) throw new Error('wrong packet length');
    return this.#take(head + length)?.subarray(head);
  }

  #take(length: number): Buffer | undefined {
    if (this.#inbox.length < length) return undefined;
    const packet = this.#inbox.subarray(0, length);
    this.#inbox = this.#inbox.subarray(length);
    return packet;
  }

  #frame(payload: Buffer): Buffer {
    if (this.#mode === 'full') {
      const head = Buffer.concat([i32(payload.length + 12), i32(this.#sent++), payload]);
      return Buffer.concat([head, u32(crc32(head))]);
    }
    const words = payload.length >> 2;
    return Buffer.concat([words < 0x7f ? Buffer.from([words]) : u32(0x7f | (words << 8)), payload]);
  }
}
