import { writable } from '../ingest/unwritable.js';
import type { PlainMessage } from '../telegram/client.js';
import { cleanJson, cleanText } from './clean-text.js';

/** The parts of a message that PostgreSQL may not hold as they came, in the form in which they are stored and told. */
export interface CleanMessage {
  readonly text: string;
  readonly mediaType: string | null;
  /** JSON. */
  readonly metadata: string;
}

export function cleanMessage({ text, mediaType, metadata }: PlainMessage): CleanMessage {
  return {
    text: cleanText(text),
    mediaType: mediaType === null ? null : cleanText(mediaType),
    metadata: writable(() => cleanJson(metadata)),
  };
}

/** Telegram's dates are Unix seconds; one that is none cannot be written down. */
export function isoSeconds(seconds: number): string {
  return writable(() => new Date(seconds * 1_000).toISOString());
}
