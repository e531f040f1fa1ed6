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
import type { ChannelAccess } from './access.js';
import { Channel, type ChannelIdentity, type WorldEvent } from './channel.js';
import { CommonBox, type BoxEvent } from './common-box.js';
import { NEW_MESSAGE } from './message.js';

/** Lines of one write while compacting. */
const COMPACT_CHUNK = 1_000;
/** Bytes of one read. */
const READ_CHUNK = 128 * 1_024;

type Stored<E> = E extends unknown ? Omit<E, 'pushedAt'> : never;

/** One line of the file. `start` stands in for events that were forgotten. */
type Line =
  | { readonly kind: 'channel'; readonly channel: ChannelIdentity }
  | { readonly kind: 'start'; readonly id: number; readonly pts: number; readonly lastMessageId: number }
  | { readonly kind: 'event'; readonly id: number; readonly event: Stored<WorldEvent> }
  | { readonly kind: 'access'; readonly id: number; readonly access: ChannelAccess }
  | { readonly kind: 'boxStart'; readonly userId: number; readonly pts: number; readonly seq: number }
  | { readonly kind: 'box'; readonly userId: number; readonly event: BoxEvent };

/** What the journal brings back. */
export interface Remembered {
  readonly channels: Map<number, Channel>;
  readonly boxes: Map<number, CommonBox>;
}

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

  /** Fills the maps from the file, if there is one; `afterEvent` may forget as they grow. */
  static open(stateDir: string, remembered: Remembered, afterEvent: () => void): Journal {
    mkdirSync(stateDir, { recursive: true, mode: 0o700 });
    const path = join(stateDir, 'world.jsonl');
    let lines = 0;
    if (existsSync(path)) lines = replay(path, remembered, afterEvent);
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

  access(id: number, access: ChannelAccess): void {
    this.#write({ kind: 'access', id, access });
  }

  box(userId: number, event: BoxEvent): void {
    this.#write({ kind: 'box', userId, event });
  }

  /** Writes anew only what is remembered. The old file stays until the new one is whole. */
  compact({ channels, boxes }: Remembered): void {
    const path = `${this.#path}.tmp`;
    const file = openSync(path, 'w', 0o600);
    let lines = 0;
    const put = (some: readonly Line[]) => {
      lines += some.length;
      writeSync(file, some.map((line) => `${JSON.stringify(line)}\n`).join(''));
    };
    for (const channel of channels.values()) {
      const { id, identity, access, floorPts, forgottenMessageId, log } = channel;
      put([
        { kind: 'channel', channel: identity },
        { kind: 'access', id, access },
        { kind: 'start', id, pts: floorPts, lastMessageId: forgottenMessageId },
      ]);
      for (let from = 0; from < log.length; from += COMPACT_CHUNK)
        put(log.slice(from, from + COMPACT_CHUNK).map((event) => eventLine(id, event)));
    }
    for (const { userId, floorPts, startSeq, log } of boxes.values())
      put([
        { kind: 'boxStart', userId, pts: floorPts, seq: startSeq },
        ...log.map((event): Line => ({ kind: 'box', userId, event })),
      ]);
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
function replay(path: string, remembered: Remembered, afterEvent: () => void): number {
  let [count, whole] = [0, 0];
  for (const text of readLines(path)) {
    restore(JSON.parse(text.toString()) as Line, remembered);
    afterEvent();
    count++;
    whole += text.length + 1;
  }
  if (whole < statSync(path).size) truncateSync(path, whole);
  return count;
}

function restore(line: Line, { channels, boxes }: Remembered): void {
  switch (line.kind) {
    case 'channel':
      channels.set(line.channel.id, new Channel(line.channel));
      return;
    case 'start':
      channels.get(line.id)?.startAt(line.pts, line.lastMessageId);
      return;
    case 'access':
      channels.get(line.id)?.setAccess(line.access);
      return;
    case 'event':
      channels.get(line.id)?.append({ ...completed(line.event), pushedAt: null });
      return;
    case 'boxStart':
      boxOf(boxes, line.userId).startAt(line.pts, line.seq);
      return;
    case 'box':
      boxOf(boxes, line.userId).append(line.event);
  }
}

/** Lines of an older version lack fields that came later. */
function completed(event: Stored<WorldEvent>): Stored<WorldEvent> {
  return event.type === 'delete' ? event : { ...event, message: { ...NEW_MESSAGE, ...event.message } };
}

/** The box of an account, made when it is first needed. */
export function boxOf(boxes: Map<number, CommonBox>, userId: number): CommonBox {
  let box = boxes.get(userId);
  if (box === undefined) boxes.set(userId, (box = new CommonBox(userId)));
  return box;
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
