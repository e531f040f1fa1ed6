/**
 * PostgreSQL stores neither U+0000 nor half a surrogate pair, and both arrive from Telegram. One cleaned form is used
 * for the row and for the event, so that they are always equal.
 */
export function cleanText(text: string): string {
  return text.replaceAll('\0', '').toWellFormed();
}

/** JSON text of a value, cleaned in values and keys; 64-bit numbers as decimal strings. */
export function cleanJson(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) => {
    if (typeof part === 'string') return cleanText(part);
    if (typeof part === 'bigint') return part.toString();
    if (part !== null && typeof part === 'object' && !Array.isArray(part))
      return Object.fromEntries(Object.entries(part).map(([key, inner]) => [cleanText(key), inner as unknown]));
    return part;
  });
}
