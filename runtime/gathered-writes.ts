import type { Writable } from 'node:stream';

/**
 * Lets what is written to a socket in one turn of the event loop leave as one packet. amqplib and ioredis write each frame and each
 * command by itself, and without Nagle's delay each would be a system call here and a packet to be read there: a burst of events,
 * acknowledgements or commands costs both sides several times as much. Nothing waits for a timer: the next tick sends.
 */
export function gatherWrites(stream: Writable): void {
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
