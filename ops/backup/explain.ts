import { UserError, type StackErrorCode } from '../../stack/errors.js';

/**
 * What the tools say, in the order in which it decides. Another key shows at the files that are read first; the same words at any
 * other file are damage.
 */
const SIGNS: readonly (readonly [StackErrorCode, RegExp, string])[] = [
  [
    'BACKUP_FULL',
    /No space left on device|Disk quota exceeded|QuotaExceeded|XMinioStorageFull|unable to write '[^']*'$/im,
    'the target of the backup is full',
  ],
  [
    'BACKUP_KEY',
    /unable to load info file[\s\S]*(CryptoError|FormatError|unable to flush|cipher header invalid)|wrong password or no key found/i,
    'the backups in the target were made with another key',
  ],
  [
    'BACKUP_FOREIGN',
    /do not match the database|does not match .*system-id|system-id .* does not match/i,
    'the target holds the backups of another database',
  ],
  [
    'BACKUP_TARGET',
    /connection refused|no such host|timed out|unable to connect|unable to (get address|verify certificate)|permission denied|AccessDenied|InvalidAccessKeyId|SignatureDoesNotMatch|NoSuchBucket|x509/i,
    'the target of the backup cannot be used',
  ],
  [
    'BACKUP_DAMAGED',
    /checksum|unable to flush|cipher header invalid|missing file|zstd? error|ciphertext verification failed|unexpected EOF|raised from local-\d+ protocol|repository contains errors|is damaged|pack .* (damaged|not found)/i,
    'the backup is damaged',
  ],
  ['BACKUP_TARGET', /the target cannot be used/, 'the target of the backup cannot be used'],
];

/** Without what merely tells: settings and progress hold words such as "timeout" and "checksum". */
const withoutProgress = (text: string) =>
  text
    .split('\n')
    .filter((line) => !/ (INFO|DETAIL|DEBUG): /.test(line))
    .join('\n');

/** Lines worth showing: what the tools call an error, without time and process. */
function telling(text: string): string[] {
  const lines = text
    .split('\n')
    .map((line) =>
      line
        .replace(/^.*?\bP\d\d\s+/, '')
        .replace(/[^\x20-\x7e✖•]+/g, '?')
        .slice(0, 200)
        .trim(),
    )
    .filter(Boolean);
  const errors = lines.filter((line) => /error|fatal|✖|unable|cannot|fail|denied|wrong/i.test(line));
  return (errors.length > 0 ? errors : lines).slice(-6);
}

/** The error behind what `telegram-backup` printed before it failed. */
export function explainBackup(what: string, said: string): UserError {
  const judged = withoutProgress(said);
  const found = SIGNS.find(([, sign]) => sign.test(judged));
  const details = telling(judged);
  if (!found) return new UserError('BACKUP_FAILED', `\`telegram-backup ${what}\` failed`, { details });
  return new UserError(found[0], found[2], { details });
}
