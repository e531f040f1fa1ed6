import { Api } from 'telegram/tl';
import type { Channel, WorldEvent } from './channel.js';
import type { PushFault } from './fault-kinds.js';
import type { Faults } from './faults.js';
import { channelObject } from './objects.js';
import { encodeUpdates } from './push-encoding.js';
import { long, packGzip } from './tl.js';
import { UnknownObject } from './unreadable.js';

/** One push as it goes on the wire. */
export interface PackedPush {
  /** More than one make a container. */
  readonly bodies: readonly Buffer[];
  /** Writes of the same packet, with one message id. */
  readonly times: number;
  /** Repetitions under new message ids. */
  readonly repeats: number;
}

/** Events as messages of the protocol, deformed as the fault says. */
export function packed(
  faults: Faults,
  channel: Channel,
  events: readonly WorldEvent[],
  fault: PushFault | undefined,
): PackedPush {
  const once = { times: 1, repeats: 1 };
  switch (fault?.kind) {
    case 'duplicatePushes': {
      const bodies = [encodeUpdates(channel, events)];
      return fault.sameMessageId ? { bodies, times: 2, repeats: 1 } : { bodies, times: 1, repeats: 2 };
    }
    case 'gzipPushes':
      return { bodies: [packGzip(encodeUpdates(channel, events))], ...once };
    case 'unknownInContainer':
      return { bodies: [new UnknownObject().getBytes(), encodeUpdates(channel, events)], ...once };
    case 'tooLongPushes':
      return { bodies: [updates(channel, tooLong(channel))], ...once };
    case 'unreadablePushes':
      return { bodies: [updates(channel, unknownUpdate())], ...once };
    default:
      return { bodies: [hidden(faults, channel, events) ?? encodeUpdates(channel, events)], ...once };
  }
}

const unknownUpdate = () => new UnknownObject() as unknown as Api.TypeUpdate;

function tooLong({ id, pts }: Channel): Api.UpdateChannelTooLong {
  return new Api.UpdateChannelTooLong({ channelId: long(id), pts });
}

/** A push in which one message is unreadable cannot be read at all. Undefined when there is none. */
function hidden(faults: Faults, channel: Channel, events: readonly WorldEvent[]): Buffer | undefined {
  const hides = events.some(
    (event) => event.type !== 'delete' && faults.hides(channel.id, event.message.id, 'everywhere'),
  );
  return hides ? updates(channel, unknownUpdate()) : undefined;
}

function updates(channel: Channel, update: Api.TypeUpdate): Buffer {
  const date = channel.lastDate;
  return new Api.Updates({ updates: [update], users: [], chats: [channelObject(channel)], date, seq: 0 }).getBytes();
}
