import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { difference } from '../../../runtime/simulator/difference.js';
import { truthOf } from '../../../runtime/simulator/truth.js';
import { World } from '../../../runtime/simulator/world.js';

/** What one short post counts for in memory, at most. */
const SHORT_POST_BYTES = 430;
const newWorld = (options = {}) => new World({ channels: 1, ...options });
const first = (world: World) => world.channel(1_000_000_001);

/** Follows differences from a pts to the end, as a client does. */
function follow(world: World, state: Map<number, string>, from: number, limit: number): number {
  const channel = first(world);
  for (let pts = from; ;) {
    const found = difference(world, channel, pts, limit);
    if (found.type === 'empty') return pts;
    if (found.type === 'tooLong') throw new Error('too long');
    expect(found.pts).toBeGreaterThan(pts);
    for (const message of found.newMessages) state.set(message.id, message.text);
    for (const event of found.otherEvents) {
      if (event.type === 'delete') for (const id of event.ids) state.delete(id);
      else state.set(event.message.id, event.message.text);
    }
    pts = found.pts;
    if (found.final) return pts;
  }
}

const present = (world: World) => new Map([...first(world).messages.values()].map(({ id, text }) => [id, text]));

describe('R10 the simulated world', () => {
  it('R10 counts one pts a post and an edit, and one for every deleted message', () => {
    const world = newWorld();
    const channel = first(world);
    expect([world.post(channel, 'a').pts, world.post(channel, 'b').pts, world.post(channel, 'c').pts]).toEqual([
      2, 3, 4,
    ]);
    expect(world.edit(channel, 2, 'A')).toMatchObject({ pts: 5, ptsCount: 1, type: 'edit' });
    expect(world.remove(channel, [2, 3, 3, 99])).toMatchObject({ pts: 7, ptsCount: 2, ids: [2, 3] });
    expect([...channel.messages.keys()]).toEqual([4]);
  });

  it('R10 never changes an event that is in the log', () => {
    const world = newWorld();
    const channel = first(world);
    world.post(channel, 'before');
    world.edit(channel, 2, 'after');
    expect(channel.log.map((event) => (event.type === 'delete' ? '' : event.message.text))).toEqual([
      'before',
      'after',
    ]);
  });

  it('R10 differences lead from any pts to the present, in slices of any size', () => {
    const step = fc.record({
      kind: fc.constantFrom('post', 'post', 'edit', 'delete'),
      id: fc.integer({ min: 2, max: 30 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), fc.integer({ min: 1, max: 10 }), fc.nat(), (steps, limit, cut) => {
        const world = newWorld();
        const channel = first(world);
        const state = new Map<number, string>();
        let pts = channel.pts;
        for (const [index, { kind, id }] of steps.entries()) {
          if (index === cut % (steps.length + 1)) pts = follow(world, state, pts, limit);
          if (kind === 'post') world.post(channel, `post ${String(index)}`);
          else if (channel.messages.has(id) && kind === 'edit') world.edit(channel, id, `edit ${String(index)}`);
          else if (channel.messages.has(id)) world.remove(channel, [id]);
        }
        expect(follow(world, state, pts, limit)).toBe(channel.pts);
        expect(state).toEqual(present(world));
      }),
    );
  });

  it('R10 leaves a post out of a difference once it is deleted, and shows an edited one as it is now', () => {
    const world = newWorld();
    const channel = first(world);
    world.post(channel, 'gone');
    world.post(channel, 'old');
    world.edit(channel, 3, 'new');
    world.remove(channel, [2]);
    expect(difference(world, channel, 1, 100)).toMatchObject({
      final: true,
      pts: 5,
      newMessages: [{ id: 3, text: 'new' }],
      otherEvents: [{ type: 'edit' }, { type: 'delete', ids: [2] }],
    });
  });

  it('R10 calls a difference too long from beyond the allowed age', () => {
    const world = newWorld({ maxPtsAge: 10 });
    const channel = first(world);
    for (let i = 0; i < 20; i++) world.post(channel, 'x');
    expect(difference(world, channel, channel.pts - 10, 100).type).toBe('slice');
    expect(difference(world, channel, channel.pts - 11, 100).type).toBe('tooLong');
  });

  it('R10 forgets the oldest events above its limit and then calls differences from there too long', () => {
    const world = newWorld({ maxBytes: 50 * SHORT_POST_BYTES });
    const channel = first(world);
    for (let i = 0; i < 200; i++) world.post(channel, `post ${String(i)}`);
    expect(channel.bytes).toBeLessThanOrEqual(50 * SHORT_POST_BYTES);
    expect(channel.messages.size).toBe(world.eventCount);
    expect(channel.pts).toBe(201);
    expect(difference(world, channel, 1, 100).type).toBe('tooLong');
    const state = new Map<number, string>();
    expect(follow(world, state, channel.floorPts, 7)).toBe(201);
    expect(state).toEqual(present(world));
  });

  it('R10 forgets the oldest whatever their channel, and leaves quiet channels their share', () => {
    const world = newWorld({ channels: 2, maxBytes: 80 * SHORT_POST_BYTES });
    const [quiet, busy] = world.channels;
    if (quiet === undefined || busy === undefined) throw new Error('expected two channels');
    for (let i = 0; i < 40; i++) world.post(quiet, 'quiet');
    for (let i = 0; i < 500; i++) world.post(busy, 'busy');
    expect(quiet.log).toHaveLength(10);
    expect(busy.log.length).toBeGreaterThan(65);
  });

  it('R10 still shows an edit whose post was forgotten', () => {
    const world = newWorld({ maxBytes: 10 * SHORT_POST_BYTES });
    const channel = first(world);
    world.post(channel, 'old');
    for (let i = 0; i < 9; i++) world.post(channel, 'x');
    world.edit(channel, 2, 'edited late');
    expect(channel.messages.has(2)).toBe(false);
    const found = difference(world, channel, channel.pts - 1, 100);
    expect(found).toMatchObject({ otherEvents: [{ type: 'edit', message: { id: 2, text: 'edited late' } }] });
  });

  it('R10 refuses what Telegram refuses and keeps text well-formed', () => {
    const world = newWorld();
    const channel = first(world);
    expect(() => world.post(channel, '')).toThrow('text: expected text or media');
    expect(() => world.post(channel, 'x'.repeat(4_097))).toThrow('at most 4096 UTF-16 units, got 4097');
    expect(() => world.edit(channel, 99, 'x')).toThrow('message 99: not found');
    expect(() => world.remove(channel, [99])).toThrow('none of the messages exists');
    expect(() => world.createChannel({ username: 'SIMULATED_news_1' })).toThrow('already taken');
    expect(world.post(channel, 'half \ud83d')).toMatchObject({ message: { text: 'half \ufffd' } });
    expect(world.post(channel, '', 'photo')).toMatchObject({ message: { text: '', media: 'photo' } });
  });

  it('R10 gives a channel the same access hash in every world, and every channel another', () => {
    const hashes = (world: World) => world.channels.map(({ identity }) => identity.accessHash);
    expect(hashes(newWorld({ channels: 5 }))).toEqual(hashes(newWorld({ channels: 5 })));
    expect(new Set(hashes(newWorld({ channels: 5 }))).size).toBe(5);
  });

  it('R10 tells every version and tombstone of every message, and no version for counters', () => {
    const world = newWorld();
    const channel = first(world);
    world.post(channel, 'a');
    world.album(channel, ['photo', 'video'], 'album');
    world.service(channel, 'title', 'Other title');
    world.edit(channel, 2, 'b');
    world.count(channel, 2, { reactions: 3 });
    world.edit(channel, 2, 'b');
    world.edit(channel, 2, 'c');
    world.remove(channel, [3]);
    expect(channel.messages.get(2)).toMatchObject({ text: 'c', editHide: false, reactions: 3 });
    const truth = truthOf(channel);
    expect(
      truth.map(({ messageId, versions, deletedPts }) => [messageId, versions.map((v) => v.text), deletedPts]),
    ).toEqual([
      ['2', ['a', 'b', 'c'], null],
      ['3', ['album'], 10],
      ['4', [''], null],
      ['5', ['Other title'], null],
    ]);
    expect(truth[0]?.versions.map(({ pts }) => pts)).toEqual([2, 6, 9]);
    expect(truth[1]?.groupedId).toBe(truth[2]?.groupedId);
    expect(BigInt(truth[1]?.groupedId ?? 0) > 2n ** 53n).toBe(true);
    expect(truth[3]).toMatchObject({ service: 'title', groupedId: null });
  });

  it('R10 moves the date of an edit when only counters change, and says that it is hidden', () => {
    const world = newWorld();
    const channel = first(world);
    world.post(channel, 'a');
    expect(world.count(channel, 2, { views: 7 })).toMatchObject({
      type: 'edit',
      message: { text: 'a', views: 7, reactions: 0, editHide: true, editDate: expect.any(Number) as unknown as number },
    });
    expect(() => world.count(channel, 9, { views: 7 })).toThrow('message 9: not found');
  });

  it('R10 albums are of two to ten photos and videos, and a service message is not edited', () => {
    const world = newWorld();
    const channel = first(world);
    expect(() => world.album(channel, ['photo'], '')).toThrow('expected 2 to 10 posts');
    expect(() => world.album(channel, ['photo', 'poll'], '')).toThrow('an album holds photo and video');
    world.service(channel, 'pin', '');
    expect(() => world.edit(channel, 2, 'x')).toThrow('message 2: not found');
  });
});
