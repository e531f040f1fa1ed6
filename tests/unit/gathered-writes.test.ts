import { describe, expect, it } from '@jest/globals';
import { Writable } from 'node:stream';
import { gatherWrites } from '../../runtime/gathered-writes.js';

/** A connection over a socket that keeps what each of its system calls would send. */
function connection(highWaterMark = 16_384) {
  const sent: string[] = [];
  const stream = new Writable({
    highWaterMark,
    decodeStrings: false,
    write: (chunk: string, _encoding, done) => {
      sent.push(chunk);
      done();
    },
    writev: (chunks, done) => {
      sent.push(chunks.map(({ chunk }) => String(chunk)).join(''));
      done();
    },
  });
  gatherWrites(stream);
  return { stream, sent };
}

const nextTurn = () => new Promise((resolve) => setImmediate(resolve));

describe('writes to a socket', () => {
  it('N3 of one turn leave together and in their order, of the next one apart', async () => {
    const { stream, sent } = connection();
    for (const frame of ['a', 'b', 'c']) stream.write(frame);
    expect(sent).toEqual([]);
    await nextTurn();
    stream.write('d');
    await nextTurn();
    expect(sent).toEqual(['abc', 'd']);
  });

  it('N3 say that the buffer is full, and when it is not any more', async () => {
    const { stream, sent } = connection(2);
    expect([stream.write('a'), stream.write('b')]).toEqual([true, false]);
    await new Promise((resolve) => stream.once('drain', resolve));
    expect(sent).toEqual(['ab']);
  });

  it('N3 leave before the end of the connection', async () => {
    const { stream, sent } = connection();
    stream.write('a');
    await new Promise<void>((resolve) => stream.end('b', resolve));
    expect(sent.join('')).toBe('ab');
  });
});
