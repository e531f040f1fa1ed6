import { z } from 'zod';
import { readStatistics } from '../../store/statistics.js';
import { KEYED } from '../openapi.js';
import { COMMON, UNCHANGED } from '../problems.js';
import type { ApiInstance, ApiParts } from '../server.js';

const statistics = z.object({
  messages: z.number().describe('In all; an estimate.'),
  channels: z.number(),
  lastHour: z.object({
    messages: z.number(),
    bySource: z.record(z.string(), z.number()).describe('push, or recovered by difference, backfill, reconcile.'),
    byChannel: z.array(z.object({ channelId: z.string(), messages: z.number() })).describe('The busiest first.'),
  }),
  outbox: z.object({ pending: z.number(), oldestSeconds: z.number() }).describe('Not yet confirmed by the broker.'),
  work: z.array(z.object({ group: z.string(), pending: z.number(), processing: z.number(), failed: z.number() })),
});

export function statisticsRoute(app: ApiInstance, { database, answers }: ApiParts): void {
  app.get(
    '/v1/stats',
    {
      schema: {
        summary: 'Figures of messages, outbox and consumer groups',
        tags: ['state'],
        security: KEYED,
        querystring: z.strictObject({}),
        response: { 200: statistics, ...UNCHANGED, ...COMMON },
      },
    },
    async (request, reply) => answers.send(request, reply, () => readStatistics(database)),
  );
}
