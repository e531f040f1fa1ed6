import { z } from 'zod';
import { MEMBER_STATES } from '../access.js';
import type { Channel } from '../channel.js';
import { channelIdOf, id, type Route } from './routes.js';

const newChannel = z.strictObject({
  title: z.string().min(1).max(255),
  username: z.string().min(1).max(32).nullable().default(null),
});
const accessBody = z.strictObject({ private: z.boolean().optional(), pushed: z.boolean().optional() });

/** Channels, and who may read them. */
export const channelRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: '/channels',
    does: 'All channels with pts, last id and access.',
    run: (_request, _reply, { world }) => world.channels.map(channelView),
  },
  {
    method: 'POST',
    path: '/channels',
    does: 'Makes a channel; every account is a member.',
    body: '{"title": "News", "username": "news"}',
    run: ({ body }, reply, { world }) => reply.code(201).send(channelView(world.createChannel(newChannel.parse(body)))),
  },
  {
    method: 'PATCH',
    path: '/channels/:id',
    does: '`private`: its members alone can read it (else CHANNEL_PRIVATE), until it is set to false again. `pushed: false`: a large channel, of which nothing is pushed.',
    body: '{"private": true, "pushed": false}',
    run: (request, _reply, { editor }) => {
      const change = accessBody.parse(request.body);
      const wanted = Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined));
      return channelView(editor.setAccess(channelIdOf(request), wanted));
    },
  },
  {
    method: 'PUT',
    path: '/channels/:id/members/:userId',
    does: 'Makes an account a member, lets it leave, or throws it out (CHANNEL_PRIVATE).',
    body: '{"state": "banned"}',
    run: (request, _reply, { editor, accounts }) => {
      const { userId } = z.object({ userId: id }).parse(request.params);
      const { state } = z.strictObject({ state: z.enum(MEMBER_STATES) }).parse(request.body);
      return channelView(editor.setMember(channelIdOf(request), accounts.get(userId).userId, state));
    },
  },
];

function channelView(channel: Channel) {
  const { identity, pts, floorPts, lastMessageId, messages, access } = channel;
  return {
    ...identity,
    id: String(identity.id),
    pts,
    floorPts,
    lastMessageId: String(lastMessageId),
    messages: messages.size,
    access,
  };
}
