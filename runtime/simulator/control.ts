import fastify, { type FastifyInstance, type FastifyReply } from 'fastify';
import { z, ZodError } from 'zod';
import type { Channel, WorldEvent } from './channel.js';
import { faultSchema } from './faults.js';
import type { PostReceipt, Simulator } from './simulator.js';
import { MAX_TEXT_LENGTH, WorldError } from './world.js';

const MAX_POSTS = 100_000;
const MAX_EVENTS = 100_000;
const BODY_LIMIT = 128 * 1_024 * 1_024;

const text = z.string().max(MAX_TEXT_LENGTH);
const post = z.strictObject({
  text,
  media: z.enum(['photo', 'document']).nullable().default(null),
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
const newChannel = z.strictObject({
  title: z.string().min(1).max(255),
  username: z.string().min(1).max(32).nullable().default(null),
});
const id = z.coerce.number().int().positive();
const channelParams = z.object({ id });
const messageParams = z.object({ id, messageId: id });
const eventsQuery = z.object({
  after: z.coerce.number().int().min(0).default(0),
  limit: z.coerce.number().int().min(1).max(MAX_EVENTS).default(MAX_EVENTS),
});

/** The HTTP side of the simulator: change the world, read the truth, inject faults. Not secured: for tests only. */
export function createControl(simulator: Simulator): FastifyInstance {
  const app = fastify({ logger: false, bodyLimit: BODY_LIMIT, forceCloseConnections: true });
  app.setErrorHandler(sendError);
  healthRoutes(app, simulator);
  channelRoutes(app, simulator);
  messageRoutes(app, simulator);
  faultRoutes(app, simulator);
  return app;
}

function sendError(error: unknown, _request: unknown, reply: FastifyReply): FastifyReply {
  if (error instanceof ZodError)
    return reply.code(400).send({ error: error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`) });
  if (error instanceof WorldError) return reply.code(error.status).send({ error: [error.message] });
  const status = (error as { statusCode?: number }).statusCode ?? 500;
  return reply.code(status).send({ error: [error instanceof Error ? error.message : 'failed'] });
}

function healthRoutes(app: FastifyInstance, simulator: Simulator): void {
  app.get('/health/live', () => ({ status: 'ok' }));
  app.get('/health/ready', (_request, reply) =>
    reply.code(simulator.listening ? 200 : 503).send({ status: simulator.listening ? 'ok' : 'starting' }),
  );
  app.get('/metrics', async (_request, reply) => {
    const { registry } = simulator.stats;
    return reply.type(registry.contentType).send(await registry.metrics());
  });
  app.get('/stats', () => statsView(simulator));
  app.put('/generator', (request) => {
    const { ratePerSecond } = z.strictObject({ ratePerSecond: z.number().min(0).max(1_000) }).parse(request.body);
    simulator.generator.setRate(ratePerSecond);
    return { ratePerSecond };
  });
}

function channelRoutes(app: FastifyInstance, simulator: Simulator): void {
  const { world } = simulator;
  app.get('/channels', () => world.channels.map(channelView));
  app.post('/channels', (request, reply) =>
    reply.code(201).send(channelView(world.createChannel(newChannel.parse(request.body)))),
  );
  app.get('/channels/:id/events', (request) => {
    const channel = world.channel(channelParams.parse(request.params).id);
    const { after, limit } = eventsQuery.parse(request.query);
    const events = channel.eventsAfter(after, limit);
    return {
      channelId: String(channel.id),
      pts: channel.pts,
      /** False when events before these were forgotten, or more follow. */
      complete: after >= channel.floorPts - 1 && (events.at(-1)?.pts ?? channel.pts) === channel.pts,
      events: events.map(eventView),
    };
  });
}

function messageRoutes(app: FastifyInstance, simulator: Simulator): void {
  app.post('/channels/:id/messages', async (request): Promise<PostReceipt[]> => {
    const channelId = channelParams.parse(request.params).id;
    const body = postBody.parse(request.body);
    const total = body.messages.reduce((sum, message) => sum + message.count, 0);
    if (total > MAX_POSTS) throw new WorldError(400, `count: expected at most ${String(MAX_POSTS)} posts in all`);
    for (const [index, { text: words, media }] of body.messages.entries())
      if (words === '' && media === null)
        throw new WorldError(400, `messages.${String(index)}.text: expected text or media`);
    const posts = body.messages.flatMap(({ count, ...message }) =>
      Array.from({ length: count }, () => ({ ...message, duplicate: message.duplicate || body.duplicate })),
    );
    return simulator.postAll(channelId, posts, body);
  });
  app.patch('/channels/:id/messages/:messageId', (request) => {
    const params = messageParams.parse(request.params);
    const body = z.strictObject({ text }).parse(request.body);
    return eventView(simulator.edit(params.id, params.messageId, body.text));
  });
  app.delete('/channels/:id/messages', (request) => {
    const { ids } = z.strictObject({ ids: z.array(id).min(1) }).parse(request.body);
    return eventView(simulator.remove(channelParams.parse(request.params).id, ids));
  });
}

function faultRoutes(app: FastifyInstance, { faults }: Simulator): void {
  app.get('/faults', () => faults.list());
  app.post('/faults', (request, reply) => reply.code(201).send(faults.inject(faultSchema.parse(request.body))));
  app.delete('/faults', () => ({ cleared: faults.clear() }));
  app.delete('/faults/:id', (request, reply) => {
    const cleared = faults.clear(z.object({ id }).parse(request.params).id);
    return reply.code(cleared ? 200 : 404).send({ cleared });
  });
}

function channelView(channel: Channel) {
  const { identity, pts, lastMessageId, messages } = channel;
  return { ...identity, id: String(identity.id), pts, lastMessageId: String(lastMessageId), messages: messages.size };
}

/** One event of the truth; ids are decimal strings as everywhere in this project's JSON. */
function eventView(event: WorldEvent) {
  const { type, pts, ptsCount, at, pushedAt } = event;
  if (type === 'delete') return { type, pts, ptsCount, at, pushedAt, messageIds: event.ids.map(String) };
  const { id: messageId, ...message } = event.message;
  return { type, pts, ptsCount, at, pushedAt, messageId: String(messageId), ...message };
}

function statsView(simulator: Simulator) {
  const { stats, world, generator } = simulator;
  return {
    connections: simulator.connections.size,
    receivers: [...simulator.connections].filter((connection) => connection.receivesUpdates).length,
    accepted: stats.accepted,
    brokenConnections: stats.brokenConnections,
    handshakes: stats.handshakes,
    pushes: stats.pushed,
    heldPushes: simulator.heldPushes,
    unanswered: stats.unanswered,
    acknowledged: stats.acknowledged,
    generated: stats.generatedPosts,
    generatorRate: generator.rate,
    events: world.eventCount,
    calls: stats.calls,
    unimplemented: stats.unimplementedMethods,
  };
}
