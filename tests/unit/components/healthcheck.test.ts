import { describe, expect, it } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { durationText, healthcheck } from '../../../components/healthcheck.js';

describe('health checks', () => {
  it.each([
    [5, '5s'],
    [60, '1m0s'],
    [150, '2m30s'],
  ])('O2 writes %i seconds as Docker reads them back', (seconds, text) => {
    expect(durationText(seconds)).toBe(text);
  });

  it('D1 asks a starting container every second, on each version of the engine', () => {
    const old = healthcheck({ probesStart: false }, ['true'], 90);
    expect(old).toMatchObject({ interval: '1s', timeout: '30s', startPeriod: '1m30s', retries: 3 });
    expect(old).not.toHaveProperty('startInterval');
    expect(healthcheck({ probesStart: true }, ['true'], 90)).toEqual({ ...old, startInterval: '1s' });
  });

  it('D1 leaves a container alone that has just been well, and asks at once after a failure, a start or a pause', () => {
    const folder = mkdtempSync(join(tmpdir(), 'health-'));
    const mark = join(folder, 'healthy');
    /** The probe in a container whose own command ends with `status`, with a second in place of twenty. */
    const probe = (status: number) => {
      const { tests } = healthcheck({ probesStart: true }, ['sh', '-c', `exit ${String(status)}`], 90);
      const [, command = '', ...args] = tests.map((word) =>
        word.replaceAll('/dev/shm/healthy', mark).replace('sleep 20', 'sleep 1'),
      );
      const began = performance.now();
      const { status: told, stderr } = spawnSync(command, args, { encoding: 'utf8' });
      expect(stderr).toBe('');
      return { told, slept: performance.now() - began > 900, well: existsSync(mark) };
    };
    try {
      expect(probe(2)).toEqual({ told: 1, slept: false, well: false });
      expect(probe(0)).toEqual({ told: 0, slept: false, well: true });
      expect(probe(0)).toEqual({ told: 0, slept: true, well: true });
      expect(probe(124)).toEqual({ told: 1, slept: true, well: false });
      writeFileSync(mark, String(Math.floor(Date.now() / 1_000) - 60));
      expect(probe(0)).toEqual({ told: 0, slept: false, well: true });
      // Ended while it was written.
      writeFileSync(mark, '');
      expect(probe(0)).toEqual({ told: 0, slept: false, well: true });
    } finally {
      rmSync(folder, { recursive: true });
    }
  }, 30_000);
});
