import { z } from 'zod';
import { stackSchema } from '../../stack/config-schema.js';

interface Schema {
  readonly description?: string;
  readonly const?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema | boolean;
  readonly oneOf?: readonly Schema[];
  readonly anyOf?: readonly Schema[];
}

/**
 * Every key of a stack file with its description: `credentialEpoch`, `pgbouncer.port`, and where a structured key comes in kinds
 * `redis(external).password`, with `redis.kind` for the kind itself; `dockerHosts.host` of any name.
 */
export function configKeys(): Map<string, string> {
  const root = z.toJSONSchema(stackSchema, { io: 'input', unrepresentable: 'any' }) as Schema;
  const keys = new Map<string, string>();
  for (const [key, schema] of Object.entries(root.properties ?? {})) {
    const { additionalProperties: named } = schema;
    const kinds = schema.oneOf ?? schema.anyOf;
    if (kinds) keys.set(`${key}.kind`, schema.description ?? '');
    for (const kind of kinds ?? [typeof named === 'object' ? named : schema]) {
      const name = kinds ? `${key}(${kind.properties?.['kind']?.const ?? ''})` : key;
      if (!kind.properties) keys.set(name, kind.description ?? '');
      for (const [inner, leaf] of Object.entries(kind.properties ?? {}))
        if (inner !== 'kind') keys.set(`${name}.${inner}`, leaf.description ?? '');
    }
  }
  return keys;
}
