import { gzipSync } from 'node:zlib';

/**
 * Writes a ustar archive, gzipped, whose bytes depend on names, modes and contents only: no times, no owners, no
 * operating system. Entries are `{path, mode, data}`, in the order given.
 */
export function tarGz(entries, level = 6) {
  const blocks = entries.flatMap(({ path, mode, data }) => [
    header(path, mode, data.length),
    data,
    padding(data.length),
  ]);
  const gzip = gzipSync(Buffer.concat([...blocks, Buffer.alloc(1024)]), { level });
  // Byte 9 names the operating system that compressed.
  gzip[9] = 255;
  return gzip;
}

function header(path, mode, size) {
  if (Buffer.byteLength(path) > 100) throw new Error(`path too long for the archive: ${path}`);
  const block = Buffer.alloc(512);
  block.write(path, 0);
  block.write(octal(mode, 7), 100);
  block.write(octal(0, 7), 108);
  block.write(octal(0, 7), 116);
  block.write(octal(size, 11), 124);
  block.write(octal(0, 11), 136);
  block.write('        ', 148);
  block.write('0', 156);
  block.write('ustar\x0000', 257);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${octal(sum, 6)}\0 `, 148);
  return block;
}

const octal = (value, digits) => value.toString(8).padStart(digits, '0');
const padding = (size) => Buffer.alloc((512 - (size % 512)) % 512);
