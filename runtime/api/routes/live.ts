/**
 * Events as they are stored, as server-sent events.
 *
 * Promised: the id of each is where a reader that was cut off goes on (`Last-Event-ID`), as long as the stream still holds it
 *   (the last few thousand events); it takes no broker. While Redis is away the feed says `interrupted`, then `resumed`.
 *   A reader that is slow is waited for with one page in hand; one that takes nothing for a minute loses its connection.
 * Not promised: that nothing is missing. `/v1/messages` has everything.
 */
import { once } from 'node:events';
import { z } from 'zod';
import { RuntimeError } from '../../errors.js';
import { id } from '../fields.js';
import { follow, whereNow, type LiveNews } from '../live-feed.js';
import { KEYED } from '../openapi.js';
import { Places } from '../places.js';
import { COMMON } from '../problems.js';
import type { ApiInstance, ApiParts } from '../server.js';

const MOST_AT_ONCE = 100;
/** Silence after which a comment is sent, so that nobody between takes the connection for dead. */
const IDLE_MS = 15_000;

export function liveRoute(app: ApiInstance, { cache, stalledMs }: ApiParts): void {
  const places = new Places(MOST_AT_ONCE, 'live feeds');
  app.get(
    '/v1/live',
    {
      schema: {
        summary: 'Events as they are stored, as server-sent events',
        description: 'Each has the name of its kind (`message.created`, `message.edited`, `message.deleted`).',
        tags: ['messages'],
        security: KEYED,
        produces: ['text/event-stream'],
        headers: z.object({
          'last-event-id': z
            .string()
            .regex(/^\d{1,15}-\d{1,10}$/, 'expected the id of an event')
            .optional()
            .describe('Go on after this event.'),
        }),
        querystring: z.strictObject({ channel: id('Only this channel.').optional() }),
        response: { 200: z.string(), ...COMMON },
      },
    },
    async (request, reply) => {
      if (!cache) throw new RuntimeError('SERVICE_UNREACHABLE', 'there is no cache, and so no live feed');
      const giveBack = places.take();
      const gone = new AbortController();
      reply.raw.once('close', () => {
        giveBack();
        gone.abort();
      });
      const after = request.headers['last-event-id'] ?? (await startOf(cache));
      reply.hijack();
      const { raw } = reply;
      raw.on('error', () => undefined);
      // A reader that takes nothing any more holds one page and its place no longer than this; the comments keep the others.
      raw.setTimeout(stalledMs, () => raw.destroy());
      raw.writeHead(200, {
        'content-type': 'text/event-stream',
        'cache-control': 'no-store',
        'x-accel-buffering': 'no',
      });
      raw.write(': the feed begins\n\n');
      for await (const news of follow(cache, { after, idleMs: IDLE_MS, signal: gone.signal })) {
        const text = textOf(news, request.query.channel);
        if (text !== '' && !raw.write(text)) await once(raw, 'drain', { signal: gone.signal }).catch(() => undefined);
      }
    },
  );
}

async function startOf(cache: NonNullable<ApiParts['cache']>): Promise<string> {
  try {
    return await whereNow(cache);
  } catch (cause) {
    throw new RuntimeError('SERVICE_UNREACHABLE', 'the cache does not answer, and so there is no live feed', { cause });
  }
}

function textOf(news: LiveNews, channel: string | undefined): string {
  switch (news.kind) {
    case 'idle':
      return ': still here\n\n';
    case 'away':
      return 'event: interrupted\ndata: {}\n\n';
    case 'back':
      return 'event: resumed\ndata: {}\n\n';
    case 'events':
      return news.entries
        .map(({ id: entryId, event }) =>
          event === null || (channel !== undefined && event.channelId !== channel)
            ? ''
            : `id: ${entryId}\nevent: ${event.kind}\ndata: ${JSON.stringify(event)}\n\n`,
        )
        .join('');
  }
}
