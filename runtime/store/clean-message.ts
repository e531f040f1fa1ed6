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
    metadata: cleanJson(metadata),
  };
}

/** Telegram's dates are Unix seconds. */
export function isoSeconds(seconds: number): string {
  return new Date(seconds * 1_000).toISOString();
}
