import { z } from 'zod';
import { problems } from '../problems.js';
import type { ApiInstance, ApiParts } from '../server.js';

const figure = z.number().nullable();

const view = z.object({
  at: z.number().describe('Unix time in milliseconds.'),
  parts: z.array(z.object({ name: z.string(), ok: z.boolean(), detail: z.string() })),
  history: z
    .array(
      z.object({
        at: z.number(),
        storedPerSecond: figure,
        consumedPerSecond: figure,
        latencyP50Ms: figure,
        latencyP95Ms: figure,
        cacheHitRate: figure.describe('0 to 1.'),
        queueDepth: figure,
        outboxDepth: figure,
        outboxOldestSeconds: figure,
        recovered: figure.describe('Messages that were not pushed but fetched, since the gateway started.'),
      }),
    )
    .describe('Ten minutes, oldest first; null: nobody could tell, or nothing happened.'),
});

/** Figures alone, no message and no name of a channel: like `/metrics`, for whoever reaches the port. */
export function statusRoute(app: ApiInstance, { board }: ApiParts): void {
  app.get(
    '/v1/status',
    {
      schema: {
        summary: 'What the status page shows',
        tags: ['state'],
        response: { 200: view, ...problems() },
      },
    },
    async (_request, reply) => {
      const { at, parts, history } = board.view();
      return reply.header('cache-control', 'no-store').send({ at, parts: [...parts], history: [...history] });
    },
  );
}
