import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readSync,
  renameSync,
  statSync,
  truncateSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { Channel, type ChannelIdentity, type WorldEvent } from './channel.js';

/** Lines of one write while compacting. */
const COMPACT_CHUNK = 1_000;
/** Bytes of one read. */
const READ_CHUNK = 128 * 1_024;

type Stored<E> = E extends unknown ? Omit<E, 'pushedAt'> : never;

/** One line of the file. `start` stands in for events that were forgotten. */
type Line =
  | { readonly kind: 'channel'; readonly channel: ChannelIdentity }
  | { readonly kind: 'start'; readonly id: number; readonly pts: number; readonly lastMessageId: number }
  | { readonly kind: 'event'; readonly id: number; readonly event: Stored<WorldEvent> };

/**
 * The world on disk: one JSON line a change. Promised: a line is with the kernel before the change is pushed, so a
 * killed process comes back with pts and ids no client has seen the future of; a torn last line is cut off. Not
 * promised: survival of a power cut (there is no fsync).
 */
export class Journal {
  readonly #path: string;
  #file: number;
  #lines = 0;

  private constructor(path: string) {
    this.#path = path;
    this.#file = openSync(path, 'a', 0o600);
  }

  /** Fills the map from the file, if there is one; `afterEvent` may forget as it grows. */
  static open(stateDir: string, channels: Map<number, Channel>, afterEvent: () => void): Journal {
    mkdirSync(stateDir, { recursive: true, mode: 0o700 });
    const path = join(stateDir, 'world.jsonl');
    let lines = 0;
    if (existsSync(path)) lines = replay(path, channels, afterEvent);
    const journal = new Journal(path);
    journal.#lines = lines;
    return journal;
  }

  get lines(): number {
    return this.#lines;
  }

  channel(channel: ChannelIdentity): void {
    this.#write({ kind: 'channel', channel });
  }

  event(id: number, event: WorldEvent): void {
    this.#write(eventLine(id, event));
  }

  /** Writes anew only what is remembered. The old file stays until the new one is whole. */
  compact(channels: Iterable<Channel>): void {
    const path = `${this.#path}.tmp`;
    const file = openSync(path, 'w', 0o600);
    let lines = 0;
    for (const channel of channels) {
      const start: Line = {
        kind: 'start',
        id: channel.id,
        pts: channel.floorPts,
        lastMessageId: channel.forgottenMessageId,
      };
      writeSync(file, `${JSON.stringify({ kind: 'channel', channel: channel.identity })}\n${JSON.stringify(start)}\n`);
      for (let from = 0; from < channel.log.length; from += COMPACT_CHUNK) {
        const events = channel.log.slice(from, from + COMPACT_CHUNK);
        writeSync(file, events.map((event) => `${JSON.stringify(eventLine(channel.id, event))}\n`).join(''));
      }
      lines += 2 + channel.log.length;
    }
    renameSync(path, this.#path);
    closeSync(this.#file);
    this.#file = file;
    this.#lines = lines;
  }

  close(): void {
    closeSync(this.#file);
  }

  #write(line: Line): void {
    writeSync(this.#file, `${JSON.stringify(line)}\n`);
    this.#lines++;
  }
}

function eventLine(id: number, event: WorldEvent): Line {
  const { pts, ptsCount, at } = event;
  const stored: Stored<WorldEvent> =
    event.type === 'delete'
      ? { type: 'delete', pts, ptsCount, at, ids: event.ids }
      : { type: event.type, pts, ptsCount, at, message: event.message };
  return { kind: 'event', id, event: stored };
}

/** Gives the number of lines. Cuts off a last line without an end. */
function replay(path: string, channels: Map<number, Channel>, afterEvent: () => void): number {
  let [count, whole] = [0, 0];
  for (const text of readLines(path)) {
    const line = JSON.parse(text.toString()) as Line;
    if (line.kind === 'channel') channels.set(line.channel.id, new Channel(line.channel));
    else if (line.kind === 'start') channels.get(line.id)?.startAt(line.pts, line.lastMessageId);
    else channels.get(line.id)?.append({ ...line.event, pushedAt: null });
    afterEvent();
    count++;
    whole += text.length + 1;
  }
  if (whole < statSync(path).size) truncateSync(path, whole);
  return count;
}

/** Whole lines, a chunk of the file at a time: it may be larger than the memory for it. */
function* readLines(path: string): Generator<Buffer> {
  const file = openSync(path, 'r');
  try {
    const chunk = Buffer.alloc(READ_CHUNK);
    let rest: Buffer = Buffer.alloc(0);
    for (let read = readSync(file, chunk); read > 0; read = readSync(file, chunk)) {
      const bytes = Buffer.concat([rest, chunk.subarray(0, read)]);
      let from = 0;
      for (let to = bytes.indexOf(0x0a); to !== -1; to = bytes.indexOf(0x0a, from)) {
        yield bytes.subarray(from, to);
        from = to + 1;
      }
      rest = bytes.subarray(from);
    }
  } finally {
    closeSync(file);
  }
}
