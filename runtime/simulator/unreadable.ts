import type { Api } from 'telegram/tl';
import type { Channel } from './channel.js';
import type { Faults } from './faults.js';
import type { WorldMessage } from './message.js';
import { messageById, messageObject } from './objects.js';
import { u32, type TlObject } from './tl.js';

/** No layer knows this constructor. */
export const UNKNOWN_CONSTRUCTOR = 0x0bad_c0de;

/** An object of a newer layer, as far as a client can tell: its id, and nothing that it could make sense of. */
export class UnknownObject implements TlObject {
  readonly className = 'UnknownObject';

  getBytes(): Buffer {
    return u32(UNKNOWN_CONSTRUCTOR);
  }
}

type Where = 'difference' | 'everywhere';

/** A post as the client is shown it: itself, unless a fault makes it unreadable there. */
export function shownMessage(faults: Faults, channel: Channel, message: WorldMessage, where: Where): Api.TypeMessage {
  if (faults.hides(channel.id, message.id, where)) return new UnknownObject() as unknown as Api.TypeMessage;
  return messageObject(channel, message);
}

/** The same by id, for the history and for reading single messages. */
export function shownById(faults: Faults, channel: Channel, id: number): Api.TypeMessage {
  if (channel.messages.has(id) && faults.hides(channel.id, id, 'everywhere'))
    return new UnknownObject() as unknown as Api.TypeMessage;
  return messageById(channel, id);
}
