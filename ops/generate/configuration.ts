import { z } from 'zod';
import { environmentSchema } from '../../runtime/config.js';
import { parseConfig } from '../../stack/config.js';
import { stackSchema } from '../../stack/config-schema.js';
import { publishedPorts } from '../../stack/ports.js';

/** The part of JSON Schema that zod writes for our schemas. */
interface Schema {
  readonly type?: string;
  readonly description?: string;
  readonly default?: string | number | boolean | object;
  readonly const?: string;
  readonly enum?: readonly unknown[];
  readonly properties?: Readonly<Record<string, Schema>>;
  /** What each entry is, where the names are the owner's. */
  readonly additionalProperties?: Schema | boolean;
  readonly required?: readonly string[];
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly items?: Schema;
  readonly minimum?: number;
  readonly maximum?: number;
}

const stackJson = () => z.toJSONSchema(stackSchema, { io: 'input', unrepresentable: 'any' }) as Schema;
const environmentJson = () => z.toJSONSchema(environmentSchema, { io: 'input', unrepresentable: 'any' }) as Schema;

const code = (value: unknown) => `\`${typeof value === 'string' ? value || '""' : JSON.stringify(value)}\``;
const row = (...cells: string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;

/** What a value may be, in words. */
function expectation(schema: Schema): string {
  if (schema.enum) return schema.enum.map(code).join(', ');
  if (schema.const !== undefined) return code(schema.const);
  if (schema.items) return `list of ${expectation(schema.items)}`;
  const bounds = [
    schema.minimum !== undefined && schema.minimum > Number.MIN_SAFE_INTEGER ? `from ${String(schema.minimum)}` : '',
    schema.maximum !== undefined && schema.maximum < Number.MAX_SAFE_INTEGER ? `to ${String(schema.maximum)}` : '',
  ];
  return [schema.type ?? 'text', ...bounds].filter(Boolean).join(' ');
}

function table(properties: Readonly<Record<string, Schema>>, prefix: string, required: readonly string[]): string[] {
  return [
    row('key', 'value', 'default', 'meaning'),
    row('---', '---', '---', '---'),
    ...Object.entries(properties).map(([key, schema]) => {
      const fallback = schema.default === undefined ? (required.includes(key) ? 'required' : '') : code(schema.default);
      return row(code(prefix + key), expectation(schema), fallback, schema.description ?? '');
    }),
  ];
}

/** What stands under each name of a key whose names are the owner's. */
function entryOf({ additionalProperties: entry }: Schema): Schema | undefined {
  return typeof entry === 'object' && entry.properties ? entry : undefined;
}

/** One section a structured key: a table a variant. */
function section(key: string, schema: Schema): string[] {
  const entry = entryOf(schema);
  const variants = entry ? [entry] : (schema.oneOf ?? schema.anyOf ?? [schema]);
  const tables = variants.flatMap((variant) => {
    const kind = variant.properties?.['kind']?.const;
    const title = kind === undefined ? [] : [`\`kind: ${kind}\``, ''];
    return [
      ...title,
      ...table(variant.properties ?? {}, entry ? `${key}.<name>.` : `${key}.`, variant.required ?? []),
      '',
    ];
  });
  return [`### telegram:${key}`, '', schema.description ?? '', '', ...tables];
}

/** `docs/configuration.md`. */
export function configurationPage(): string {
  const entries = Object.entries(stackJson().properties ?? {});
  const isStructured = ([, schema]: [string, Schema]) =>
    Boolean(schema.oneOf ?? schema.anyOf ?? schema.properties ?? entryOf(schema));
  const plain = Object.fromEntries(entries.filter((entry) => !isStructured(entry)));
  return [
    '<!-- Generated from stack/config-schema.ts and runtime/config.ts by `npm run generate`. -->',
    '',
    '# Configuration',
    '',
    'All mistakes are reported at once, each with its path and what was expected.',
    '',
    '## Stack file',
    '',
    'Keys of `Pulumi.<stack>.yaml`. `npm run up` works on a copy in `.stack/<stack>/`; set values there, or with',
    '`npm run pulumi -- config set`.',
    '',
    ...table(plain, 'telegram:', []),
    '',
    ...entries.filter(isStructured).flatMap(([key, schema]) => section(key, schema)),
    '## Environment of the runtime',
    '',
    'Set by the stack; of use to whoever runs a process by hand. Secrets are never here: they are in the credentials file.',
    '',
    ...table(environmentJson().properties ?? {}, '', []),
    '',
  ].join('\n');
}

/** `.env.example`. */
export function environmentExample(): string {
  const lines = Object.entries(environmentJson().properties ?? {}).flatMap(([name, schema]) => {
    const plain = typeof schema.default === 'string' || typeof schema.default === 'number';
    const value = plain ? String(schema.default) : '';
    return [`# ${schema.description ?? ''} (${expectation(schema)})`, `${name}=${value}`, ''];
  });
  return [
    '# Generated from runtime/config.ts and stack/config-schema.ts by `npm run generate`.',
    '',
    ...lines,
    '# Ports at which a stack with the defaults is reached, for tools of your own: no process of the stack reads these.',
    '# `npm run connections` tells those of a stack that runs.',
    ...portVariables(),
    '',
  ].join('\n');
}

/** What a process of the stack reads has its line already. */
function portVariables(): readonly string[] {
  const taken = new Set(Object.keys(environmentJson().properties ?? {}));
  return publishedPorts(parseConfig({})).flatMap(({ path, port }) => {
    const name = portVariable(path);
    // Of several Sentinels the first.
    if (taken.has(name)) return [];
    taken.add(name);
    return [`${name}=${String(port)}`];
  });
}

/** `monitoring.prometheusPort` is `TELEGRAM_PROMETHEUS_PORT`. */
function portVariable(path: string): string {
  const words = path
    .replace('monitoring.', '')
    .replace(/^timescale/, 'db')
    .replace(/^telegram/, 'simulator');
  return `TELEGRAM_${words.replace(/[A-Z]/g, '_$&').replace('.', '_').toUpperCase()}`;
}
