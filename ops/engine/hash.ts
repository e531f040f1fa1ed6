import { createHash, createHmac } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { lstat, readdir, readlink, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { canonical } from './canonical.js';

/** Keyed, so that the readable hash in the state file does not let anyone try out passwords against it. */
export function hashInputs(key: Buffer, type: string, inputs: Readonly<Record<string, unknown>>): string {
  return createHmac('sha256', key)
    .update(type)
    .update('\0')
    .update(canonical(withoutPaths(inputs)))
    .digest('hex');
}

/**
 * The same file in another folder is the same input. Its base name stays in: a copied folder is named after it. So does a
 * trailing slash, which decides whether the folder itself or its contents are copied.
 */
function withoutPaths(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutPaths);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value);
  const isAsset = '$asset' in value;
  return Object.fromEntries(
    entries.map(([key, inner]: [string, unknown]) => {
      if (isAsset && key === 'path' && typeof inner === 'string') {
        return [key, basename(inner) + (inner.endsWith('/') ? '/' : '')];
      }
      return [key, withoutPaths(inner)];
    }),
  );
}

/** sha256 over the content of a file, or over names, kinds and contents of everything in a folder. */
export async function digestPath(path: string): Promise<string> {
  const digest = createHash('sha256');
  if ((await stat(path)).isDirectory()) {
    for (const line of await describeTree(path, '')) digest.update(line).update('\n');
  } else {
    await pipeline(createReadStream(path), digest, { end: false });
  }
  return digest.digest('hex');
}

async function describeTree(root: string, inside: string): Promise<string[]> {
  const lines: string[] = [];
  for (const name of (await readdir(join(root, inside))).sort()) {
    const relative = join(inside, name);
    const entry = await lstat(join(root, relative));
    if (entry.isDirectory()) lines.push(`d ${relative}`, ...(await describeTree(root, relative)));
    else if (entry.isSymbolicLink()) lines.push(`l ${relative} ${await readlink(join(root, relative))}`);
    else lines.push(`f ${relative} ${await digestPath(join(root, relative))}`);
  }
  return lines;
}
