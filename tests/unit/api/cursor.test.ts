import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Cursors } from '../../../runtime/api/cursor.js';

const cursors = new Cursors(() => Promise.resolve(Buffer.from('a secret')));
const position = fc.array(fc.string(), { maxLength: 4 });
const scope = fc.dictionary(fc.string(), fc.string());

describe('a cursor', () => {
  it('R8 gives back what was put in, in its own scope', async () => {
    await fc.assert(
      fc.asyncProperty(scope, position, async (where, at) => {
        expect(await cursors.verify(where, await cursors.sign(where, at))).toEqual(at);
      }),
    );
  });

  it('R8 is refused when any byte of it is another', async () => {
    await fc.assert(
      fc.asyncProperty(position, fc.nat(), fc.integer({ min: 1, max: 255 }), async (at, where, by) => {
        const bytes = Buffer.from(await cursors.sign('one', at), 'base64url');
        const index = where % bytes.length;
        bytes[index] = (bytes[index] ?? 0) ^ by;
        await expect(cursors.verify('one', bytes.toString('base64url'))).rejects.toMatchObject({ code: 'API_CURSOR' });
      }),
    );
  });

  it('R8 is refused in another scope, under another secret, and as nothing at all', async () => {
    const cursor = await cursors.sign('one', ['1']);
    const others = new Cursors(() => Promise.resolve(Buffer.from('another')));
    for (const refused of [cursors.verify('two', cursor), others.verify('one', cursor), cursors.verify('one', '')])
      await expect(refused).rejects.toMatchObject({ code: 'API_CURSOR' });
  });

  it('R8 asks for its secret again after it could not be read', async () => {
    let tries = 0;
    const late = new Cursors(() =>
      ++tries === 1 ? Promise.reject(new Error('away')) : Promise.resolve(Buffer.from('x')),
    );
    await expect(late.sign('one', [])).rejects.toThrow('away');
    expect(await late.verify('one', await late.sign('one', ['2']))).toEqual(['2']);
    expect(tries).toBe(2);
  });
});
