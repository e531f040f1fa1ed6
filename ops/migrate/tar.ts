/** Reads the small archives that `docker cp` and `tar` write. */
const BLOCK = 512;
const REGULAR = new Set(['0', '\0']);

/** Base name → content of every regular file. */
export function tarFiles(archive: Buffer): Map<string, Buffer> {
  const files = new Map<string, Buffer>();
  for (let at = 0; at + BLOCK <= archive.length;) {
    const text = (from: number, length: number) =>
      archive.toString('utf8', at + from, at + from + length).replace(/\0.*$/s, '');
    const name = text(0, 100);
    if (name === '') break;
    const size = Number.parseInt(text(124, 12).trim(), 8);
    if (!Number.isInteger(size)) throw new Error('the archive of the sessions cannot be read');
    if (REGULAR.has(archive.toString('latin1', at + 156, at + 157)))
      files.set(name.split('/').at(-1) ?? name, archive.subarray(at + BLOCK, at + BLOCK + size));
    at += BLOCK * (1 + Math.ceil(size / BLOCK));
  }
  return files;
}
