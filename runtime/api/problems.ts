/** Every answer that is not a success: one shape, a code of the closed table, and never a stack trace. */
import { hasZodFastifySchemaValidationErrors } from '@fastify/type-provider-zod';
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { DatabaseError } from 'pg';
import { z } from 'zod';
import { RUNTIME_ERRORS, RuntimeError, type RuntimeErrorCode } from '../errors.js';
import type { Logger } from '../logger.js';

/** Seconds after which a part that is away is worth another try. */
const RETRY_AFTER_S = 5;
const QUERY_CANCELED = '57014';

export const problem = z
  .object({
    error: z.object({
      code: z.string(),
      message: z.string(),
      fix: z.string(),
      docs: z.string(),
      requestId: z.string(),
      details: z
        .array(z.object({ path: z.string(), message: z.string() }))
        .optional()
        .describe('One entry a field: where it is, and what was expected.'),
    }),
  })
  .meta({ id: 'Problem' });

/** What each status means, for the document. */
export const MEANINGS: Readonly<Record<string, string>> = {
  200: 'The answer.',
  202: 'The wish is written; the gateway fulfils it.',
  304: 'Whoever sent `If-None-Match` has this answer already.',
  400: 'A field or the cursor is wrong; `details` names each field with what was expected.',
  401: 'No key, or one that is unknown or revoked.',
  404: 'There is no such thing.',
  409: 'The state of the channel does not allow it.',
  413: 'The body is too large.',
  415: 'The body is not JSON.',
  429: 'The key has asked too often; `Retry-After` tells when to go on.',
  500: 'A bug.',
  503: 'A part is away, or busy; `Retry-After` tells when to try again.',
};

/** Answers of a route that are problems; a bug can be anywhere. */
export function problems<S extends number>(...statuses: S[]): Record<S | 500, typeof problem> {
  return Object.fromEntries([...statuses, 500].map((status) => [status, problem])) as Record<S | 500, typeof problem>;
}

/** On a route with an `ETag`. */
export const UNCHANGED = { 304: z.null() };

/** What every route with a key may answer. */
export const COMMON = problems(400, 401, 404, 429, 503);

type Detail = Readonly<Record<'path' | 'message', string>>;

interface Problem {
  readonly code: RuntimeErrorCode;
  readonly message: string;
  readonly details?: readonly Detail[];
}

const PLACES: Readonly<Record<string, string>> = { querystring: 'query', params: 'path', body: 'body' };

/** Codes of the web framework that say something about the request. */
const FRAMEWORK: Readonly<Record<number, RuntimeErrorCode>> = {
  400: 'API_INPUT',
  404: 'API_NOT_FOUND',
  413: 'API_TOO_LARGE',
  414: 'API_INPUT',
  415: 'API_MEDIA_TYPE',
};

function problemOf(error: unknown): Problem {
  if (error instanceof RuntimeError) return { code: error.code, message: error.message };
  if (hasZodFastifySchemaValidationErrors(error)) {
    const place = PLACES[(error as FastifyError).validationContext ?? ''] ?? 'request';
    // Of several mistakes in one field the first says most.
    const byPath = new Map<string, string>();
    for (const { instancePath, message = '' } of error.validation) {
      const path = [place, ...instancePath.split('/').filter(Boolean)].join('.');
      if (!byPath.has(path)) byPath.set(path, message);
    }
    const details = [...byPath].map(([path, message]) => ({ path, message }));
    return {
      code: 'API_INPUT',
      message: details.map(({ path, message }) => `${path}: ${message}`).join('; '),
      details,
    };
  }
  if (error instanceof DatabaseError && error.code === QUERY_CANCELED)
    return { code: 'API_QUERY_TIMEOUT', message: 'the query would have taken too long' };
  const code = FRAMEWORK[(error as Partial<FastifyError> | null)?.statusCode ?? 0];
  if (code && error instanceof Error) return { code, message: error.message };
  return { code: 'API_INTERNAL', message: 'the request failed in a way that nobody foresaw' };
}

/** Sends the problem; what is a bug goes to the log as a whole. */
export function answerProblem(logger: Logger, error: unknown, request: FastifyRequest, reply: FastifyReply): void {
  const { code, message, details } = problemOf(error);
  const { status, fix } = RUNTIME_ERRORS[code];
  if (code === 'API_INTERNAL') logger.error({ err: error, requestId: request.id }, 'a request failed');
  if (status === 503) reply.header('retry-after', RETRY_AFTER_S);
  if (status === 401) reply.header('www-authenticate', 'Bearer');
  const docs = `docs/errors.md#${code.toLowerCase()}`;
  const body = { error: { code, message, fix, docs, requestId: request.id, ...(details && { details }) } };
  // The answer is the same for every route, whatever its schema says.
  reply
    .code(status)
    .header('cache-control', 'no-store')
    .serializer(JSON.stringify)
    .type('application/json; charset=utf-8')
    .send(body);
}
