import { describe, expect, it } from '@jest/globals';
import type { ConsumeMessage } from 'amqplib';
import { attemptOf, decodeEvent, encodeEvent } from '../../../runtime/queue/envelope.js';
import { storedEvent } from '../../support/messages.js';

const { event } = storedEvent('77', 1);
const withHeader = (value: unknown) =>
  ({ properties: { headers: { 'x-telegram-attempt': value } } }) as unknown as ConsumeMessage;

describe('envelope', () => {
  it('R6 brings an event through unchanged', () => {
    expect(decodeEvent(encodeEvent({ ...event, text: '👩‍👩‍👧‍👦 漢字' }))).toEqual({ ...event, text: '👩‍👩‍👧‍👦 漢字' });
  });

  it.each([
    ['no JSON', 'x', /JSON/],
    ['no object', '1', 'expected an object'],
    ['another version', JSON.stringify({ ...event, v: 2 }), 'v: expected 1, got 2'],
    ['a number for an id', JSON.stringify({ ...event, channelId: 77 }), 'channelId: expected a string'],
    ['an unknown kind', JSON.stringify({ ...event, kind: 'message.moved' }), 'kind: unknown'],
    ['a number for a date', JSON.stringify({ ...event, postedAt: 1 }), 'postedAt: expected a string or null'],
    ['no version', JSON.stringify({ ...event, version: undefined }), 'version: expected a number'],
  ])('R6 refuses %s', (_what, body, message) => {
    expect(() => decodeEvent(Buffer.from(body))).toThrow(message);
  });

  it('R6 counts tries from its own header, and takes nonsense for the first', () => {
    expect([1, 3].map((value) => attemptOf(withHeader(value)))).toEqual([1, 3]);
    expect([undefined, 'x', -1, 1.5].map((value) => attemptOf(withHeader(value)))).toEqual([0, 0, 0, 0]);
  });
});
