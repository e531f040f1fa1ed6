import { errors } from 'telegram';
import { TelegramError, type TelegramErrorKind } from '../client.js';

/** The session is of no more use: only a new login helps. */
const AUTH_FATAL = new Set([
  'AUTH_KEY_UNREGISTERED',
  'AUTH_KEY_INVALID',
  'AUTH_KEY_DUPLICATED',
  'SESSION_REVOKED',
  'SESSION_EXPIRED',
  'USER_DEACTIVATED',
  'USER_DEACTIVATED_BAN',
  'UPDATE_APP_TO_LOGIN',
  'FROZEN_METHOD_INVALID',
  'API_ID_INVALID',
  'API_ID_PUBLISHED_FLOOD',
]);
const CHANNEL_GONE = new Set([
  'CHANNEL_PRIVATE',
  'CHANNEL_INVALID',
  'CHANNEL_PUBLIC_GROUP_NA',
  'USER_BANNED_IN_CHANNEL',
]);
const PTS_INVALID = new Set(['PERSISTENT_TIMESTAMP_INVALID', 'PERSISTENT_TIMESTAMP_EMPTY']);
/** What the reader of GramJS says about bytes it does not understand. */
const READER_ERROR = /No more data left to read|Invalid boolean code|Invalid constructor code|out of range/;

function kindOf(name: string): TelegramErrorKind {
  if (AUTH_FATAL.has(name)) return 'auth-fatal';
  if (CHANNEL_GONE.has(name)) return 'channel-gone';
  if (PTS_INVALID.has(name)) return 'pts-invalid';
  return 'transient';
}

/**
 * Every error of the library as a `TelegramError`. Matched on Telegram's own name, never on the class: the library
 * gives 500 and 503 as plain `RPCError`, and writes the method into the message. What is unknown is `transient`.
 */
export function classify(error: unknown): TelegramError {
  if (error instanceof TelegramError) return error;
  if (error instanceof errors.TypeNotFoundError)
    return new TelegramError('unreadable', 'TYPE_NOT_FOUND', null, { cause: error });
  if (error instanceof errors.FloodWaitError || error instanceof errors.SlowModeWaitError)
    return new TelegramError('flood', `FLOOD_WAIT_${String(error.seconds)}`, error.seconds, { cause: error });
  if (error instanceof errors.RPCError) {
    const flood = /^FLOOD_(?:PREMIUM_)?WAIT_(\d+)$/.exec(error.errorMessage);
    if (flood) return new TelegramError('flood', error.errorMessage, Number(flood[1]), { cause: error });
    return new TelegramError(kindOf(error.errorMessage), error.errorMessage, null, { cause: error });
  }
  const message = error instanceof Error ? error.message : String(error);
  return new TelegramError(READER_ERROR.test(message) ? 'unreadable' : 'transient', message, null, { cause: error });
}
