import { z } from 'zod';
import type { Simulator } from '../simulator.js';
import type { WorldLimits } from '../world-limits.js';
import type { Route } from './routes.js';

const limitsBody = z.strictObject({
  maxPtsAge: z.number().int().min(0).nullable().optional(),
  tooLongRule: z.enum(['age', 'limit']).optional(),
  sliceSize: z.number().int().min(1).max(10_000).optional(),
  pollTimeoutS: z.number().int().min(0).max(3_600).optional(),
});

/** Health, figures, and how the data centre behaves as a whole. */
export const stateRoutes: readonly Route[] = [
  { method: 'GET', path: '/health/live', does: 'Says that the process lives.', run: () => ({ status: 'ok' }) },
  {
    method: 'GET',
    path: '/health/ready',
    does: 'Says whether clients can connect.',
    run: (_request, reply, { listening }) =>
      reply.code(listening ? 200 : 503).send({ status: listening ? 'ok' : 'starting' }),
  },
  {
    method: 'GET',
    path: '/metrics',
    does: 'Prometheus metrics, `telegram_simulator_*`.',
    run: async (_request, reply, { stats: { registry } }) =>
      reply.type(registry.contentType).send(await registry.metrics()),
  },
  {
    method: 'GET',
    path: '/stats',
    does: 'Connections, pushes, calls by method, faults that struck, and methods that were called and do not exist.',
    run: (_request, _reply, simulator) => statsView(simulator),
  },
  {
    method: 'GET',
    path: '/gaps',
    does: 'Stretches of `pts`, by channel, that clients were told to jump over: a difference was too long, or refused.',
    run: (_request, _reply, { gaps }) => gaps.all,
  },
  {
    method: 'GET',
    path: '/showings',
    does: 'What clients were shown by differences, and by history and ids: events of a channel behind `fromPts` and up to `toPts`, as the messages stood at `atPts`.',
    run: (_request, _reply, { shown }) => shown.all,
  },
  {
    method: 'PUT',
    path: '/generator',
    does: 'Sets the rate of generated posts; 0 stops them.',
    body: '{"ratePerSecond": 20}',
    run: ({ body }, _reply, { generator }) => {
      const { ratePerSecond } = z.strictObject({ ratePerSecond: z.number().min(0).max(1_000) }).parse(body);
      generator.setRate(ratePerSecond);
      return { ratePerSecond };
    },
  },
  {
    method: 'GET',
    path: '/limits',
    does: 'How differences are answered.',
    run: (_request, _reply, { world }) => limitsView(world),
  },
  {
    method: 'PUT',
    path: '/limits',
    does: 'Changes it: pts age from which a difference is too long (null: never), by which rule, size of a slice, seconds until the next poll.',
    body: '{"maxPtsAge": 100, "tooLongRule": "age", "sliceSize": 100, "pollTimeoutS": 30}',
    run: ({ body }, _reply, { world }) => {
      const { maxPtsAge, ...others } = limitsBody.parse(body);
      if (maxPtsAge !== undefined) world.maxPtsAge = maxPtsAge ?? Infinity;
      Object.assign(world, Object.fromEntries(Object.entries(others).filter(([, value]) => value !== undefined)));
      return limitsView(world);
    },
  },
];

function limitsView({ maxPtsAge, tooLongRule, sliceSize, pollTimeoutS }: WorldLimits) {
  return { maxPtsAge: Number.isFinite(maxPtsAge) ? maxPtsAge : null, tooLongRule, sliceSize, pollTimeoutS };
}

function statsView(simulator: Simulator) {
  const { stats, world, generator, faults } = simulator;
  return {
    connections: simulator.connections.size,
    receivers: [...simulator.connections].filter((connection) => connection.receivesUpdates).length,
    accepted: stats.accepted,
    brokenConnections: stats.brokenConnections,
    badRequests: stats.badRequests,
    handshakes: stats.handshakes,
    pushes: stats.pushed,
    heldPushes: simulator.heldPushes,
    unanswered: stats.unanswered,
    acknowledged: stats.acknowledged,
    generated: stats.generatedPosts,
    generatorRate: generator.rate,
    events: world.eventCount,
    calls: stats.calls,
    faults: faults.struck,
    unimplemented: stats.unimplementedMethods,
  };
}
