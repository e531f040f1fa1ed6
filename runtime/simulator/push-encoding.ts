/**
 * The bytes of a push, written directly. The library spends 300 µs on the two dozen flags of one message and its
 * channel, which would make the simulator the slowest part of every measurement. A test compares every byte with the
 * library's own encoding; what is rare (media, deletions) still goes through the library.
 */
import type { ChannelAccess } from './access.js';
import type { Channel, WorldEvent } from './channel.js';
import type { WorldMessage } from './message.js';
import { channelObject, messageObject, updateObject } from './objects.js';
import { i32, tlBytes, u32, VECTOR } from './tl.js';

const UPDATES = 0x74ae4240;
const UPDATE_NEW = 0x62ba04d9;
const UPDATE_EDIT = 0x1b3f4df7;
const MESSAGE = 0x96fdbbe9;
const PEER_CHANNEL = 0xa2a5371e;
/** Flags of a plain post: post (14), views and forwards (10), edit date (15) and the hidden edit (21). */
const FLAG_POST = 1 << 14;
const FLAG_VIEWS = 1 << 10;
const FLAG_EDIT_DATE = 1 << 15;
const FLAG_EDIT_HIDE = 1 << 21;

/** A channel as it was when its access last changed: nothing else of it ever does. */
const described = new WeakMap<Channel, { readonly access: ChannelAccess; readonly bytes: Buffer }>();

function describe(channel: Channel): Buffer {
  const { access } = channel;
  const known = described.get(channel);
  if (known?.access === access) return known.bytes;
  const bytes = channelObject(channel).getBytes();
  described.set(channel, { access, bytes });
  return bytes;
}

/** `updates` with the channel beside them. Channel updates travel with `seq` 0: they are ordered by pts alone. */
export function encodeUpdates(channel: Channel, events: readonly WorldEvent[]): Buffer {
  const date = Math.floor((events.at(-1)?.at ?? 0) / 1_000);
  return Buffer.concat([
    ...[u32(UPDATES), u32(VECTOR), i32(events.length)],
    ...events.flatMap((event) => encodeUpdate(channel, event)),
    ...[u32(VECTOR), i32(0)],
    ...[u32(VECTOR), i32(1), describe(channel)],
    ...[i32(date), i32(0)],
  ]);
}

function encodeUpdate(channel: Channel, event: WorldEvent): Buffer[] {
  if (event.type === 'delete') return [updateObject(channel, event).getBytes()];
  const { message, pts, ptsCount } = event;
  const body = isPlain(message) ? encodeText(channel, message) : [messageObject(channel, message).getBytes()];
  return [u32(event.type === 'new' ? UPDATE_NEW : UPDATE_EDIT), ...body, i32(pts), i32(ptsCount)];
}

function isPlain({ media, groupedId, service, reactions }: WorldMessage): boolean {
  return media === null && groupedId === null && service === null && reactions === 0;
}

function encodeText(channel: Channel, { id, date, editDate, editHide, text, views }: WorldMessage): Buffer[] {
  const head = Buffer.alloc(32);
  head.writeUInt32LE(MESSAGE, 0);
  head.writeUInt32LE(
    FLAG_POST | FLAG_VIEWS | (editDate === null ? 0 : FLAG_EDIT_DATE) | (editHide ? FLAG_EDIT_HIDE : 0),
    4,
  );
  head.writeInt32LE(id, 12);
  head.writeUInt32LE(PEER_CHANNEL, 16);
  head.writeBigInt64LE(BigInt(channel.id), 20);
  head.writeInt32LE(date, 28);
  return [head, tlBytes(Buffer.from(text)), i32(views), i32(0), ...(editDate === null ? [] : [i32(editDate)])];
}
