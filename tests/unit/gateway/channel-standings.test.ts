import { describe, expect, it } from '@jest/globals';
import { ChannelStandings } from '../../../runtime/gateway/channel-standings.js';
import type { ChannelStatus } from '../../../runtime/ingest/message-store.js';
import { leaseLost } from '../../../runtime/store/lease.js';
import { logger } from '../telegram/support/bench.js';
import { waitFor } from '../telegram/support/wait-for.js';

/** A database that fails as long as there are errors left. */
function standings(failures: Error[]) {
  const stored = new Map<string, ChannelStatus>();
  let tries = 0;
  const store = {
    setChannelStatus: (_account: string, ids: readonly string[], status: ChannelStatus) => {
      tries += 1;
      const error = failures.shift();
      if (error) return Promise.reject(error);
      for (const id of ids) stored.set(id, status);
      return Promise.resolve();
    },
  };
  const stop = new AbortController();
  const writer = new ChannelStandings({ accountId: 'default', store, logger, signal: stop.signal, retryMs: 1 });
  return { writer, stored, stop, tries: () => tries };
}

describe('what becomes of channels', () => {
  it('R2 is stored once the database answers again, each channel by its last word', async () => {
    const away = [1, 2, 3].map(() => new Error('the database does not answer'));
    const { writer, stored } = standings(away);
    writer.set('1', 'gone');
    writer.set('2', 'gone');
    writer.set('1', 'active');
    await waitFor('both are stored', () => stored.size === 2);
    expect(away).toEqual([]);
    await waitFor('the last word', () => stored.get('1') === 'active' && stored.get('2') === 'gone');
  });

  it('R2 is told again later, after everything was stored', async () => {
    const { writer, stored } = standings([]);
    writer.set('1', 'gone');
    await waitFor('stored', () => stored.get('1') === 'gone');
    writer.set('1', 'active');
    await waitFor('stored again', () => stored.get('1') === 'active');
  });

  it('S5 is not tried again once the account is another gateway’s, nor after the end', async () => {
    const lost = standings([leaseLost({ accountId: 'default', epoch: '1' })]);
    lost.writer.set('1', 'gone');
    await waitFor('one try', () => lost.tries() === 1);
    const ended = standings(Array.from({ length: 1_000 }, () => new Error('away')));
    ended.writer.set('1', 'gone');
    await waitFor('a try', () => ended.tries() > 1);
    ended.stop.abort();
    const before = ended.tries();
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(ended.tries()).toBeLessThanOrEqual(before + 1);
    expect([lost.tries(), lost.stored.size]).toEqual([1, 0]);
  });
});
