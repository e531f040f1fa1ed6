/** A tar stream of the old and common ustar form: all that the Docker API wants for build contexts and uploads. */
const BLOCK = 512;
const LONGEST_NAME = 100;

export interface TarEntry {
  readonly name: string;
  readonly mode: number;
  readonly uid?: number;
  readonly gid?: number;
  readonly kind: 'file' | 'folder' | 'link';
  /** Bytes of a file. */
  readonly size?: number;
  /** Where a symbolic link points to. */
  readonly target?: string;
}

const KINDS = { file: '0', link: '2', folder: '5' } as const;

/**
 * Header block(s) of one entry. Time is always zero, so that equal content gives equal bytes. Names and link targets over
 * 100 bytes go into a block of their own in front (the GNU form, which Docker reads).
 */
export function tarHeader(entry: TarEntry): Buffer {
  const name = entry.kind === 'folder' && !entry.name.endsWith('/') ? `${entry.name}/` : entry.name;
  const long: Buffer[] = [];
  if (Buffer.byteLength(name) > LONGEST_NAME) long.push(longField('L', name));
  if (Buffer.byteLength(entry.target ?? '') > LONGEST_NAME) long.push(longField('K', entry.target ?? ''));
  return Buffer.concat([...long, block({ ...entry, name }, KINDS[entry.kind])]);
}

/** Zeros that fill up the last block of a file. */
export function tarPadding(size: number): Buffer {
  return Buffer.alloc((BLOCK - (size % BLOCK)) % BLOCK);
}

/** Closes an archive. */
export function tarEnd(): Buffer {
  return Buffer.alloc(2 * BLOCK);
}

/** A whole archive in memory, for small files. */
export function tarOf(files: readonly (TarEntry & { readonly content: Buffer })[]): Buffer {
  const parts = files.flatMap((file) => [
    tarHeader({ ...file, size: file.content.length }),
    file.content,
    tarPadding(file.content.length),
  ]);
  return Buffer.concat([...parts, tarEnd()]);
}

function longField(kind: 'L' | 'K', text: string): Buffer {
  const content = Buffer.from(`${text}\0`);
  const header = block({ name: '././@LongLink', mode: 0, kind: 'file', size: content.length }, kind);
  return Buffer.concat([header, content, tarPadding(content.length)]);
}

function block(entry: TarEntry, kind: string): Buffer {
  const header = Buffer.alloc(BLOCK);
  const octal = (value: number, at: number, length: number): void => {
    header.write(`${value.toString(8).padStart(length - 1, '0')}\0`, at, 'ascii');
  };
  Buffer.from(entry.name).copy(header, 0, 0, LONGEST_NAME);
  octal(entry.mode & 0o7777, 100, 8);
  octal(entry.uid ?? 0, 108, 8);
  octal(entry.gid ?? 0, 116, 8);
  octal(entry.kind === 'file' ? (entry.size ?? 0) : 0, 124, 12);
  octal(0, 136, 12);
  header.write(kind, 156, 'ascii');
  Buffer.from(entry.target ?? '').copy(header, 157, 0, LONGEST_NAME);
  header.write('ustar  \0', 257, 'ascii');
  // The checksum counts its own field as eight spaces.
  header.fill(' ', 148, 156);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'ascii');
  return header;
}
