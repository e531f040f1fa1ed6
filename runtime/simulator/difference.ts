import type { Channel, WorldEvent } from './channel.js';
import type { WorldMessage } from './message.js';
import type { World } from './world.js';

export type Difference =
  | { readonly type: 'empty' }
  | { readonly type: 'tooLong' }
  | {
      readonly type: 'slice';
      readonly pts: number;
      readonly final: boolean;
      readonly newMessages: readonly WorldMessage[];
      /** Edits (with the text of today) and deletions, in order. */
      readonly otherEvents: readonly WorldEvent[];
    };

/**
 * What a client at `pts` has missed. As with Telegram, posts are shown as they are now: one that was deleted since is
 * left out, one that was edited comes with its newest text (and the edit again in its own place).
 */
export function difference(world: World, channel: Channel, pts: number, limit: number): Difference {
  if (pts >= channel.pts) return { type: 'empty' };
  const age = channel.pts - pts;
  const beyond = world.tooLongRule === 'limit' && age > limit;
  if (pts < channel.floorPts || age > world.maxPtsAge || beyond) return { type: 'tooLong' };
  const events = channel.eventsAfter(pts, Math.max(1, Math.min(limit, world.sliceSize)));
  const newMessages: WorldMessage[] = [];
  const otherEvents: WorldEvent[] = [];
  for (const event of events) {
    if (event.type === 'delete') {
      otherEvents.push(event);
      continue;
    }
    const message = channel.current(event.message);
    if (message === undefined) continue;
    if (event.type === 'new') newMessages.push(message);
    else otherEvents.push({ ...event, message });
  }
  const reached = events.at(-1)?.pts ?? channel.pts;
  return { type: 'slice', pts: reached, final: reached === channel.pts, newMessages, otherEvents };
}
