import {
  accessSync,
  chmodSync,
  constants,
  existsSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { UserError } from '../../stack/errors.js';

const KEY = 'TELEGRAM_DATABASE_URL';
const LINE = new RegExp(`^${KEY}=.*$`, 'm');

/** The line with the connection string, and the whole text around it. */
function read(file: string): { readonly text: string; readonly line: string } {
  if (!existsSync(file))
    throw new UserError('MIGRATE_PREFLIGHT', `telegram:source.connectionsFile: there is no ${file}`);
  const text = readFileSync(file, 'utf8');
  const line = LINE.exec(text)?.[0];
  if (line === undefined)
    throw new UserError('MIGRATE_PREFLIGHT', `telegram:source.connectionsFile: ${file} has no line ${KEY}=…`);
  return { text, line };
}

/** Why the switch could not be made later; null where it can. The file is replaced by a new one beside it. */
export function connectionsProblem(file: string): string | null {
  try {
    read(file);
    accessSync(file, constants.W_OK);
    accessSync(dirname(file), constants.W_OK | constants.X_OK);
    return null;
  } catch (error) {
    if (error instanceof UserError) return error.message;
    return `telegram:source.connectionsFile: ${error instanceof Error ? error.message : String(error)}`;
  }
}

/** Puts `line` in place of that one. All else stays as it is, its mode included. */
function replace(file: string, line: string): void {
  const { text } = read(file);
  writeFileSync(
    `${file}.new`,
    text.replace(LINE, () => line),
    { mode: 0o600 },
  );
  chmodSync(`${file}.new`, statSync(file).mode & 0o7777);
  renameSync(`${file}.new`, file);
}

/**
 * The applications read the new database from their next start on. The line before is kept in `kept` (0600, for it holds a
 * password) first, once: a run that was killed in between must not take its own line for it.
 */
export function switchConnections(file: string, url: string, kept: string): void {
  if (!existsSync(kept)) {
    writeFileSync(`${kept}.new`, read(file).line, { mode: 0o600 });
    renameSync(`${kept}.new`, kept);
  }
  replace(file, `${KEY}=${url}`);
}

/** The line that `switchConnections` has kept. */
export function keptLine(kept: string): string {
  if (existsSync(kept)) return readFileSync(kept, 'utf8');
  throw new UserError('MIGRATE_ROLLBACK', `there is no ${kept}, which kept the connection string of before`, {
    fix: 'Take telegram:source.connectionsFile out of the stack file, and put the old connection string back yourself.',
  });
}

export function restoreConnections(file: string, line: string): void {
  replace(file, line);
}
