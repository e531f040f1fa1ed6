import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { ROOT } from '../../ops/stack-folder.js';

/** `telegram:` keys of a committed stack file, without the prefix. */
export function stackFile(name: string): Record<string, unknown> {
  const { config } = parse(readFileSync(join(ROOT, name), 'utf8')) as { config: Record<string, unknown> };
  return Object.fromEntries(
    Object.entries(config)
      .filter(([key]) => key.startsWith('telegram:'))
      .map(([key, value]) => [key.slice('telegram:'.length), value]),
  );
}
