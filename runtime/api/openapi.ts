import swagger from '@fastify/swagger';
import { jsonSchemaTransform, jsonSchemaTransformObject } from '@fastify/type-provider-zod';
import type { FastifyInstance } from 'fastify';
import { MEANINGS } from './problems.js';

const DESCRIPTION = [
  'Messages of the channels that the stack reads. Ids are 64-bit numbers as strings of digits, times are ISO 8601 in UTC.',
  'Everything but the status asks for a key: `Authorization: Bearer <key>`.',
  'A failure is `{error: {code, message, fix, docs, requestId, details?}}`; docs/errors.md has a section for each code.',
].join(' ');

/** Collects what the routes say of themselves; `/v1/openapi.json` serves it. To be called before any route is made. */
export async function describeApi(app: FastifyInstance): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'Telegram Hybrid Stack', version: '1.0.0', description: DESCRIPTION },
      components: { securitySchemes: { key: { type: 'http', scheme: 'bearer' } } },
      tags: [
        { name: 'messages', description: 'Messages, one by one, in pages, all at once, or as they come.' },
        { name: 'channels', description: 'Channels and what is wished of them.' },
        { name: 'state', description: 'Figures.' },
      ],
    },
    transform: jsonSchemaTransform,
    transformObject: (document) => putRight(jsonSchemaTransformObject(document)),
  });
  app.get('/v1/openapi.json', { schema: { hide: true } }, () => app.swagger());
}

/** As much of a document as is put right here. */
interface Written {
  readonly components?: { readonly schemas?: Record<string, unknown> };
  readonly paths?: Readonly<
    Record<string, Readonly<Record<string, { readonly responses?: Record<string, Response> }>>>
  >;
}
interface Response {
  description: string;
  content?: Record<string, unknown>;
}

/**
 * The framework has one description for every answer, gives a route's media type to its problems too, and lists each schema
 * for bodies as well, where none of ours is used.
 */
function putRight<T>(document: T): T {
  const { components, paths = {} } = document as Written;
  const schemas = components?.schemas ?? {};
  for (const name of Object.keys(schemas)) if (name.endsWith('Input')) Reflect.deleteProperty(schemas, name);
  for (const { responses = {} } of Object.values(paths).flatMap((path) => Object.values(path)))
    for (const [status, response] of Object.entries(responses)) {
      response.description = MEANINGS[status] ?? '';
      const [content] = Object.values(response.content ?? {});
      if (Number(status) >= 400) response.content = { 'application/json': content };
    }
  return document;
}

/** On a route that asks for a key. */
export const KEYED = [{ key: [] }];
