/** Reads the small archives that `docker cp` and `tar` write. */
const BLOCK = 512;
const REGULAR = new Set(['0', '\0']);

export interface TarFile {
  readonly content: Buffer;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

/** Base name → every regular file. */
export function tarFiles(archive: Buffer): Map<string, TarFile> {
  const files = new Map<string, TarFile>();
  for (let at = 0; at + BLOCK <= archive.length;) {
    const text = (from: number, length: number) =>
      archive.toString('utf8', at + from, at + from + length).replace(/\0.*$/s, '');
    const name = text(0, 100);
    if (name === '') break;
    const octal = (from: number, length: number) => Number.parseInt(text(from, length).trim(), 8);
    const size = octal(124, 12);
    if (!Number.isInteger(size)) throw new Error('the archive of the sessions cannot be read');
    if (REGULAR.has(archive.toString('latin1', at + 156, at + 157)))
      files.set(name.split('/').at(-1) ?? name, {
        content: archive.subarray(at + BLOCK, at + BLOCK + size),
        ...{ mode: octal(100, 8), uid: octal(108, 8), gid: octal(116, 8) },
      });
    at += BLOCK * (1 + Math.ceil(size / BLOCK));
  }
  return files;
}
