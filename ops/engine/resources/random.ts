import { randomBytes, randomInt } from 'node:crypto';
import { z } from 'zod';
import { defineHandler } from './handler.js';

const DIGITS = '0123456789';
const LOWER = 'abcdefghijklmnopqrstuvwxyz';
const UPPER = LOWER.toUpperCase();
const SPECIAL = '!@#$%&*()-_=+[]{}<>:?';

const keepers = z.record(z.string(), z.string()).optional();
const flag = z.boolean().optional();
const least = z.number().int().min(0).optional();

const passwordSchema = z.strictObject({
  length: z.number().int().min(1),
  keepers,
  lower: flag,
  upper: flag,
  numeric: flag,
  /** The older name of `numeric`. */
  number: flag,
  special: flag,
  overrideSpecial: z.string().optional(),
  minLower: least,
  minUpper: least,
  minNumeric: least,
  minSpecial: least,
});

/** Any changed input gives a new value; nothing has to be removed for it. */
const rules = { onChange: 'regenerate' } as const;

/** Uniform over the allowed characters; the required minimum of each kind is drawn first, then all are shuffled. */
export function generatePassword(inputs: z.output<typeof passwordSchema>): string {
  const special =
    inputs.overrideSpecial === undefined || inputs.overrideSpecial === '' ? SPECIAL : inputs.overrideSpecial;
  const kinds = [
    { characters: DIGITS, allowed: inputs.numeric ?? inputs.number ?? true, minimum: inputs.minNumeric ?? 0 },
    { characters: LOWER, allowed: inputs.lower ?? true, minimum: inputs.minLower ?? 0 },
    { characters: UPPER, allowed: inputs.upper ?? true, minimum: inputs.minUpper ?? 0 },
    { characters: special, allowed: inputs.special ?? true, minimum: inputs.minSpecial ?? 0 },
  ];
  const all = kinds
    .filter((kind) => kind.allowed)
    .map((kind) => kind.characters)
    .join('');
  const required = kinds.flatMap((kind) => pick(kind.characters, kind.minimum));
  if (all === '' || required.length > inputs.length) {
    throw new Error(`no password of ${String(inputs.length)} characters meets these rules`);
  }
  const characters = [...required, ...pick(all, inputs.length - required.length)];
  for (let last = characters.length - 1; last > 0; last -= 1) {
    const other = randomInt(last + 1);
    [characters[last], characters[other]] = [characters[other] ?? '', characters[last] ?? ''];
  }
  return characters.join('');
}

function pick(characters: string, count: number): string[] {
  return Array.from({ length: count }, () => characters.charAt(randomInt(characters.length)));
}

/** `random:index/randomPassword:RandomPassword`; without `bcryptHash`, which nothing in a stack of ours can use. */
export const randomPassword = defineHandler({
  schema: passwordSchema,
  rules,
  secretOutputs: ['result'],
  create: (_context, { inputs }) => Promise.resolve({ id: 'none', outputs: { result: generatePassword(inputs) } }),
});

/** `random:index/randomBytes:RandomBytes` */
export const randomBytesHandler = defineHandler({
  schema: z.strictObject({ length: z.number().int().min(1), keepers }),
  rules,
  secretOutputs: ['base64', 'hex'],
  create: (_context, { inputs }) => {
    const bytes = randomBytes(inputs.length);
    return Promise.resolve({ id: 'none', outputs: { base64: bytes.toString('base64'), hex: bytes.toString('hex') } });
  },
});

/** `random:index/randomId:RandomId`: not a secret, its id shows the value. */
export const randomId = defineHandler({
  schema: z.strictObject({ byteLength: z.number().int().min(1), keepers, prefix: z.string().optional() }),
  rules,
  create: (_context, { inputs }) => {
    const bytes = randomBytes(inputs.byteLength);
    const prefix = inputs.prefix ?? '';
    const hex = bytes.toString('hex');
    const outputs = {
      b64Std: prefix + bytes.toString('base64'),
      b64Url: prefix + bytes.toString('base64url'),
      dec: prefix + BigInt(`0x${hex}`).toString(),
      hex: prefix + hex,
    };
    return Promise.resolve({ id: bytes.toString('base64url'), outputs });
  },
});
