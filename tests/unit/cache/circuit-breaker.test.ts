import { describe, expect, it } from '@jest/globals';
import { setTimeout as delay } from 'node:timers/promises';
import { CircuitBreaker, CircuitOpenError } from '../../../runtime/cache/circuit-breaker.js';

const silence = new Error('no answer');
const refusal = new Error('wrong type');

describe('circuit breaker', () => {
  const breaker = (openMs: number) =>
    new CircuitBreaker({ failures: 2, openMs, isFailure: (error) => error !== refusal });
  const fail = (error: Error) => () => Promise.reject(error);

  it('R5 opens after so many failures in a row, and then calls nobody', async () => {
    const circuit = breaker(60_000);
    await expect(circuit.run(fail(silence))).rejects.toBe(silence);
    expect(await circuit.run(() => Promise.resolve('answer'))).toBe('answer');
    await expect(circuit.run(fail(silence))).rejects.toBe(silence);
    expect(circuit.open).toBe(false);
    await expect(circuit.run(fail(silence))).rejects.toBe(silence);
    expect(circuit.open).toBe(true);
    let called = false;
    const call = () => {
      called = true;
      return Promise.resolve();
    };
    await expect(circuit.run(call)).rejects.toThrow(CircuitOpenError);
    expect(called).toBe(false);
  });

  it('R5 stays closed while the answer is no', async () => {
    const circuit = breaker(60_000);
    for (let n = 0; n < 5; n++) await expect(circuit.run(fail(refusal))).rejects.toBe(refusal);
    expect(circuit.open).toBe(false);
  });

  it('R5 lets one try through after the pause; what it meets decides', async () => {
    const circuit = breaker(100);
    for (let n = 0; n < 2; n++) await circuit.run(fail(silence)).catch(() => undefined);
    const over = async () => {
      while (circuit.open) await delay(10);
    };
    await over();
    // It fails: for another while nobody else is let through.
    await expect(circuit.run(fail(silence))).rejects.toBe(silence);
    expect(circuit.open).toBe(true);
    await over();
    const { promise, resolve } = Promise.withResolvers<string>();
    const trial = circuit.run(() => promise);
    await expect(circuit.run(() => Promise.resolve('early'))).rejects.toThrow(CircuitOpenError);
    resolve('back');
    expect(await trial).toBe('back');
    expect(circuit.open).toBe(false);
    expect(await circuit.run(() => Promise.resolve('again'))).toBe('again');
  });
});
