import { describe, expect, it } from '@jest/globals';
import { durationText, healthcheck } from '../../../components/healthcheck.js';

describe('health checks', () => {
  it.each([
    [5, '5s'],
    [60, '1m0s'],
    [150, '2m30s'],
  ])('O2 writes %i seconds as Docker reads them back', (seconds, text) => {
    expect(durationText(seconds)).toBe(text);
  });

  it('D1 asks a starting container more often where the engine can, and a running one seldom', () => {
    expect(healthcheck({ probesStart: true }, ['true'], 90)).toMatchObject({ interval: '10s', startInterval: '1s' });
    const old = healthcheck({ probesStart: false }, ['true'], 90);
    expect(old).toEqual({ tests: ['CMD', 'true'], interval: '5s', timeout: '5s', startPeriod: '1m30s', retries: 3 });
  });
});
