import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { LeaseKeeper } from '../../../runtime/gateway/lease-keeper.js';
import type { LeaseAttempt } from '../../../runtime/store/lease.js';
import { logger } from '../telegram/support/bench.js';
import { waitFor } from '../telegram/support/wait-for.js';

const fence = { accountId: 'default', epoch: '7' };
const held = (leftMs: number): LeaseAttempt => ({ taken: false, owner: 'other pid 1', epoch: '6', leftMs });

describe('lease keeper', () => {
  let stop: AbortController;
  let attempts: LeaseAttempt[];
  let renewals: number;
  let renewed: () => Promise<boolean>;
  const lost: Error[] = [];

  beforeEach(() => {
    stop = new AbortController();
    attempts = [];
    renewals = 0;
    renewed = () => Promise.resolve(true);
    lost.length = 0;
  });
  afterEach(() => {
    stop.abort();
  });

  function keeper() {
    return new LeaseKeeper({
      ...{ accountId: 'default', logger, signal: stop.signal, owner: 'mine pid 2' },
      ...{ ttlMs: 400, renewMs: 100, leaveMs: 150, onLost: (error) => void lost.push(error) },
      store: {
        take: () => Promise.resolve(attempts.shift() ?? held(10)),
        renew: () => {
          renewals += 1;
          return renewed();
        },
        release: () => Promise.resolve(),
      },
    });
  }

  it('S5 takes a free lease at once', async () => {
    attempts = [{ taken: true, fence, bereaved: false }];
    const subject = keeper();
    const began = performance.now();
    await subject.take();
    expect(performance.now() - began).toBeLessThan(240);
    expect(subject.fence).toEqual(fence);
  });

  it('S5 lets the machine that lost it notice and leave Telegram before anything begins here, and renews meanwhile', async () => {
    attempts = [held(20), { taken: true, fence, bereaved: true }];
    const began = performance.now();
    await keeper().take();
    expect(performance.now() - began).toBeGreaterThanOrEqual(20 + 100 + 150);
    expect(renewals).toBeGreaterThan(0);
  });

  it('S5 ends while it waits, when the process is asked to stop', async () => {
    attempts = [{ taken: true, fence, bereaved: true }];
    const taking = keeper().take();
    setImmediate(() => {
      stop.abort();
    });
    await expect(taking).rejects.toMatchObject({ name: 'AbortError' });
  });

  it('S5 gives up when the other machine goes on renewing', async () => {
    attempts = [held(5), held(5)];
    await expect(keeper().take()).rejects.toMatchObject({ code: 'SESSION_IN_USE', exitCode: 66 });
  });

  it('S5 says once that the lease is lost, and keeps it while the database is away', async () => {
    attempts = [{ taken: true, fence, bereaved: false }];
    renewed = () => Promise.reject(new Error('away'));
    await keeper().take();
    await waitFor('two renewals failed', () => renewals >= 2);
    expect(lost).toEqual([]);
    renewed = () => Promise.resolve(false);
    await waitFor('it is lost', () => lost.length > 0);
    expect(lost[0]).toMatchObject({ code: 'LEASE_LOST', exitCode: 67 });
  });
});
