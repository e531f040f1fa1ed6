import { mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { randomBytes } from 'node:crypto';
import { RuntimeError } from '../errors.js';
import { hasCode } from './errno.js';

/**
 * The session file: whoever has it is logged in as the account.
 *
 * Promised: a file that others may read is refused; a write is seen wholly or not at all, also after a power cut.
 * Not promised: protection from root, or from copies.
 */

const NOT_FOR_OTHERS = 0o077;

/** The session, or null where there is none yet. */
export async function readSession(path: string): Promise<string | null> {
  try {
    const { mode } = await stat(path);
    if ((mode & NOT_FOR_OTHERS) !== 0)
      throw new RuntimeError(
        'SESSION_INSECURE',
        `${path} has mode ${(mode & 0o777).toString(8).padStart(4, '0')}; expected 0600: others could use the session`,
      );
    const session = (await readFile(path, 'utf8')).trim();
    return session === '' ? null : session;
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return null;
    throw error;
  }
}

export async function writeSession(path: string, session: string): Promise<void> {
  const folder = dirname(path);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`;
  try {
    const file = await open(temporary, 'wx', 0o600);
    try {
      await file.writeFile(`${session}\n`);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  // The rename itself is durable only when the folder is.
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
