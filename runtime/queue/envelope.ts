import type { ConsumeMessage } from 'amqplib';
import { ATTEMPT_HEADER, ENVELOPE_VERSION } from '../contract.js';
import { EVENT_KINDS, type TelegramEvent } from '../events.js';

const STRINGS = ['id', 'kind', 'accountId', 'channelId', 'messageId', 'receivedAt', 'text', 'source'] as const;

export function encodeEvent(event: TelegramEvent): Buffer {
  return Buffer.from(JSON.stringify(event));
}

/** Throws on anything that this version does not understand: such a message belongs into the dead letters. */
export function decodeEvent(body: Buffer): TelegramEvent {
  return parseEvent(body.toString('utf8'));
}

/** The same of text. */
export function parseEvent(text: string): TelegramEvent {
  const value: unknown = JSON.parse(text);
  if (typeof value !== 'object' || value === null) throw new Error('expected an object');
  const fields = new Map<string, unknown>(Object.entries(value));
  if (fields.get('v') !== ENVELOPE_VERSION)
    throw new Error(`v: expected ${String(ENVELOPE_VERSION)}, got ${JSON.stringify(fields.get('v'))}`);
  for (const name of STRINGS) if (typeof fields.get(name) !== 'string') throw new Error(`${name}: expected a string`);
  if (!EVENT_KINDS.some((kind) => kind === fields.get('kind'))) throw new Error('kind: unknown');
  const postedAt = fields.get('postedAt');
  if (typeof postedAt !== 'string' && postedAt !== null) throw new Error('postedAt: expected a string or null');
  if (typeof fields.get('version') !== 'number') throw new Error('version: expected a number');
  return value as TelegramEvent;
}

/** How many tries this group has made before: 0 on the first delivery. */
export function attemptOf(message: ConsumeMessage): number {
  const value: unknown = message.properties.headers?.[ATTEMPT_HEADER];
  return typeof value === 'number' && Number.isInteger(value) && value > 0 ? value : 0;
}
