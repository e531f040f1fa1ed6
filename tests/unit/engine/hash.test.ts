import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { canonical } from '../../../ops/engine/canonical.js';
import { digestPath, hashInputs } from '../../../ops/engine/hash.js';

const key = Buffer.alloc(32, 1);

describe('O10 input hash', () => {
  it('does not depend on the order of keys', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (values) => {
        const reversed = Object.fromEntries(Object.entries(values).reverse());
        expect(hashInputs(key, 't', reversed)).toBe(hashInputs(key, 't', values));
      }),
    );
  });

  it('differs for every different value', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (a, b) => {
        fc.pre(canonical(a) !== canonical(b));
        expect(hashInputs(key, 't', { a })).not.toBe(hashInputs(key, 't', { a: b }));
      }),
    );
  });

  it('cannot be recomputed without the key', () => {
    expect(hashInputs(Buffer.alloc(32, 2), 't', { a: 1 })).not.toBe(hashInputs(key, 't', { a: 1 }));
  });

  it('follows the content of an asset, not the folder it lies in', () => {
    const hash = (path: string, sha256: string): string =>
      hashInputs(key, 't', { source: { $asset: 'file', path, sha256 } });
    expect(hash('/a/file', '1')).toBe(hash('/b/file', '1'));
    expect(hash('/a/file', '1')).not.toBe(hash('/a/file', '2'));
    expect(hash('/a/folder', '1')).not.toBe(hash('/a/folder/', '1'));
  });
});

describe('O10 digest of files', () => {
  let folder: string;
  const write = (name: string, text: string): string => {
    const file = join(folder, name);
    mkdirSync(join(file, '..'), { recursive: true });
    writeFileSync(file, text);
    return file;
  };
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'engine-hash-'));
  });
  afterAll(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  it('is sha256 for a file', async () => {
    expect(await digestPath(write('abc', 'abc'))).toBe(
      'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
    );
  });

  it('of a folder notices content, names and links', async () => {
    const seen = new Set<string>();
    const note = async (): Promise<void> => {
      seen.add(await digestPath(join(folder, 'tree')));
    };
    write('tree/a/b', '1');
    await note();
    write('tree/a/b', '2');
    await note();
    write('tree/a/c', '');
    await note();
    symlinkSync('b', join(folder, 'tree/a/link'));
    await note();
    await note();
    expect(seen.size).toBe(4);
  });
});
