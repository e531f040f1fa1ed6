/** What is stored of one message against all that it ever was. */
import type { Gap } from '../../runtime/simulator/gaps.js';
import type { Showing } from '../../runtime/simulator/shown.js';
import { cleanText } from '../../runtime/store/clean-text.js';
import type { StoredMessage, Truth } from './evidence.js';

/** A content of a message, and its life: the `pts` with which it came, and with which another one or the deletion did. */
export interface Life {
  readonly content: string;
  readonly fromPts: number;
  /** Infinity while it stands. */
  readonly untilPts: number;
}

/** What can have kept a content from the gateway. */
export interface Excuses {
  readonly gaps: readonly Gap[];
  readonly showings: readonly Showing[];
}

const MEDIA_TYPES: Readonly<Record<string, string>> = { video: 'document', voice: 'document' };

/** The contents that the database can tell apart, in their order. */
export function livesOf({ versions, service, deletedPts }: Truth): Life[] {
  const lives: Life[] = [];
  for (const { text, media, pts } of versions) {
    const mediaType = media === null ? null : (MEDIA_TYPES[media] ?? media);
    const content = contentOf(service === null ? cleanText(text) : '', mediaType);
    const last = lives.at(-1);
    if (last?.content === content) continue;
    if (last) lives.splice(-1, 1, { ...last, untilPts: pts });
    lives.push({ content, fromPts: pts, untilPts: deletedPts ?? Infinity });
  }
  return lives;
}

/** The lives that are not stored; a word where what is stored never was, or came in another order. */
export function skippedOf(lives: readonly Life[], { versions }: StoredMessage): readonly Life[] | string {
  const skipped: Life[] = [];
  let next = 0;
  for (const { text, mediaType } of versions) {
    const content = contentOf(text, mediaType);
    const at = lives.findIndex((life, index) => index >= next && life.content === content);
    if (at === -1) return `stored ${shown(content)}, which is no content of it after the one before`;
    skipped.push(...lives.slice(next, at));
    next = at + 1;
  }
  return [...skipped, ...lives.slice(next)];
}

/**
 * Whether a content was kept from the gateway: Telegram sent it over the `pts` with which it came, or showed it that `pts`
 * only when the content had been replaced or deleted. Of what was pushed, or shown while it stood, nothing is excused.
 */
export function excused(channelId: string, { fromPts, untilPts }: Life, { gaps, showings }: Excuses): boolean {
  const covers = (stretch: Gap) =>
    stretch.channelId === channelId && stretch.fromPts < fromPts && fromPts <= stretch.toPts;
  if (untilPts === Infinity) return false;
  return gaps.some(covers) || showings.some((showing) => covers(showing) && untilPts <= showing.atPts);
}

const contentOf = (text: string, media: string | null) => JSON.stringify([media, text]);
export const shown = (text = 'nothing') => text.slice(0, 120);
