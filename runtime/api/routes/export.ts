/**
 * All messages of a filter as lines of JSON.
 *
 * Promised: memory does not grow with the length of the export or the slowness of the reader: a page is read when the one
 *   before was taken, and no database connection is held in between. A database that is away for less than half a minute
 *   is waited for. An export that could not go on ends with a broken connection, never with a clean end.
 * Not promised: a moment in time: what is edited meanwhile is as it is when its page is read.
 */
import { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import type { Queryable } from '../../store/database.js';
import { listMessages, positionOf, type MessageFilter, type ReadMessage } from '../../store/message-reader.js';
import { isServiceUnreachable } from '../../store/unreachable.js';
import { KEYED } from '../openapi.js';
import { Places } from '../places.js';
import { COMMON } from '../problems.js';
import type { ApiInstance, ApiParts } from '../server.js';
import { messageFilter } from './messages.js';

/** Few, because eight exports of the longest messages Telegram has must fit the memory of the container. */
const PAGE = 100;
const MOST_AT_ONCE = 8;
/** Pauses between tries while the database is away, in milliseconds: 25 s in all. */
const PATIENCE_MS = [1_000, 2_000, 4_000, 8_000, 10_000];

export function exportRoute(app: ApiInstance, { database, logger, stalledMs }: ApiParts): void {
  const places = new Places(MOST_AT_ONCE, 'exports');
  app.get(
    '/v1/export',
    {
      schema: {
        summary: 'All messages, oldest first, as NDJSON',
        description: 'One message a line. The end of the response is the end of the export; a broken one is not.',
        tags: ['messages'],
        security: KEYED,
        produces: ['application/x-ndjson'],
        querystring: z.strictObject(messageFilter),
        response: { 200: z.string(), ...COMMON },
      },
    },
    async (request, reply) => {
      const giveBack = places.take();
      const { to = new Date().toISOString(), ...rest } = request.query;
      const filter: MessageFilter = { ...rest, to, order: 'asc' };
      reply.raw.once('close', giveBack);
      // While nothing has been sent, a failure still has a status.
      const first = await listMessages(database, filter, { after: null, limit: PAGE });
      const lines = Readable.from(exportLines(database, filter, first), { objectMode: false });
      lines.on('error', (error) => {
        if (!reply.raw.destroyed) logger.warn({ err: error, requestId: request.id }, 'an export was cut off');
      });
      reply.raw.setTimeout(stalledMs, () => reply.raw.destroy());
      // The schema speaks of the text that the stream becomes.
      const body = lines as unknown as string;
      return reply.type('application/x-ndjson').header('cache-control', 'no-store').send(body);
    },
  );
}

async function* exportLines(
  database: Queryable,
  filter: MessageFilter,
  first: readonly ReadMessage[],
): AsyncGenerator<string> {
  let page = first;
  for (;;) {
    const last = page.at(-1);
    if (!last) return;
    yield page.map((message) => `${JSON.stringify(message)}\n`).join('');
    if (page.length < PAGE) return;
    page = await patiently(() => listMessages(database, filter, { after: positionOf(last), limit: PAGE }));
  }
}

async function patiently<T>(read: () => Promise<T>): Promise<T> {
  for (const pauseMs of PATIENCE_MS) {
    try {
      return await read();
    } catch (error) {
      if (!isServiceUnreachable(error)) throw error;
      await delay(pauseMs);
    }
  }
  return read();
}
