/**
 * Compares what Telegram has with what became of it: pure, so that it can be shown to fail.
 *
 * A message is stored as it should be when
 *   its newest stored content is its newest true one, or, if it was deleted, one that it once had;
 *   what is stored of it before that are contents that it had, in their order (a difference shows only the newest);
 *   it has a tombstone if and only if it was deleted.
 * Each stored version and each tombstone is an event, which was published with that text, at least once, and whose
 * effect happened exactly once in each group. Nothing else was stored, published or done.
 *
 * `gaps` are the stretches of `pts` over which Telegram sent the gateway on, without showing what is inside: a message that
 * was posted and deleted inside one of them was shown to nobody, and need not be known. It is counted in `neverShown`.
 */
import { eventId } from '../../runtime/events.js';
import type { Gap } from '../../runtime/simulator/gaps.js';
import type { TrueMessage } from '../../runtime/simulator/truth.js';
import { cleanText } from '../../runtime/store/clean-text.js';

export type Truth = TrueMessage & { readonly channelId: string };

/** What the database holds of one message; `versions` by version number, the first as it was stored first. */
export interface StoredMessage {
  readonly channelId: string;
  readonly messageId: string;
  readonly kind: string;
  readonly versions: readonly { readonly version: number; readonly text: string; readonly mediaType: string | null }[];
  readonly deleted: boolean;
}

export interface PublishedEvent {
  readonly copies: number;
  readonly text: string;
}

export interface Evidence {
  readonly truth: readonly Truth[];
  readonly stored: readonly StoredMessage[];
  /** By event id. */
  readonly published: ReadonlyMap<string, PublishedEvent>;
  /** By group, then how often the effect of each event happened, by event id. */
  readonly effects: Readonly<Record<string, ReadonlyMap<string, number>>>;
  readonly gaps: readonly Gap[];
}

export interface Finding {
  readonly what:
    | ('missing' | 'altered' | 'not deleted' | 'deleted in error' | 'unknown message')
    | (
        | 'unpublished'
        | 'published altered'
        | 'unknown event published'
        | 'unhandled'
        | 'doubled'
        | 'unknown event handled'
      );
  /** Channel and message, or the event id. */
  readonly of: string;
  readonly detail: string;
}

export interface Verdict {
  /** Messages of Telegram's world. */
  readonly posted: number;
  /** Of them, those that the database holds as they are: content, versions, tombstone. */
  readonly stored: number;
  readonly lost: number;
  readonly neverShown: number;
  /** Events that the exchange had, and those that were handled, of `events` that the database says there are. */
  readonly published: number;
  readonly handled: number;
  readonly events: number;
  readonly duplicatedEffects: number;
  readonly findings: readonly Finding[];
}

const OF_A_MESSAGE = ['missing', 'altered', 'not deleted', 'deleted in error'];
const MEDIA_TYPES: Readonly<Record<string, string>> = { video: 'document', voice: 'document' };

export function judge({ truth, stored, published, effects, gaps }: Evidence): Verdict {
  const known = new Map(stored.map((message) => [keyOf(message), message]));
  const findings: Finding[] = [];
  let neverShown = 0;
  for (const message of truth) {
    const found = known.get(keyOf(message));
    known.delete(keyOf(message));
    if (!found && gaps.some((gap) => hides(gap, message))) neverShown += 1;
    else findings.push(...compare(message, found));
  }
  for (const key of known.keys()) findings.push({ what: 'unknown message', of: key, detail: 'Telegram never had it' });
  const lost = new Set(findings.filter(({ what }) => OF_A_MESSAGE.includes(what)).map(({ of }) => of)).size;

  const events = new Map(stored.flatMap(eventsOf));
  findings.push(...comparePublished(events, published));
  for (const [group, counts] of Object.entries(effects)) findings.push(...compareEffects(events, group, counts));
  const everywhere = [...events.keys()].filter((id) => Object.values(effects).every((counts) => counts.has(id)));
  return {
    posted: truth.length,
    stored: truth.length - lost - neverShown,
    lost,
    neverShown,
    published: [...events.keys()].filter((id) => published.has(id)).length,
    handled: everywhere.length,
    events: events.size,
    duplicatedEffects: findings.filter(({ what }) => what === 'doubled').length,
    findings,
  };
}

