/**
 * Compares what Telegram has with what became of it: pure, so that it can be shown to fail.
 *
 * A message is stored as it should be when
 *   its newest stored content is its newest true one, or, if it was deleted, one that it once had;
 *   what is stored of it before that are contents that it had, in their order;
 *   each content that is not stored was kept from the gateway: see `excused` (contents.ts);
 *   it has a tombstone if and only if it was deleted.
 * Each stored version and each tombstone is an event, which was published with that text, at least once, and whose
 * effect happened exactly once in each group. Nothing else was stored, published or done.
 *
 * What is excused is counted: contents in `skippedVersions`, deleted messages none of whose contents is stored in
 * `onlyTombstones`, and in `neverShown` those that came and went inside one gap, of which not even a tombstone need be there.
 */
import type { Gap } from '../../runtime/simulator/gaps.js';
import { excused, livesOf, shown, skippedOf } from './contents.js';
import { compareEffects, comparePublished, eventsOf } from './events.js';
import type { Evidence, Finding, StoredMessage, Truth } from './evidence.js';

export interface Verdict {
  /** Messages of Telegram's world. */
  readonly posted: number;
  /** Of them, those that the database holds as they are: content, versions, tombstone. */
  readonly stored: number;
  readonly lost: number;
  readonly neverShown: number;
  /** Contents that another one replaced before the gateway could see them, of all messages that are stored. */
  readonly skippedVersions: number;
  /** Of the deleted messages, those of which only the deletion is stored. */
  readonly onlyTombstones: number;
  /** Events that the exchange had, and those that were handled, of `events` that the database says there are. */
  readonly published: number;
  readonly handled: number;
  readonly events: number;
  readonly duplicatedEffects: number;
  readonly findings: readonly Finding[];
}

const OF_A_MESSAGE = ['missing', 'altered', 'skipped', 'not deleted', 'deleted in error'];

export function judge(evidence: Evidence): Verdict {
  const { truth, stored, published, effects, gaps } = evidence;
  const known = new Map(stored.map((message) => [keyOf(message), message]));
  const findings: Finding[] = [];
  const counts = { neverShown: 0, skippedVersions: 0, onlyTombstones: 0 };
  for (const message of truth) {
    const found = known.get(keyOf(message));
    known.delete(keyOf(message));
    if (!found && gaps.some((gap) => hides(gap, message))) {
      counts.neverShown += 1;
      continue;
    }
    const { faults, skipped } = compare(message, found, evidence);
    findings.push(...faults);
    counts.skippedVersions += skipped;
    if (found?.deleted && found.versions.length === 0) counts.onlyTombstones += 1;
  }
  for (const key of known.keys()) findings.push({ what: 'unknown message', of: key, detail: 'Telegram never had it' });
  const lost = new Set(findings.filter(({ what }) => OF_A_MESSAGE.includes(what)).map(({ of }) => of)).size;

  const events = new Map(stored.flatMap(eventsOf));
  findings.push(...comparePublished(events, published));
  for (const [group, counts] of Object.entries(effects)) findings.push(...compareEffects(events, group, counts));
  const everywhere = [...events.keys()].filter((id) => Object.values(effects).every((counts) => counts.has(id)));
  return {
    posted: truth.length,
    stored: truth.length - lost - counts.neverShown,
    lost,
    ...counts,
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

function compare(
  truth: Truth,
  found: StoredMessage | undefined,
  evidence: Evidence,
): { readonly faults: readonly Finding[]; readonly skipped: number } {
  const of = keyOf(truth);
  const isDeleted = truth.deletedPts !== null;
  if (!found) {
    const detail = isDeleted ? 'not even a tombstone' : 'not stored';
    return { faults: [{ what: 'missing', of, detail }], skipped: 0 };
  }
  const faults: Finding[] = [];
  if (isDeleted && !found.deleted) faults.push({ what: 'not deleted', of, detail: 'has no tombstone' });
  if (!isDeleted && found.deleted) faults.push({ what: 'deleted in error', of, detail: 'has a tombstone' });
  const skipped = contentsOf(truth, found);
  if (typeof skipped === 'string') return { faults: [...faults, { what: 'altered', of, detail: skipped }], skipped: 0 };
  for (const life of skipped)
    if (!excused(truth.channelId, life, evidence))
      faults.push({ what: 'skipped', of, detail: `${shown(life.content)} was there to be seen and is not stored` });
  return { faults, skipped: skipped.length };
}

/** Contents that are not stored, or what is wrong with those that are. */
function contentsOf(truth: Truth, found: StoredMessage): ReturnType<typeof skippedOf> {
  const lives = livesOf(truth);
  if (found.versions.length === 0) return truth.deletedPts === null ? 'only a tombstone' : lives;
  const kind = truth.service === null ? 'message' : 'service';
  if (found.kind !== kind) return `is a ${found.kind}, should be a ${kind}`;
  if (found.versions.some(({ version }, index) => version !== index + 1)) return 'version numbers have a hole';
  const skipped = skippedOf(lives, found);
  const newest = lives.at(-1);
  if (typeof skipped === 'string' || truth.deletedPts !== null || !newest || !skipped.includes(newest)) return skipped;
  return `the newest, ${shown(newest.content)}, is not stored`;
}
