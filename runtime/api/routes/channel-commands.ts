import { z } from 'zod';
import { RuntimeError } from '../../errors.js';
import {
  channel,
  requestChannel,
  setStatus,
  wishBackfill,
  wishVerify,
  type ChannelView,
} from '../../store/channel-admin.js';
import type { Queryable } from '../../store/database.js';
import { channelRequestView, channelView } from '../channel-schemas.js';
import { bodyId, id } from '../fields.js';
import { KEYED } from '../openapi.js';
import { COMMON, problems } from '../problems.js';
import type { ApiInstance, ApiParts } from '../server.js';

const params = z.strictObject({ channel: id('Channel.') });
const COMMAND = { ...COMMON, ...problems(409, 413, 415) };
const about = { tags: ['channels'], security: KEYED };

/** `@Name`, `name` or a link to the channel. */
const username = z
  .string()
  .regex(/^(https:\/\/t\.me\/|@)?[a-zA-Z]\w{3,31}$/, 'expected a public name such as @durov')
  .transform((text) => text.replace(/^(https:\/\/t\.me\/|@)/, '').toLowerCase())
  .describe('Public name of the channel.');
const accountId = z
  .string()
  .regex(/^[a-z0-9][a-z0-9_-]{0,62}$/, 'expected the name of an account')
  .default('default')
  .describe('Account that shall read it.');

/**
 * Wishes, written into the database; the gateway of the account fulfils them within seconds of its next look, and what became
 * of them shows in the channel. 202: it is written, not done.
 */
export function channelCommandRoutes(app: ApiInstance, { database }: ApiParts): void {
  app.post(
    '/v1/channels',
    {
      schema: {
        ...about,
        summary: 'Ask for a channel to be joined and read',
        body: z.strictObject({ username, accountId }),
        response: { 202: channelRequestView, ...COMMAND },
      },
    },
    async ({ body, apiKey }, reply) => {
      const request = await requestChannel(database, { ...body, by: apiKey });
      if (!request) throw new RuntimeError('API_NOT_FOUND', `there is no account "${body.accountId}"`);
      return reply.code(202).send(request);
    },
  );

  for (const [command, status, summary] of [
    ['pause', 'paused', 'Read nothing more of a channel, until it is resumed'],
    ['resume', 'active', 'Read a channel again, from where it was paused'],
  ] as const)
    app.post(
      `/v1/channels/:channel/${command}`,
      { schema: { ...about, summary, params, response: { 202: channelView, ...COMMAND } } },
      async (request, reply) => {
        const { channel: channelId } = request.params;
        const done = await setStatus(database, channelId, status);
        return reply
          .code(202)
          .send(done ?? (await refused(database, channelId, (is) => `the channel is ${is.status}`)));
      },
    );

  app.post(
    '/v1/channels/:channel/backfill',
    {
      schema: {
        ...about,
        summary: 'Read the history of a channel',
        params,
        body: z.strictObject({
          afterId: bodyId('Ids above this one; absent: from the beginning.').optional(),
          beforeId: bodyId('Ids below this one; absent: up to the newest known.').optional(),
        }),
        response: { 202: channelView, ...COMMAND },
      },
    },
    async ({ params: { channel: channelId }, body }, reply) => {
      const range = { untilId: body.afterId ?? '0', nextId: body.beforeId ?? null };
      const done = await wishBackfill(database, channelId, range);
      return reply.code(202).send(done ?? (await refused(database, channelId, whyNoBackfill)));
    },
  );

  app.post(
    '/v1/channels/:channel/verify',
    {
      schema: {
        ...about,
        summary: 'Compare the stored messages of a channel with Telegram, id by id',
        params,
        body: z.strictObject({ afterId: bodyId('Ids above this one; absent: all.').optional() }),
        response: { 202: channelView, ...COMMAND },
      },
    },
    async ({ params: { channel: channelId }, body }, reply) => {
      const done = await wishVerify(database, channelId, body.afterId ?? '0');
      return reply.code(202).send(done ?? (await refused(database, channelId, () => 'no id above that one is known')));
    },
  );
}

function whyNoBackfill({ backfill }: ChannelView): string {
  return backfill ? 'its history is being read already' : 'there are no ids in that range';
}

/** Why nothing was changed: there is no such channel, or its state does not allow it. */
async function refused(database: Queryable, channelId: string, why: (is: ChannelView) => string): Promise<never> {
  const is = await channel(database, channelId);
  throw is
    ? new RuntimeError('API_CONFLICT', why(is))
    : new RuntimeError('API_NOT_FOUND', `there is no channel ${channelId}`);
}
