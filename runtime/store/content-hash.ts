import { createHash } from 'node:crypto';
import { writable } from '../ingest/unwritable.js';

/** What of a message a reader would call its content, as it is stored. */
export interface MessageContent {
  readonly text: string;
  readonly mediaType: string | null;
  /** As in `PlainMessage`: holds `entities` and `media`. */
  readonly metadata: Readonly<Record<string, unknown>>;
}

/**
 * SHA-256 of text, entities and media. Two copies of a message with equal hashes are the same version of it: views,
 * reactions, keyboards, and the web page that Telegram adds to a link, change nothing here.
 */
export function contentHash({ text, mediaType, metadata }: MessageContent): Buffer {
  const media = mediaType === null || mediaType === 'webpage' ? null : [mediaType, mediaIdentity(metadata['media'])];
  const content = writable(() => JSON.stringify([text, sorted(metadata['entities'] ?? null), media]));
  return createHash('sha256').update(content).digest();
}

/** The fields in which TL keeps what a medium is, each an object with an id; the first that is there decides. */
const WITH_ID = ['photo', 'document', 'poll', 'game'] as const;
/** Media without an id of their own are what they say. */
const TELLING = ['phoneNumber', 'firstName', 'lastName', 'venueId', 'title', 'emoticon', 'geo'] as const;

function mediaIdentity(media: unknown): unknown {
  if (!isRecord(media)) return null;
  for (const name of WITH_ID) {
    const part = media[name];
    if (isRecord(part) && 'id' in part) return part['id'];
  }
  // A live location moves all the time.
  if (media['_'] === 'MessageMediaGeoLive') return null;
  const telling = TELLING.flatMap((name) => (name in media ? [[name, withoutHash(media[name])]] : []));
  return telling.length === 0 ? null : sorted(telling);
}

/** The access hash of a place differs from account to account. */
function withoutHash(value: unknown): unknown {
  if (!isRecord(value)) return value;
  return Object.fromEntries(Object.entries(value).filter(([key]) => key !== 'accessHash'));
}

/** The same value with its keys in order: `jsonb` gives them back in an order of its own. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isRecord(value)) return value;
  return Object.fromEntries(
    Object.keys(value)
      .sort()
      .map((key) => [key, sorted(value[key])]),
  );
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
