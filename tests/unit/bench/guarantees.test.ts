import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { ROOT } from '../../../ops/stack-folder.js';

const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');
const PAGE = read('docs/guarantees.md');

/** `tests/….test.ts` "name of the test" */
const held = [...PAGE.matchAll(/^- `(tests\/[^`]+)` "(.+)"$/gm)].map(([, file = '', name = '']) => ({ file, name }));

/** The promises, by their headings, and the chapter about chaos. */
const sections = PAGE.split(/^#{2,3} /m).filter((text) => /^(?:\d+\. |Chaos\n)/.test(text));

describe('N8 docs/guarantees.md', () => {
  it('N8 names for each promise tests that hold it', () => {
    expect(sections.length).toBeGreaterThanOrEqual(8);
    for (const section of sections) expect(section).toMatch(/^Held by:\n\n- `tests\//m);
    expect(held.length).toBe(PAGE.match(/^- `tests\//gm)?.length);
  });

  it('N8 names tests that exist', () => {
    const absent = held.filter(({ file, name }) => !existsSync(join(ROOT, file)) || !hasTest(read(file), name));
    expect(absent).toEqual([]);
  });

  it('N8 names files that exist', () => {
    const files = [...PAGE.matchAll(/`(runtime\/[^`]+\.ts)`/g)].map(([, file = '']) => file);
    expect(files.length).toBeGreaterThan(5);
    expect(files.filter((file) => !existsSync(join(ROOT, file)))).toEqual([]);
  });

  it('N8 would miss a test that does not exist, or is skipped', () => {
    expect(hasTest("it('R2 is there', () => {", 'R2 is there')).toBe(true);
    expect(hasTest("it('R2 is there', () => {", 'R2 is')).toBe(false);
    expect(hasTest("it.skip('R2 is there', () => {", 'R2 is there')).toBe(false);
  });
});

/** A call of `it` with exactly that name, on its own line or behind the table of `it.each`. */
function hasTest(source: string, name: string): boolean {
  return [`it('${name}'`, `it(\n    '${name}'`, `)('${name}'`, `)(\n    '${name}'`].some((call) =>
    source.includes(call),
  );
}
