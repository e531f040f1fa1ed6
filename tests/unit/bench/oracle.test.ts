import { describe, expect, it } from '@jest/globals';
import type { Evidence, Finding, PublishedEvent, StoredMessage, Truth } from '../../../bench/chaos/evidence.js';
import { flawless, judge } from '../../../bench/chaos/oracle.js';

const CHANNEL = '1000000001';
const FIRST_PTS = 10;
const DELETED_PTS = 99;

/** A message with the texts that it ever had; deleted, if it was, after the last. */
function truth(
  messageId: number,
  texts: readonly string[],
  deleted = false,
  media: 'photo' | 'video' | null = null,
): Truth {
  return {
    ...{ channelId: CHANNEL, messageId: String(messageId), date: 1_700_000_000, groupedId: null, service: null },
    versions: texts.map((text, n) => ({
      text,
      media,
      editDate: n === 0 ? null : 1_700_000_000 + n,
      pts: FIRST_PTS + n,
    })),
    deletedPts: deleted ? DELETED_PTS : null,
  };
}

function stored(messageId: number, texts: readonly string[], deleted = false, mediaType: string | null = null) {
  const versions = texts.map((text, index) => ({ version: index + 1, text, mediaType }));
  return { channelId: CHANNEL, messageId: String(messageId), kind: 'message', versions, deleted };
}

/** Everything as it should be, for what is stored. */
function evidence(
  world: readonly Truth[],
  messages: readonly StoredMessage[],
): Evidence & {
  published: Map<string, PublishedEvent>;
  effects: Record<'chaos' | 'default', Map<string, number>>;
} {
  const events = messages.flatMap(({ channelId, messageId, versions, deleted }) => [
    ...versions.map(({ version, text }): [string, string] => [
      `message.${version === 1 ? 'created' : 'edited'}:${channelId}:${messageId}:${String(version)}`,
      text,
    ]),
    ...(deleted
      ? [[`message.deleted:${channelId}:${messageId}:${String(versions.length + 1)}`, ''] as [string, string]]
      : []),
  ]);
  const once = () => new Map(events.map(([id]) => [id, 1]));
  return {
    truth: world,
    stored: messages,
    published: new Map(events.map(([id, text]) => [id, { copies: 1, text }])),
    effects: { chaos: once(), default: once() },
    gaps: [],
    showings: [],
  };
}

/** A difference from before everything up to `toPts`, with the messages as they stood at `atPts`. */
const showing = (toPts: number, atPts: number, fromPts = FIRST_PTS - 1) => ({
  ...{ channelId: CHANNEL, by: 'difference' as const, fromPts, toPts, atPts },
});

const WORLD = [truth(1, ['one']), truth(2, ['two', 'two, edited']), truth(3, ['three'], true)];
const GOOD = [stored(1, ['one']), stored(2, ['two', 'two, edited']), stored(3, ['three'], true)];
const whats = (findings: readonly Finding[]) => findings.map(({ what, of }) => `${what} ${of.replace(CHANNEL, 'c')}`);
const without = (id: number) => GOOD.filter(({ messageId }) => messageId !== String(id));

