import { describe, expect, it } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ENGINE_ERRORS } from '../../../ops/engine/errors.js';
import { ROOT } from '../../../ops/stack-folder.js';
import { RUNTIME_ERRORS } from '../../../runtime/errors.js';
import { STACK_ERRORS, UserError } from '../../../stack/errors.js';

const CODES = [...Object.keys(STACK_ERRORS), ...Object.keys(ENGINE_ERRORS), ...Object.keys(RUNTIME_ERRORS)];
const page = readFileSync(join(ROOT, 'docs', 'errors.md'), 'utf8');
const sections = new Map(
  page
    .split(/^### /m)
    .slice(1)
    .map((text) => [text.split('\n', 1)[0] ?? '', text] as const),
);

/** Every source file but the tables and the texts themselves. */
function sources(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) return path.endsWith('error-texts') ? [] : sources(path);
    return /\.(ts|mjs)$/.test(path) && !path.endsWith('/errors.ts') ? [readFileSync(join(ROOT, path), 'utf8')] : [];
  });
}

describe('docs/errors.md', () => {
  it('R12 has one section a code and one code a section', () => {
    expect(page.match(/^### /gm)).toHaveLength(CODES.length);
    expect([...sections.keys()].sort()).toEqual([...CODES].sort());
  });

  it.each(CODES)('R12 says of %s what happened, why, what to do, and the exit code', (code) => {
    const text = sections.get(code) ?? '';
    for (const part of ['What happened', 'Why', 'What to do'])
      expect(text).toMatch(new RegExp(`^\\*\\*${part}\\.\\*\\* \\S.{20,}`, 'm'));
    expect(text).toMatch(/^Exit code \d+\.$/m);
  });

  it('R12 every code is one that something throws', () => {
    const text = ['stack', 'ops', 'runtime', 'components', 'scripts'].flatMap(sources).join('\n');
    expect(CODES.filter((code) => !text.includes(`'${code}'`) && !text.includes(`${code} `))).toEqual([]);
  });

  it('R12 the line that an error prints leads to its section', () => {
    const anchors = new Set([...sections.keys()].map((heading) => heading.toLowerCase()));
    for (const code of Object.keys(STACK_ERRORS) as (keyof typeof STACK_ERRORS)[]) {
      const [, anchor = ''] = /docs\/errors\.md#(\S+)$/.exec(new UserError(code, 'x').lines.at(-1) ?? '') ?? [];
      expect(anchors.has(anchor)).toBe(true);
    }
  });
});
