import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { EngineError } from '../../../ops/engine/errors.js';
import { duration, report } from '../../../ops/output.js';
import { summary } from '../../../ops/up.js';
import { UserError } from '../../../stack/errors.js';
import type { StackOutputs } from '../../../stack/outputs.js';

describe('what a command says at its end', () => {
  let said: string;
  beforeEach(() => {
    said = '';
    jest.spyOn(process.stderr, 'write').mockImplementation((text) => {
      said += String(text);
      return true;
    });
  });
  afterEach(() => {
    jest.restoreAllMocks();
  });

  it('O1 a mistake of the user: what, why, the command that mends it, the document; exit 1', () => {
    const error = new UserError('DOCKER_DOWN', 'no Docker engine answers', { why: 'connection refused' });
    expect(report(error)).toBe(1);
    expect(said).toBe(
      [
        '✖ DOCKER_DOWN no Docker engine answers',
        '  why:  connection refused',
        '  fix:  Start Docker: `sudo systemctl start docker` (or `sudo dockerd` where there is no systemd).',
        '  docs: docs/errors.md#docker_down\n',
      ].join('\n'),
    );
  });

  it('O10 an error of the engine: with the last lines of what failed, and its own exit code', () => {
    const failed = new EngineError('ENGINE_RESOURCE_FAILED', 'image-redis: build failed', { details: ['apt: no'] });
    expect(report(failed)).toBe(1);
    expect(said).toContain('✖ ENGINE_RESOURCE_FAILED image-redis: build failed\n    apt: no\n  fix:  ');
    expect(report(new EngineError('ENGINE_INTERRUPTED', 'interrupted'))).toBe(130);
  });

  it('O1 anything else is a defect of ours: the stack, a request to report it, exit 70', () => {
    expect(report(new TypeError('x is not a function'))).toBe(70);
    expect(said).toContain('✖ BUG TypeError: x is not a function\n    at ');
    expect(said).toContain('please report it');
  });
});

describe('up', () => {
  it.each([
    [950, '0.9 s'],
    [59_900, '59.9 s'],
    [59_980, '1 min 0 s'],
    [83_000, '1 min 23 s'],
    [119_700, '2 min 0 s'],
    [3_600_000, '60 min 0 s'],
  ])('O1 says %d ms as %s', (ms, text) => {
    expect(duration(ms)).toBe(text);
  });

  it('O1 prints addresses by group, one a line, and no group that is empty', () => {
    const service = (group: 'data' | 'gateway' | 'telegram', url: string) => ({ host: '', port: 0, group, url });
    const services = { api: service('gateway', 'http://a:1'), timescaledb: service('data', 'postgresql://a:2') };
    expect(summary({ services } as unknown as StackOutputs)).toBe(
      'Data layer\n  timescaledb  postgresql://a:2\nGateway\n  api          http://a:1',
    );
  });
});
