import { statfsSync } from 'node:fs';

export interface DiskBytes {
  readonly available: number;
  readonly size: number;
}

/** Of the file system that holds a folder: what is left for a process without privileges, and how large it is, in bytes. */
export function diskBytes(folder = process.cwd()): DiskBytes {
  const { bavail, blocks, bsize } = statfsSync(folder);
  return { available: bavail * bsize, size: blocks * bsize };
}
