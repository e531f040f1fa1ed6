import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Simulator } from '../simulator.js';

/** One route of the control API: a row of its documentation and the code behind it. */
export interface Route {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: string;
  /** One sentence for the table in docs/simulator.md. */
  readonly does: string;
  /** Example of a body, if it takes one. */
  readonly body?: string;
  readonly run: (request: FastifyRequest, reply: FastifyReply, simulator: Simulator) => unknown;
}

export const id = z.coerce.number().int().positive();
export const channelParams = z.object({ id });
export const messageParams = z.object({ id, messageId: id });

export const channelIdOf = ({ params }: FastifyRequest) => channelParams.parse(params).id;
