import type { BigInteger } from 'big-integer';

/** Left out wherever it stands: TL's own flag words, and what expires within hours. */
const NEVER_KEPT: ReadonlySet<string> = new Set(['flags', 'flags2', 'fileReference']);

/**
 * Any TL value as JSON-safe data: 64-bit numbers as decimal strings, bytes as base64, objects with their constructor
 * name in `_`. Absent and false flags are left out. U+0000 is stripped from strings: `jsonb` refuses it.
 */
export function plainValue(value: unknown): unknown {
  if (value === null || value === undefined || value === false) return undefined;
  if (typeof value === 'string') return value.includes('\0') ? value.replaceAll('\0', '') : value;
  if (typeof value === 'bigint') return value.toString();
  if (typeof value !== 'object') return value;
  if (Buffer.isBuffer(value)) return value.toString('base64');
  if (Array.isArray(value)) return value.map((item: unknown) => plainValue(item) ?? null);
  if (isLong(value)) return value.toString();
  const name = 'className' in value && typeof value.className === 'string' ? { _: value.className } : {};
  return { ...name, ...plainFields('originalArgs' in value ? (value.originalArgs as object) : value) };
}

/** The fields of an object that hold something, but for the named ones. */
export function plainFields(fields: object, skipped?: ReadonlySet<string>): Record<string, unknown> {
  const plain: Record<string, unknown> = {};
  for (const [key, field] of Object.entries(fields) as [string, unknown][]) {
    // Most fields of a message are absent flags: decided first, because this runs for every message.
    if (field === null || field === undefined || field === false) continue;
    if (NEVER_KEPT.has(key) || skipped?.has(key) === true) continue;
    plain[key] = plainValue(field);
  }
  return plain;
}

/** `big-integer` values, whichever of its three inner classes they are. */
function isLong(value: object): value is BigInteger {
  return 'toJSNumber' in value && typeof value.toJSNumber === 'function';
}
