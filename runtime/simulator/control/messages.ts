import { z } from 'zod';
import { MEDIA_KINDS, SERVICE_KINDS } from '../message.js';
import { MAX_TEXT_LENGTH } from '../world.js';
import { WorldError } from '../world-error.js';
import type { PostReceipt } from '../editor.js';
import { channelIdOf, id, messageParams, type Route } from './routes.js';
import { eventView } from './truth.js';

const MAX_POSTS = 100_000;
const MAX_COUNT = 2_147_483_647;

const text = z.string().max(MAX_TEXT_LENGTH);
const media = z.enum(MEDIA_KINDS);
const post = z.strictObject({
  text,
  media: media.nullable().default(null),
  /** The same post so often, each with an id of its own. */
  count: z.number().int().min(1).max(MAX_POSTS).default(1),
  duplicate: z.boolean().default(false),
});
const batchOptions = {
  ratePerSecond: z.number().positive().max(100_000).optional(),
  perContainer: z.number().int().min(1).max(1_000).optional(),
  duplicate: z.boolean().default(false),
};
const postBody = z.union([
  z.strictObject({ messages: z.array(post).min(1).max(MAX_POSTS), ...batchOptions }),
  post.extend(batchOptions).transform(({ ratePerSecond, perContainer, ...single }) => ({
    messages: [single],
    ratePerSecond,
    perContainer,
    duplicate: false,
  })),
]);
const counter = z.number().int().min(0).max(MAX_COUNT).optional();
const patchBody = z.union([
  z.strictObject({ text }),
  z
    .strictObject({ views: counter, reactions: counter })
    .refine(({ views, reactions }) => (views ?? reactions) !== undefined, 'expected text, views or reactions'),
]);

/** Posts, and what becomes of them. */
export const messageRoutes: readonly Route[] = [
  {
    method: 'POST',
    path: '/channels/:id/messages',
    does: 'Posts one message, or `messages`; answers when all are pushed, with id, pts and time of each.',
    body: '{"text": "hello", "media": null, "count": 100, "ratePerSecond": 20, "perContainer": 1, "duplicate": false}',
    run: async (request, _reply, simulator): Promise<PostReceipt[]> => {
      const body = postBody.parse(request.body);
      const total = body.messages.reduce((sum, message) => sum + message.count, 0);
      if (total > MAX_POSTS) throw new WorldError(400, `count: expected at most ${String(MAX_POSTS)} posts in all`);
      for (const [index, { text: words, media: kind }] of body.messages.entries())
        if (words === '' && kind === null)
          throw new WorldError(400, `messages.${String(index)}.text: expected text or media`);
      const posts = body.messages.flatMap(({ count, ...message }) =>
        Array.from({ length: count }, () => ({ ...message, duplicate: message.duplicate || body.duplicate })),
      );
      return simulator.postAll(channelIdOf(request), posts, body);
    },
  },
  {
    method: 'POST',
    path: '/channels/:id/albums',
    does: 'Posts an album: 2 to 10 messages with one `groupedId`, in one container; the caption is the first one’s.',
    body: '{"media": ["photo", "video"], "caption": "two"}',
    run: (request, _reply, { editor }) => {
      const body = z.strictObject({ media: z.array(media), caption: text.default('') }).parse(request.body);
      return editor.album(channelIdOf(request), body.media, body.caption);
    },
  },
  {
    method: 'POST',
    path: '/channels/:id/service-messages',
    does: `Posts a service message: ${SERVICE_KINDS.join(', ')}.`,
    body: '{"service": "title", "title": "New name"}',
    run: (request, _reply, { editor }) => {
      const schema = z.strictObject({ service: z.enum(SERVICE_KINDS), title: text.default('') });
      const { service, title } = schema.parse(request.body);
      return editor.service(channelIdOf(request), service, title);
    },
  },
  {
    method: 'PATCH',
    path: '/channels/:id/messages/:messageId',
    does: 'Edits the text; or, with `views` or `reactions`, moves counters alone (`editHide`, and `editDate` moves).',
    body: '{"text": "better"}',
    run: (request, _reply, { editor }) => {
      const params = messageParams.parse(request.params);
      const body = patchBody.parse(request.body);
      return eventView(
        'text' in body
          ? editor.edit(params.id, params.messageId, body.text)
          : editor.count(params.id, params.messageId, body),
      );
    },
  },
  {
    method: 'DELETE',
    path: '/channels/:id/messages',
    does: 'Deletes messages.',
    body: '{"ids": [2, 3]}',
    run: (request, _reply, { editor }) => {
      const { ids } = z.strictObject({ ids: z.array(id).min(1).max(MAX_POSTS) }).parse(request.body);
      return eventView(editor.remove(channelIdOf(request), ids));
    },
  },
];
