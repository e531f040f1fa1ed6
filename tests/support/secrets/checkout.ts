/** Files on the machine of whoever runs the commands: the checkout, what the build makes, the folder of the stack. */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../../../ops/stack-folder.js';

export function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

/** What git tracks or would take up. */
export function filesOfCheckout(): string[] {
  const list = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], { cwd: ROOT });
  return list
    .toString()
    .split('\0')
    .filter((path) => path !== '')
    .map((path) => join(ROOT, path))
    .filter((path) => existsSync(path));
}

/** Those of the files in which one of the texts stands, one text a line; they travel to `grep` by stdin. */
export function filesHolding(texts: string, files: readonly string[]): string[] {
  const { status, stdout, stderr } = spawnSync('grep', ['-laF', '-f', '-', '--', ...files], {
    input: texts,
    encoding: 'utf8',
    timeout: 60_000,
    maxBuffer: 16 * 2 ** 20,
  });
  // 1 is no hit.
  if (status !== 0 && status !== 1) throw new Error(`grep ended with ${String(status)}: ${stderr}`);
  return stdout.split('\n').filter((path) => path !== '');
}
