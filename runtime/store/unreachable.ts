import { DatabaseError } from 'pg';
import { RuntimeError } from '../errors.js';

/**
 * SQLSTATE classes that say nothing about the statement: 08 connection (PgBouncer uses 08P01 for a crashed server, a
 * full queue and a failed login), 25006 a standby that only reads until it takes over, 28 login, 53 resources, 57P shutdown
 * and recovery.
 */
const CLASSES = ['08', '25006', '28', '53', '57P'];

/** What `pg` throws without a SQLSTATE when a connection breaks or does not come about. */
const MESSAGES = [
  'Connection terminated',
  'Client has encountered a connection error',
  'Client was closed',
  'timeout exceeded when trying to connect',
  'timeout expired',
  'Query read timeout',
  'Cannot use a pool after calling end on the pool',
];

/** True when the database cannot be worked with, so that the same statement may succeed later as it is. */
export function isUnreachable(error: unknown): boolean {
  if (error instanceof DatabaseError) return CLASSES.some((prefix) => error.code?.startsWith(prefix) === true);
  // An error of a socket may be of another realm, where `instanceof` does not know it.
  if (typeof error !== 'object' || error === null) return false;
  if ('syscall' in error) return true;
  const text = 'message' in error ? String(error.message) : '';
  return MESSAGES.some((message) => text.startsWith(message));
}

/** True for the error that `Database` makes of it. */
export function isServiceUnreachable(error: unknown): boolean {
  return error instanceof RuntimeError && error.code === 'SERVICE_UNREACHABLE';
}
