import { z } from 'zod';
import { UserError } from './errors.js';
import { stackSchema, type StackConfig } from './config-schema.js';
import { crossChecks } from './config-checks.js';

export type { StackConfig } from './config-schema.js';

/** Prefix of the project's own keys in a stack file. */
export const NAMESPACE = 'telegram';

/** The configuration and the stack it belongs to. */
export interface LoadedConfig {
  readonly config: StackConfig;
  readonly stack: string;
}

/**
 * The configuration from the values of a stack file as Pulumi hands them over: full keys, structured values as JSON text.
 * Throws one `UserError` with every mistake: unknown keys, wrong types, and values that do not fit each other.
 */
export function parseStackFile(all: Readonly<Record<string, string>>): StackConfig {
  return parseConfig(ownKeys(all));
}

/** Checks raw values (`key` → value as in the stack file) and returns them complete and frozen. */
export function parseConfig(raw: Readonly<Record<string, unknown>>): StackConfig {
  const result = stackSchema.safeParse(raw);
  const problems = result.success ? crossChecks(result.data) : result.error.issues.flatMap(describe);
  if (problems.length > 0 || !result.success)
    throw new UserError(
      'CONFIG',
      `the stack's configuration has ${String(problems.length)} mistake(s)\n${problems.map((line) => `  - ${line}`).join('\n')}`,
    );
  return deepFreeze(result.data);
}

/**
 * `telegram:` keys without the prefix; structured values arrive as JSON text. An empty one is an absent one: the CLI wants
 * a default in Pulumi.yaml also for a key that has none.
 */
function ownKeys(all: Readonly<Record<string, string>>): Record<string, unknown> {
  const prefix = `${NAMESPACE}:`;
  return Object.fromEntries(
    Object.entries(all)
      .filter(([key]) => key.startsWith(prefix))
      .map(([key, text]) => [key.slice(prefix.length), decode(text)] as const)
      .filter(([, value]) => JSON.stringify(value) !== '{}'),
  );
}

/** Pulumi hands every value over as text. */
function decode(text: string): unknown {
  if (!/^(\{|\[|true$|false$|-?\d+(\.\d+)?$)/.test(text)) return text;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

/** One line an issue: path, expectation, what was given. */
function describe(issue: z.core.$ZodIssue): string[] {
  const path = `${NAMESPACE}:${issue.path.map(String).join('.')}`;
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => `${NAMESPACE}:${[...issue.path.map(String), key].join('.')}: unknown key`);
  if (issue.code === 'invalid_union' && issue.errors.length > 0)
    return issue.errors[0]?.flatMap((inner) => describe({ ...inner, path: [...issue.path, ...inner.path] })) ?? [];
  return [`${path}: ${issue.message}`];
}

function deepFreeze<T>(value: T): T {
  if (value !== null && typeof value === 'object') Object.values(value).forEach(deepFreeze);
  return Object.freeze(value);
}
