import { z } from 'zod';
import { RuntimeError } from '../../errors.js';
import { channel } from '../../store/channel-admin.js';
import { listMessages, positionOf, readMessage, type MessagePosition } from '../../store/message-reader.js';
import { cursor, id, limit, searchText, time } from '../fields.js';
import { message, messageWithVersions } from '../message-schemas.js';
import { KEYED } from '../openapi.js';
import { COMMON, UNCHANGED } from '../problems.js';
import type { ApiInstance, ApiParts } from '../server.js';

/** What a list and an export can be narrowed by. */
export const messageFilter = {
  channel: id('Only this channel.').optional(),
  from: time('Posted at this time or later.').optional(),
  to: time('Posted before this time.').optional(),
  text: searchText.optional(),
};

const listQuery = z.strictObject({
  ...messageFilter,
  order: z.enum(['desc', 'asc']).default('desc').describe('Newest first, or oldest first.'),
  limit: limit(200, 50),
  cursor: cursor.optional(),
});

export function messageRoutes(app: ApiInstance, { database, answers, cursors }: ApiParts): void {
  app.get(
    '/v1/messages',
    {
      schema: {
        summary: 'A page of messages',
        description: '`next` is the cursor of the page after this one, null on the last.',
        tags: ['messages'],
        security: KEYED,
        querystring: listQuery,
        response: {
          200: z.object({ messages: z.array(message), next: z.string().nullable() }),
          ...UNCHANGED,
          ...COMMON,
        },
      },
    },
    async (request, reply) => {
      const { cursor: token, limit: most, ...filter } = request.query;
      const scope = ['messages', filter];
      const after = token === undefined ? null : ((await cursors.verify(scope, token)) as unknown as MessagePosition);
      return answers.send(request, reply, async () => {
        const messages = await listMessages(database, filter, { after, limit: most });
        const last = messages.at(-1);
        if (!last && filter.channel !== undefined && !(await channel(database, filter.channel)))
          throw new RuntimeError('API_NOT_FOUND', `there is no channel ${filter.channel}`);
        const next = last && messages.length === most ? await cursors.sign(scope, positionOf(last)) : null;
        return { messages, next };
      });
    },
  );

  app.get(
    '/v1/messages/:channel/:id',
    {
      schema: {
        summary: 'One message with its versions',
        tags: ['messages'],
        security: KEYED,
        params: z.strictObject({ channel: id('Channel.'), id: id('Message.') }),
        response: { 200: messageWithVersions, ...UNCHANGED, ...COMMON },
      },
    },
    async (request, reply) => {
      const { channel: channelId, id: messageId } = request.params;
      return answers.send(request, reply, async () => {
        const found = await readMessage(database, channelId, messageId);
        if (!found) throw new RuntimeError('API_NOT_FOUND', `channel ${channelId} has no message ${messageId}`);
        return found;
      });
    },
  );
}
