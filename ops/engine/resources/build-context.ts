import { createReadStream } from 'node:fs';
import { lstat, readdir, readFile, readlink, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { StepError } from '../errors.js';
import { tarEnd, tarHeader, tarPadding } from './tar.js';

/** Packs a folder as the classic builder wants it: sorted, without times, without what `.dockerignore` names. */
export async function* packContext(folder: string, always: readonly string[]): AsyncGenerator<Buffer> {
  const isFolder = await stat(folder).then(
    (found) => found.isDirectory(),
    () => false,
  );
  if (!isFolder) throw new StepError(`build context ${folder} is not a folder`);
  const rules = await readFile(join(folder, '.dockerignore'), 'utf8').catch(() => '');
  const ignored = ignoreRules(rules);
  // The daemon itself reads these two, whatever the rules say.
  const keep = new Set([...always, '.dockerignore']);
  const hasExceptions = /^\s*!/m.test(rules);
  yield* packFolder(folder, '', { ignored: (path) => !keep.has(path) && ignored(path), hasExceptions });
  yield tarEnd();
}

interface Filter {
  readonly ignored: (path: string) => boolean;
  /** An ignored folder must then be walked all the same: a `!` rule may take something in it back. */
  readonly hasExceptions: boolean;
}

async function* packFolder(root: string, inside: string, filter: Filter): AsyncGenerator<Buffer> {
  for (const name of (await readdir(join(root, inside))).sort()) {
    const path = inside === '' ? name : `${inside}/${name}`;
    const full = join(root, path);
    const found = await lstat(full);
    const entry = { name: path, mode: found.mode };
    if (found.isDirectory()) {
      const ignored = filter.ignored(path);
      if (!ignored) yield tarHeader({ ...entry, kind: 'folder' });
      if (!ignored || filter.hasExceptions) yield* packFolder(root, path, filter);
    } else if (filter.ignored(path)) {
      continue;
    } else if (found.isSymbolicLink()) {
      yield tarHeader({ ...entry, kind: 'link', target: await readlink(full) });
    } else if (found.isFile()) {
      yield tarHeader({ ...entry, kind: 'file', size: found.size });
      for await (const chunk of createReadStream(full, { end: Math.max(0, found.size - 1) })) yield chunk as Buffer;
      yield tarPadding(found.size);
    }
  }
}

/** The rules of `.dockerignore`: the last one that matches a path, or a folder above it, decides; `!` takes back. */
export function ignoreRules(text: string): (path: string) => boolean {
  const rules = text
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const back = line.startsWith('!');
      const pattern = (back ? line.slice(1).trim() : line).replace(/^\.?\/+/, '').replace(/\/+$/, '');
      return { back, expression: new RegExp(`^${translate(pattern)}(?:/.*)?$`) };
    });
  return (path) => rules.reduce((ignored, rule) => (rule.expression.test(path) ? !rule.back : ignored), false);
}

function translate(pattern: string): string {
  return pattern.replace(/\*\*\/|\*\*|\*|\?|\[[^\]]*\]|[\\^$.|+(){}]/g, (token) => {
    if (token === '**/') return '(?:.*/)?';
    if (token === '**') return '.*';
    if (token === '*') return '[^/]*';
    if (token === '?') return '[^/]';
    return token.startsWith('[') ? token : `\\${token}`;
  });
}
