import { z } from 'zod';
import type { WorldEvent } from '../channel.js';
import { truthOf } from '../truth.js';
import { channelIdOf, type Route } from './routes.js';

const MAX_EVENTS = 100_000;
const DEFAULT_MESSAGES = 1_000;

const page = (limit: number) =>
  z.object({
    after: z.coerce.number().int().min(0).default(0),
    limit: z.coerce.number().int().min(1).max(MAX_EVENTS).default(limit),
  });

/** What really happened, for whoever compares. */
export const truthRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: '/channels/:id/events',
    does: 'The event log behind pts `after`, at most `limit`; `complete` is false when older events were forgotten or more follow.',
    run: (request, _reply, { world }) => {
      const channel = world.channel(channelIdOf(request));
      const { after, limit } = page(MAX_EVENTS).parse(request.query);
      const events = channel.eventsAfter(after, limit);
      return {
        channelId: String(channel.id),
        pts: channel.pts,
        complete: after >= channel.floorPts - 1 && (events.at(-1)?.pts ?? channel.pts) === channel.pts,
        events: events.map(eventView),
      };
    },
  },
  {
    method: 'GET',
    path: '/channels/:id/messages',
    does: 'Every message behind id `after` with all its versions and its tombstone, at most `limit`; `next` is the `after` of the next page, null on the last. `complete` is false when some of them were forgotten.',
    run: (request, _reply, { world }) => {
      const channel = world.channel(channelIdOf(request));
      const { after, limit } = page(DEFAULT_MESSAGES).parse(request.query);
      const rest = truthOf(channel).filter(({ messageId }) => Number(messageId) > after);
      const messages = rest.slice(0, limit);
      return {
        channelId: String(channel.id),
        pts: channel.pts,
        complete: channel.floorPts === 1 || after >= channel.forgottenMessageId,
        next: messages.length < rest.length ? Number(messages.at(-1)?.messageId) : null,
        messages,
      };
    },
  },
];

/** One event of the truth; ids are decimal strings as everywhere in this project's JSON. */
export function eventView(event: WorldEvent) {
  const { type, pts, ptsCount, at, pushedAt } = event;
  if (type === 'delete') return { type, pts, ptsCount, at, pushedAt, messageIds: event.ids.map(String) };
  const { id: messageId, ...message } = event.message;
  return { type, pts, ptsCount, at, pushedAt, messageId: String(messageId), ...message };
}
