import { z } from 'zod';
import { RuntimeError } from '../../errors.js';
import { channel, listChannels, listRequests } from '../../store/channel-admin.js';
import { channelRequestView, channelView } from '../channel-schemas.js';
import { cursor, id, limit } from '../fields.js';
import { KEYED } from '../openapi.js';
import { COMMON } from '../problems.js';
import type { ApiInstance, ApiParts } from '../server.js';

const SCOPE = ['channels'];

/** Straight from the database: who has just commanded a channel looks at what became of it. */
export function channelRoutes(app: ApiInstance, { database, cursors }: ApiParts): void {
  app.get(
    '/v1/channels',
    {
      schema: {
        summary: 'A page of channels, by id',
        tags: ['channels'],
        security: KEYED,
        querystring: z.strictObject({ limit: limit(500, 100), cursor: cursor.optional() }),
        response: { 200: z.object({ channels: z.array(channelView), next: z.string().nullable() }), ...COMMON },
      },
    },
    async ({ query }) => {
      const [after = '0'] = query.cursor === undefined ? [] : await cursors.verify(SCOPE, query.cursor);
      const channels = await listChannels(database, after, query.limit);
      const last = channels.at(-1);
      const next = last && channels.length === query.limit ? await cursors.sign(SCOPE, [last.channelId]) : null;
      return { channels: [...channels], next };
    },
  );

  app.get(
    '/v1/channels/:channel',
    {
      schema: {
        summary: 'One channel',
        tags: ['channels'],
        security: KEYED,
        params: z.strictObject({ channel: id('Channel.') }),
        response: { 200: channelView, ...COMMON },
      },
    },
    async ({ params }) => {
      const found = await channel(database, params.channel);
      if (!found) throw new RuntimeError('API_NOT_FOUND', `there is no channel ${params.channel}`);
      return found;
    },
  );

  app.get(
    '/v1/channel-requests',
    {
      schema: {
        summary: 'Channels that were asked for, newest first',
        tags: ['channels'],
        security: KEYED,
        querystring: z.strictObject({ limit: limit(500, 100) }),
        response: { 200: z.object({ requests: z.array(channelRequestView) }), ...COMMON },
      },
    },
    async ({ query }) => ({ requests: [...(await listRequests(database, query.limit))] }),
  );
}
