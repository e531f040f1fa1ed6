import { errors } from 'telegram';
import type { BinaryReader } from 'telegram/extensions/index.js';
import { MessageContainer, RPCResult, TLMessage } from 'telegram/tl/core/index.js';
import type { IncomingMessage, Sender } from './internals.js';

/**
 * Corrections of two defects of GramJS, by which one bad entry takes its neighbours with it:
 *
 * - an entry of a container that cannot be read (a constructor of a newer layer) rejected the whole container, which was
 *   acknowledged all the same: its updates were lost for good;
 * - an `rpc_error` in a container was thrown, and the messages behind it were dropped.
 *
 * Promised: every readable entry of a container is processed, and each entry or packet that cannot be read is reported,
 * so that the caller can fetch the difference. Not promised: to tell which channel an unreadable entry belonged to.
 */

/** Stands in a container where an entry could not be read. */
export class UnreadableEntry {
  readonly CONSTRUCTOR_ID = 0;
  constructor(readonly error: unknown) {}
}

/**
 * Reads a container entry by entry; the length in each entry's head says where the next one begins, whatever the
 * entry holds. An entry whose object is a promise (a nested container, gzip) is judged when it is processed.
 */
export function readContainer(reader: BinaryReader): Promise<MessageContainer> {
  const messages: TLMessage[] = [];
  for (let left = reader.readInt(); left > 0; left -= 1) {
    const msgId = reader.readLong();
    const seqNo = reader.readInt();
    const end = reader.readInt() + reader.tellPosition();
    let body: unknown;
    try {
      body = reader.tgReadObject() as unknown;
    } catch (error) {
      body = new UnreadableEntry(error);
    }
    reader.setPosition(end);
    messages.push(new TLMessage(msgId, seqNo, body));
  }
  return Promise.resolve(new MessageContainer(messages));
}

/** The class is shared by every client of the process, so this is done once, when this module is loaded. */
MessageContainer.fromReader = readContainer;

/** Makes one bad message harmless to the others, and reports what could not be read. */
export function patchSender(sender: Sender, onUnreadable: (where: string) => void): void {
  const process = sender._processMessage.bind(sender);
  sender._processMessage = async (message: IncomingMessage) => {
    try {
      message.obj = await message.obj;
      if (message.obj instanceof UnreadableEntry) {
        // Acknowledged, or the server would send it for ever; the difference brings its contents.
        sender._pendingAck.add(message.msgId);
        onUnreadable('container');
        return;
      }
      await process(message);
    } catch (error) {
      // The caller of the method has it already: an error answer, or an answer that could not be read.
      if (error instanceof errors.RPCError || message.obj instanceof RPCResult) return;
      onUnreadable('message');
    }
  };
  const decrypt = sender._state.decryptMessageData.bind(sender._state);
  sender._state.decryptMessageData = async (body: Buffer) => {
    try {
      return await decrypt(body);
    } catch (error) {
      if (error instanceof errors.TypeNotFoundError) onUnreadable('packet');
      throw error;
    }
  };
}
