import { UserError } from '../stack/errors.js';

/** The number that an option names. Outside of the bounds: USAGE. */
export function number(name: string, text: string, from: number, to: number): number {
  const value = Number(text);
  if (!(text.trim() !== '' && value >= from && value <= to))
    throw new UserError('USAGE', `${name}: expected a number from ${String(from)} to ${String(to)}`);
  return value;
}

/** The same for a whole number. */
export function wholeNumber(name: string, text: string, from: number, to: number): number {
  const value = number(name, text, from, to);
  if (!Number.isInteger(value)) throw new UserError('USAGE', `${name}: expected a whole number`);
  return value;
}
