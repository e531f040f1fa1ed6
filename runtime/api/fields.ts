import { z } from 'zod';

/** 64-bit, positive, as a decimal string: a JSON number loses digits above 2^53. */
const ID = /^[1-9]\d{0,18}$/;
const MAX_ID = 2n ** 63n - 1n;
const EXPECTED_ID = 'expected a positive 64-bit id in decimal digits';

const inRange = (text: string) => !ID.test(text) || BigInt(text) <= MAX_ID;

export const id = (what: string) => z.string().regex(ID, EXPECTED_ID).refine(inRange, EXPECTED_ID).describe(what);

/** In a body an id may also be a number, as long as JSON keeps all of its digits. */
export const bodyId = (what: string) =>
  z
    .union([
      z.string().regex(ID, EXPECTED_ID).refine(inRange, EXPECTED_ID),
      z.int('expected an id as a string of digits: a number above 2^53 loses some').min(1, EXPECTED_ID),
    ])
    .transform(String)
    .describe(what);

/** `limit` in a query. */
export const limit = (most: number, usual: number) =>
  z
    .string()
    .regex(/^\d{1,4}$/, `expected a whole number from 1 to ${String(most)}`)
    .refine((text) => Number(text) >= 1 && Number(text) <= most, `expected a whole number from 1 to ${String(most)}`)
    .default(String(usual))
    .transform(Number)
    .describe(`Entries at most, from 1 to ${String(most)}.`);

/** Second from which times are exact in PostgreSQL and JavaScript alike; before it there was no Telegram anyway. */
export const time = (what: string) =>
  z.iso
    .datetime({ offset: true, error: 'expected ISO 8601 with a time zone, such as 2026-11-21T12:00:00Z' })
    .refine((text) => /^(19|20|21)\d\d-/.test(text), 'expected a year from 1900 to 2199')
    .transform((text) => new Date(text).toISOString())
    .describe(what);

export const searchText = z
  .string()
  .min(1, 'expected at least one character')
  .max(200, 'expected at most 200 characters')
  .refine((text) => !text.includes('\0') && text.isWellFormed(), 'expected text without U+0000')
  .describe('Part of the text as first seen, in upper or lower case.');

export const cursor = z
  .string()
  .regex(/^[\w-]{22,500}$/, 'expected the `next` of a page')
  .describe('`next` of the page before, with the same filter.');

export const timestamp = z.string().describe('ISO 8601, UTC.');
