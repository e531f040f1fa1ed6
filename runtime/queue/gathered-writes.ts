import type { ChannelModel } from 'amqplib';
import type { Writable } from 'node:stream';

/**
 * Lets what is written to the broker in one turn of the event loop leave as one packet. amqplib writes each frame by itself, and
 * without Nagle's delay each would be a system call here and a packet to be read there: a burst of events or acknowledgements
 * costs both sides several times as much. Nothing waits for a timer: the next tick sends.
 */
export function gatherWrites(model: ChannelModel): void {
  // Of amqplib 2.3: the socket of a connection, which its types leave out.
  const { stream } = model.connection as unknown as { readonly stream: Writable };
  const write = stream.write.bind(stream) as (chunk: unknown) => boolean;
  const send = () => {
    stream.uncork();
  };
  stream.write = (chunk: unknown) => {
    if (stream.writableCorked === 0) {
      stream.cork();
      process.nextTick(send);
    }
    return write(chunk);
  };
}
