import { chmodSync, existsSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
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
 * The applications read the new database from their next start on. The line before is kept in `kept` first, once: a run that was
 * killed in between must not take its own line for it. Gives that line, for the way back.
 */
export function switchConnections(file: string, url: string, kept: string): string {
  if (!existsSync(kept)) {
    writeFileSync(`${kept}.new`, read(file).line, { mode: 0o600 });
    renameSync(`${kept}.new`, kept);
  }
  replace(file, `${KEY}=${url}`);
  return readFileSync(kept, 'utf8');
}

export function restoreConnections(file: string, line: string): void {
  replace(file, line);
}
