import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { ApiBench, KEY } from '../support/api.js';
import { range } from '../support/messages.js';
import { uniqueChannel } from '../support/services.js';

/** As much of the document as the test reads. */
interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly enum?: readonly string[];
  readonly pattern?: string;
  readonly format?: string;
  readonly default?: string;
  readonly anyOf?: readonly Schema[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly maxLength?: number;
}
interface Operation {
  readonly parameters?: readonly { readonly name: string; readonly in: string; readonly schema: Schema }[];
  readonly requestBody?: { readonly content: { readonly 'application/json': { readonly schema: Schema } } };
  readonly responses: Readonly<
    Record<string, { readonly content?: Readonly<Record<string, { readonly schema: Schema }>> }>
  >;
}
interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
}

const ROOT = join(__dirname, '..', '..');
const document = JSON.parse(readFileSync(join(ROOT, 'docs', 'openapi.json'), 'utf8')) as Document;
const OPERATIONS = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ name: `${method} ${path}`, method, path, operation })),
);
/** A stream without an end is no answer to compare; tests of its own follow it. */
const ENDLESS = 'get /v1/live';
const RUNS = 25;

let bench: ApiBench;
const channel = uniqueChannel();
beforeAll(async () => {
  bench = await ApiBench.start();
  await bench.addMessages(channel, range(20));
  await bench.store.query("insert into telegram_gateway.accounts (account_id) values ('default')");
});
afterAll(() => bench.close());

const hostile = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.constantFrom(
    '',
    '0',
    '-1',
    '1000000000',
    '9223372036854775808',
    "' or 1=1 --",
    '\0',
    '%',
    '../..',
    '\u202e',
    '[object Object]',
    'null',
  ),
);

/** What the schema asks for, as often as not; else whatever. */
function valueOf(schema: Schema): fc.Arbitrary<unknown> {
  if (schema.anyOf) return fc.oneof(...schema.anyOf.map(valueOf));
  if (schema.properties)
    return fc.record(
      Object.fromEntries(
        Object.entries(schema.properties).map(([key, inner]) => [key, fc.oneof(valueOf(inner), hostile)]),
      ),
      { requiredKeys: [] },
    );
  if (schema.type === 'integer') return fc.oneof(fc.integer({ min: 1, max: 30 }), fc.double(), fc.maxSafeInteger());
  if (schema.enum) return fc.constantFrom(...schema.enum);
  if (schema.format === 'date-time')
    return fc
      .date({ min: new Date('2026-11-01'), max: new Date('2026-12-01'), noInvalidDate: true })
      .map((date) => date.toISOString());
  if (schema.pattern === String.raw`^[1-9]\d{0,18}$`)
    return fc.oneof(
      fc.constant(channel),
      fc.integer({ min: 1, max: 25 }).map(String),
      fc.bigInt({ min: 1n, max: 2n ** 64n }).map(String),
    );
  if (schema.pattern !== undefined) return fc.stringMatching(new RegExp(schema.pattern.replace('{22,500}', '{22,80}')));
  return fc.string({ minLength: 1, maxLength: 20 });
}

interface Call {
  readonly url: string;
  readonly headers: Record<string, string>;
  readonly payload?: string;
}

function callOf(path: string, { parameters = [], requestBody }: Operation): fc.Arbitrary<Call> {
  const values = fc.record(
    Object.fromEntries(
      parameters.map(({ name, schema }) => [name, fc.oneof({ weight: 3, arbitrary: valueOf(schema) }, hostile)]),
    ),
    { requiredKeys: parameters.filter((parameter) => parameter.in === 'path').map(({ name }) => name) },
  );
  const schema = requestBody?.content['application/json'].schema;
  const body = schema
    ? fc.oneof({ weight: 4, arbitrary: valueOf(schema).map((value) => JSON.stringify(value)) }, hostile)
    : fc.constant(undefined);
  const key = fc.constantFrom(KEY, KEY, KEY, KEY, 'wrong');
  return fc.tuple(values, body, key).map(([given, payload, bearer]) => {
    const of = (place: string) =>
      parameters.filter((parameter) => parameter.in === place && given[parameter.name] !== undefined);
    const query = of('query').map(({ name }) => `${name}=${encodeURIComponent(String(given[name]).toWellFormed())}`);
    const route = path.replaceAll(/\{(\w+)\}/g, (_, name: string) =>
      encodeURIComponent(String(given[name]).toWellFormed()),
    );
    return {
      url: `${route}?${query.join('&')}`,
      headers: {
        authorization: `Bearer ${bearer}`,
        ...(payload !== undefined && { 'content-type': 'application/json' }),
      },
      ...(payload !== undefined && { payload }),
    };
  });
}

/** The schema with what it refers to in its place. */
function resolved(schema: Schema): Schema {
  const text = JSON.stringify(schema, (_key, part: Schema | null) =>
    part?.$ref === undefined ? part : document.components.schemas[part.$ref.split('/').at(-1) ?? ''],
  );
  return JSON.parse(text) as Schema;
}

const checks = new Map<Schema, z.ZodType>();
function fits(schema: Schema, value: unknown): boolean {
  let check = checks.get(schema);
  if (!check) checks.set(schema, (check = z.fromJSONSchema(resolved(schema) as never)));
  return check.safeParse(value).success;
}

describe('the API against its own document', () => {
  it.each(OPERATIONS.filter(({ name }) => name !== ENDLESS))(
    'R8 $name answers nothing that is not described',
    async ({ method, path, operation }) => {
      const statuses = new Set<number>();
      await fc.assert(
        fc.asyncProperty(callOf(path, operation), async (call) => {
          const response = await bench.app.inject({ method: method.toUpperCase() as 'GET', ...call });
          statuses.add(response.statusCode);
          const described = operation.responses[String(response.statusCode)];
          // A hostile path may be another route, or none: that is said by the same problem.
          const known = described ?? operation.responses['404'];
          const type = String(response.headers['content-type']).split(';')[0] ?? '';
          const schema = known?.content?.[type]?.schema;
          const value: unknown = type === 'application/json' ? JSON.parse(response.body) : response.body;
          expect({
            call,
            status: response.statusCode,
            body: response.body,
            ok: described !== undefined && response.statusCode < 500 && schema !== undefined && fits(schema, value),
          }).toMatchObject({ ok: true });
        }),
        { numRuns: RUNS, endOnFailure: true },
      );
      process.stderr.write(`    R8 ${method} ${path}: ${[...statuses].sort().join(', ')}\n`);
    },
    60_000,
  );

  it('R8 the fuzz changed no message', async () => {
    expect(await bench.store.count('messages')).toBe(20);
  });
});
