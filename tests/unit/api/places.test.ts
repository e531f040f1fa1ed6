import { describe, expect, it } from '@jest/globals';
import { setTimeout as delay } from 'node:timers/promises';
import { Places } from '../../../runtime/api/places.js';

const PATIENT_MS = 60_000;

describe('places', () => {
  it('R8 one that is given back goes to who has waited longest, and nobody overtakes', async () => {
    const places = new Places(1, 'tests under way');
    const giveBack = places.take();
    const served: string[] = [];
    const waiting = ['first', 'second', 'third'].map(async (name) => {
      const mine = await places.wait(PATIENT_MS);
      served.push(name);
      return mine;
    });
    giveBack();
    expect(() => places.take()).toThrow('there are 1 tests under way already');
    const first = await waiting[0];
    await delay(5);
    expect(served).toEqual(['first']);
    first?.();
    first?.();
    await waiting[1];
    await delay(5);
    expect(served).toEqual(['first', 'second']);
    (await waiting[1])?.();
    (await waiting[2])?.();
    expect(places.take()).toBeInstanceOf(Function);
  });

  it('R8 who has waited too long is told so, and takes no place with it', async () => {
    const places = new Places(1, 'tests under way');
    const giveBack = places.take();
    await expect(places.wait(10)).rejects.toMatchObject({ code: 'API_BUSY' });
    const patient = places.wait(PATIENT_MS);
    giveBack();
    (await patient)();
    expect(places.take()).toBeInstanceOf(Function);
  });
});