/** True when nothing is lost, nothing doubled, and nothing came from nowhere. */
export const flawless = ({ findings }: Verdict): boolean => findings.length === 0;

const keyOf = ({ channelId, messageId }: { channelId: string; messageId: string }) => `${channelId}:${messageId}`;

/** Whether a message came and went inside the gap. */
function hides({ channelId, fromPts, toPts }: Gap, { channelId: own, versions, deletedPts }: Truth): boolean {
  const [first] = versions;
  if (channelId !== own || deletedPts === null || first === undefined) return false;
  return first.pts > fromPts && deletedPts <= toPts;
}

function compare(truth: Truth, found: StoredMessage | undefined): Finding[] {
  const of = keyOf(truth);
  const isDeleted = truth.deletedPts !== null;
  if (!found) return [{ what: 'missing', of, detail: isDeleted ? 'not even a tombstone' : 'not stored' }];
  const findings: Finding[] = [];
  if (isDeleted && !found.deleted) findings.push({ what: 'not deleted', of, detail: 'has no tombstone' });
  if (!isDeleted && found.deleted) findings.push({ what: 'deleted in error', of, detail: 'has a tombstone' });
  const detail = contentFault(truth, found, isDeleted);
  if (detail !== null) findings.push({ what: 'altered', of, detail });
  return findings;
}

function contentFault(truth: Truth, found: StoredMessage, isDeleted: boolean): string | null {
  const kind = truth.service === null ? 'message' : 'service';
  if (found.versions.length === 0) return isDeleted ? null : 'only a tombstone';
  if (found.kind !== kind) return `is a ${found.kind}, should be a ${kind}`;
  if (found.versions.some(({ version }, index) => version !== index + 1)) return 'version numbers have a hole';
  const wanted = truth.versions.map(({ text, media }) =>
    content(truth.service === null ? cleanText(text) : '', media === null ? null : (MEDIA_TYPES[media] ?? media)),
  );
  const has = found.versions.map(({ text, mediaType }) => content(text, mediaType));
  let from = 0;
  for (const one of has) {
    const at = wanted.indexOf(one, from);
    if (at === -1) return `stored ${shown(one)}, which is no content of it after the one before`;
    from = at + 1;
  }
  const [newest, should] = [has.at(-1), wanted.at(-1)];
  return isDeleted || newest === should ? null : `newest is ${shown(newest)}, should be ${shown(should)}`;
}

const content = (text: string, media: string | null) => JSON.stringify([media, text]);
const shown = (text = 'nothing') => text.slice(0, 120);

/** The events that a stored message must have caused, with their text. */
function eventsOf({ channelId, messageId, versions, deleted }: StoredMessage): [string, string][] {
  const events = versions.map(({ version, text }): [string, string] => {
    const kind = version === 1 ? 'message.created' : 'message.edited';
    return [eventId(kind, channelId, messageId, version), text];
  });
  const last = versions.at(-1)?.version ?? 0;
  if (deleted) events.push([eventId('message.deleted', channelId, messageId, last + 1), '']);
  return events;
}

function comparePublished(
  events: ReadonlyMap<string, string>,
  published: ReadonlyMap<string, PublishedEvent>,
): Finding[] {
  const findings: Finding[] = [];
  for (const [of, text] of events) {
    const event = published.get(of);
    if (!event) findings.push({ what: 'unpublished', of, detail: 'never seen on the exchange' });
    else if (event.text !== text) findings.push({ what: 'published altered', of, detail: shown(event.text) });
  }
  for (const of of published.keys())
    if (!events.has(of))
      findings.push({ what: 'unknown event published', of, detail: 'the database has no such event' });
  return findings;
}

function compareEffects(
  events: ReadonlyMap<string, string>,
  group: string,
  counts: ReadonlyMap<string, number>,
): Finding[] {
  const findings: Finding[] = [];
  for (const of of events.keys()) {
    const count = counts.get(of) ?? 0;
    if (count === 0) findings.push({ what: 'unhandled', of, detail: `no effect in group ${group}` });
    if (count > 1) findings.push({ what: 'doubled', of, detail: `${String(count)} effects in group ${group}` });
  }
  for (const of of counts.keys())
    if (!events.has(of)) findings.push({ what: 'unknown event handled', of, detail: `in group ${group}` });
  return findings;
}