describe('N8 the oracle is content with', () => {
  it('N8 a world that was stored, published and handled', () => {
    const verdict = judge(evidence(WORLD, GOOD));
    expect(verdict).toEqual({
      ...{ posted: 3, stored: 3, lost: 0, neverShown: 0, skippedVersions: 0, onlyTombstones: 0 },
      ...{ published: 5, handled: 5, events: 5, duplicatedEffects: 0 },
      findings: [],
    });
    expect(flawless(verdict)).toBe(true);
  });

  it('N8 versions that a difference skipped, as long as the newest is there, and counts them', () => {
    const world = [truth(1, ['a', 'b', 'c'])];
    const showings = [showing(FIRST_PTS + 2, FIRST_PTS + 2)];
    for (const texts of [['c'], ['a', 'c'], ['b', 'c']])
      expect(judge({ ...evidence(world, [stored(1, texts)]), showings })).toMatchObject({
        ...{ findings: [], skippedVersions: 3 - texts.length, onlyTombstones: 0, lost: 0 },
      });
  });

  it('N8 a deletion of a message that was never seen, and an edit that a deletion hid, and counts them', () => {
    const world = [truth(1, ['a', 'b'], true)];
    const showings = [showing(FIRST_PTS + 1, DELETED_PTS)];
    const bare = judge({ ...evidence(world, [stored(1, [], true)]), showings });
    expect(bare).toMatchObject({ findings: [], skippedVersions: 2, onlyTombstones: 1 });
    const hidden = judge({ ...evidence(world, [stored(1, ['a'], true)]), showings });
    expect(hidden).toMatchObject({ findings: [], skippedVersions: 1, onlyTombstones: 0 });
  });

  it('N8 what was replaced while Telegram sent the gateway over it: its history shows the newest', () => {
    const gaps = [{ channelId: CHANNEL, fromPts: FIRST_PTS - 1, toPts: FIRST_PTS }];
    const later = judge({ ...evidence([truth(1, ['a', 'b'])], [stored(1, ['b'])]), gaps });
    expect(later).toMatchObject({ findings: [], skippedVersions: 1 });
  });

  it('N8 texts as the database can hold them, and media by their own names', () => {
    const world = [truth(1, ['a\0b']), truth(2, ['half \ud800']), truth(3, [''], false, 'video')];
    const rows = [stored(1, ['ab']), stored(2, ['half \ufffd']), stored(3, [''], false, 'document')];
    expect(judge(evidence(world, rows)).findings).toEqual([]);
  });

  it('N8 a second copy on the exchange', () => {
    const all = evidence(WORLD, GOOD);
    all.published.set(`message.created:${CHANNEL}:1:1`, { copies: 3, text: 'one' });
    expect(judge(all).findings).toEqual([]);
  });

  it('N8 what was posted and deleted inside one gap of its channel', () => {
    const gap = { channelId: CHANNEL, fromPts: FIRST_PTS - 1, toPts: DELETED_PTS };
    const elsewhere = { channelId: '1000000002', fromPts: 0, toPts: 1_000 };
    const all = evidence(WORLD, without(3));
    expect(judge({ ...all, gaps: [elsewhere, gap] })).toMatchObject({ neverShown: 1, lost: 0, findings: [] });
  });
});

