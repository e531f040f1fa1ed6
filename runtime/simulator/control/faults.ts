import { z } from 'zod';
import { faultSchema } from '../fault-kinds.js';
import { id, type Route } from './routes.js';

/** Faults: inject, list, remove. */
export const faultRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: '/faults',
    does: 'The faults in force, with how often they still strike.',
    run: (_request, _reply, { faults }) => faults.list(),
  },
  {
    method: 'POST',
    path: '/faults',
    does: 'Injects a fault of the table below.',
    body: '{"kind": "floodWait", "method": "messages.GetHistory", "seconds": 3, "count": 1}',
    run: ({ body }, reply, { faults }) => reply.code(201).send(faults.inject(faultSchema.parse(body))),
  },
  {
    method: 'DELETE',
    path: '/faults',
    does: 'Removes all; what was held is sent.',
    run: (_request, _reply, { faults }) => ({ cleared: faults.clear() }),
  },
  {
    method: 'DELETE',
    path: '/faults/:id',
    does: 'Removes one.',
    run: ({ params }, reply, { faults }) => {
      const cleared = faults.clear(z.object({ id }).parse(params).id);
      return reply.code(cleared ? 200 : 404).send({ cleared });
    },
  },
];
