import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { createLogger } from '../../../runtime/logger.js';
import { Shutdown } from '../../../runtime/shutdown.js';

const logger = createLogger('test', 'silent');
const never = () => new Promise<void>(() => undefined);

describe('shutdown', () => {
  const exits: unknown[] = [];
  beforeEach(() => {
    exits.length = 0;
    jest.spyOn(process, 'exit').mockImplementation((code) => {
      exits.push(code);
      return undefined as never;
    });
  });
  afterEach(() => {
    jest.restoreAllMocks();
  });

  it('S5 closes in reverse order, once, and ends with the code that was asked for', async () => {
    const shutdown = new Shutdown(logger, 1_000);
    const closed: string[] = [];
    for (const name of ['first', 'second', 'third'])
      shutdown.onClose(name, () => {
        closed.push(name);
        return Promise.resolve();
      });
    await Promise.all([shutdown.stop(65), shutdown.stop(0)]);
    expect(closed).toEqual(['third', 'second', 'first']);
    expect(exits[0]).toBe(65);
    expect(shutdown.signal.aborted).toBe(true);
  });

  it('S5 ends within the deadline with parts that hang, and the other parts are closed all the same', async () => {
    const shutdown = new Shutdown(logger, 300);
    const closed: string[] = [];
    const part = (name: string, close: () => Promise<void>) => {
      shutdown.onClose(name, () => {
        closed.push(name);
        return close();
      });
    };
    part('database', () => Promise.resolve());
    part('broker', never);
    part('broken', () => Promise.reject(new Error('broken')));
    part('telegram', never);
    const startedAt = performance.now();
    await shutdown.stop(0);
    expect(performance.now() - startedAt).toBeLessThan(1_000);
    expect(closed).toEqual(['telegram', 'broken', 'broker', 'database']);
    expect(exits).toEqual([0]);
  });
});