describe('N8 the oracle finds', () => {
  it('N8 a lost message, deleted or not, gap or not', () => {
    for (const gaps of [[], [{ channelId: CHANNEL, fromPts: 0, toPts: 1_000 }]])
      expect(whats(judge({ ...evidence(WORLD, without(1)), gaps }).findings)).toEqual(['missing c:1']);
    expect(judge(evidence(WORLD, without(1)))).toMatchObject({ posted: 3, stored: 2, lost: 1 });
  });

  it.each([
    ['without a gap', []],
    ['with a gap of another channel', [{ channelId: '1000000002', fromPts: 0, toPts: 1_000 }]],
    ['posted before the gap', [{ channelId: CHANNEL, fromPts: FIRST_PTS, toPts: DELETED_PTS }]],
    ['deleted behind the gap', [{ channelId: CHANNEL, fromPts: 0, toPts: DELETED_PTS - 1 }]],
    [
      'between two gaps',
      [
        { channelId: CHANNEL, fromPts: 0, toPts: 50 },
        { channelId: CHANNEL, fromPts: 50, toPts: 1_000 },
      ],
    ],
  ])('N8 a deleted message nobody knows, %s', (_what, gaps) => {
    const verdict = judge({ ...evidence(WORLD, without(3)), gaps });
    expect(whats(verdict.findings)).toEqual(['missing c:3']);
    expect(verdict).toMatchObject({ lost: 1, neverShown: 0 });
  });

  it.each([
    ['another text', [stored(1, ['One'])]],
    ['a text that differs only at its end', [stored(1, [`one${' '.repeat(200)}!`])]],
    ['other media', [stored(1, ['one'], false, 'photo')]],
    ['another kind', [{ ...stored(1, ['one']), kind: 'service' }]],
    ['a version that never was', [stored(1, ['zero', 'one'])]],
    ['a hole among versions', [{ ...stored(1, []), versions: [{ version: 2, text: 'one', mediaType: null }] }]],
  ])('N8 %s', (_what, rows) => {
    const verdict = judge(evidence([truth(1, ['one'])], rows));
    expect(verdict.lost).toBe(1);
    expect(whats(verdict.findings)).toContain('altered c:1');
  });

  it.each([
    ['was only pushed', []],
    ['was shown while it stood', [showing(FIRST_PTS, FIRST_PTS)]],
    ['was shown in another channel', [{ ...showing(FIRST_PTS + 1, DELETED_PTS), channelId: '1000000002' }]],
    ['came before what was shown', [showing(FIRST_PTS + 1, DELETED_PTS, FIRST_PTS)]],
    ['came behind what was shown', [showing(FIRST_PTS - 1, DELETED_PTS, 0)]],
  ])('N8 a version that is not there and %s, and one before a deletion', (_what, showings) => {
    const edited = judge({ ...evidence([truth(1, ['a', 'b'])], [stored(1, ['b'])]), showings });
    expect(whats(edited.findings)).toEqual(['skipped c:1']);
    const deleted = judge({ ...evidence([truth(1, ['a'], true)], [stored(1, [], true)]), showings });
    expect(whats(deleted.findings)).toEqual(['skipped c:1']);
    expect([edited.lost, deleted.lost]).toEqual([1, 1]);
  });

  it('N8 the newest version where it is not there, whatever was shown', () => {
    const all = evidence([truth(1, ['a', 'b'])], [stored(1, ['a'])]);
    const gaps = [{ channelId: CHANNEL, fromPts: 0, toPts: 1_000 }];
    expect(whats(judge({ ...all, gaps, showings: [showing(500, 500)] }).findings)).toEqual(['altered c:1']);
  });

  it('N8 an edit that was lost, and an older copy over a newer one', () => {
    const world = [truth(1, ['a', 'b'])];
    expect(whats(judge(evidence(world, [stored(1, ['a'])])).findings)).toEqual(['altered c:1']);
    expect(whats(judge(evidence(world, [stored(1, ['b', 'a'])])).findings)).toEqual(['altered c:1']);
  });

  it('N8 a deletion that was lost, and one that never was', () => {
    expect(whats(judge(evidence([truth(1, ['a'], true)], [stored(1, ['a'])])).findings)).toEqual(['not deleted c:1']);
    expect(whats(judge(evidence([truth(1, ['a'])], [stored(1, ['a'], true)])).findings)).toEqual([
      'deleted in error c:1',
    ]);
  });

  it('N8 a message from nowhere', () => {
    expect(whats(judge(evidence(WORLD, [...GOOD, stored(9, ['nine'])])).findings)).toEqual(['unknown message c:9']);
  });

  it('N8 an event that never reached the exchange, that changed on its way, or that nobody caused', () => {
    const all = evidence(WORLD, GOOD);
    all.published.delete(`message.edited:${CHANNEL}:2:2`);
    all.published.set(`message.created:${CHANNEL}:1:1`, { copies: 1, text: 'uno' });
    all.published.set(`message.created:${CHANNEL}:9:1`, { copies: 1, text: 'nine' });
    const verdict = judge(all);
    expect(whats(verdict.findings)).toEqual([
      'published altered message.created:c:1:1',
      'unpublished message.edited:c:2:2',
      'unknown event published message.created:c:9:1',
    ]);
    expect(verdict).toMatchObject({ lost: 0, events: 5, published: 4 });
  });

  it('N8 an effect that did not happen, that happened twice, or of nothing, in either group', () => {
    for (const group of ['chaos', 'default'] as const) {
      const all = evidence(WORLD, GOOD);
      all.effects[group].delete(`message.created:${CHANNEL}:1:1`);
      all.effects[group].set(`message.edited:${CHANNEL}:2:2`, 2);
      all.effects[group].set(`message.edited:${CHANNEL}:2:3`, 1);
      const verdict = judge(all);
      expect(whats(verdict.findings)).toEqual([
        'unhandled message.created:c:1:1',
        'doubled message.edited:c:2:2',
        'unknown event handled message.edited:c:2:3',
      ]);
      expect(verdict).toMatchObject({ handled: 4, duplicatedEffects: 1 });
      expect(flawless(verdict)).toBe(false);
    }
  });
});
