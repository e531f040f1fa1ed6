import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { control, during, figure } from '../support/control.js';
import { onHost, override, property } from '../support/gateway-host.js';
import { waitFor } from '../support/services.js';
import { ready } from '../support/test-stack.js';
import { WatchedChannel } from '../support/watched-channel.js';

const UNIT = 'telegram-gateway.service';
const MINUTES = 60_000;
/** Polls and audits are due at once here: in earnest after half a minute and after ten. */
const IMPATIENT = 'Environment=TELEGRAM_POLL_INTERVAL_S=1 TELEGRAM_RECONCILE_INTERVAL_S=1';

let channel: WatchedChannel;
const isReady = async () => waitFor('the gateway is ready', async () => ready('gateway'), 90_000);
const say = (what: string, seconds: number) => process.stderr.write(`    ${what}: ${seconds.toFixed(1)} s\n`);

/** What is done while the gateway is down. */
async function whileDown(work: () => Promise<void>): Promise<void> {
  await onHost(`systemctl stop ${UNIT}`);
  await work().finally(() => onHost(`systemctl start ${UNIT}`));
}

beforeAll(async () => {
  await control('PUT', '/limits', { pollTimeoutS: 1 });
  await override(`[Service]\\n${IMPATIENT}\\n`);
  await isReady();
  channel = await WatchedChannel.make('nothing is lost');
  await channel.post(1);
  await channel.caughtUp();
}, 3 * MINUTES);

afterAll(async () => {
  await control('DELETE', '/faults');
  await control('PUT', '/limits', { maxPtsAge: null, pollTimeoutS: 30 });
  await override('');
  await channel.close();
  await isReady();
}, 3 * MINUTES);

describe('edits and deletions', () => {
  it(
    'R1 R4 each is one event, also of an album, and a change of views is none',
    async () => {
      const before = (await channel.kept()).length;
      const [first = '', second = '', third = '', seen = ''] = await channel.post(4);
      // One after the other has come: two edits of one second, of which a read by id overtakes the first, cannot be put in order.
      await channel.caughtUp();
      await channel.edit(first, { text: 'once' });
      await channel.edit(third, { text: 'and gone' });
      await channel.caughtUp();
      await channel.edit(first, { text: 'twice' });
      await channel.remove(second);
      await channel.remove(third);
      await channel.edit(seen, { views: 1_000, reactions: 7 });
      const album = { media: ['photo', 'video'], caption: 'two' };
      await control('POST', `/channels/${channel.id}/albums`, album);
      await control('POST', `/channels/${channel.id}/service-messages`, { service: 'title', title: 'Another' });
      await channel.caughtUp();
      const events = (await channel.kept()).slice(before).map((kept) => kept.events);
      expect(events).toEqual([3, 2, 3, 1, 1, 1, 1]);
    },
    2 * MINUTES,
  );

  it(
    'R4 a message that was deleted before anybody saw it is a tombstone with its event, and stays dead',
    async () => {
      let unseen = '';
      await during({ kind: 'dropPushes', channelId: channel.id }, async () => {
        [unseen = ''] = await channel.post(1);
        await channel.remove(unseen);
      });
      await channel.post(1);
      await channel.caughtUp();
      const kept = (await channel.kept()).find(({ messageId }) => messageId === unseen);
      expect(kept).toMatchObject({ text: null, deleted: true, events: 1, handled: 1 });
    },
    2 * MINUTES,
  );
});

describe('what Telegram does not push', () => {
  it(
    'R2 what was lost, doubled, overtaken, unreadable or only announced on the way is stored all the same, once',
    async () => {
      for (const kind of ['dropPushes', 'duplicatePushes', 'reorderPushes', 'gzipPushes', 'tooLongPushes'])
        await during({ kind, channelId: channel.id }, async () => {
          const [edited = '', removed = ''] = await channel.post(3);
          await channel.edit(edited, { text: kind });
          await channel.remove(removed);
        });
      for (const kind of ['unknownInContainer', 'unreadablePushes'])
        await during({ kind, channelId: channel.id }, async () => {
          await channel.postTexts([{ text: 'nul\u0000' }, { text: 'half \ud83d.' }]);
        });
      say('R2 caught up with pushes of every kind in', await channel.caughtUp());
    },
    2 * MINUTES,
  );

  it(
    'R2 a channel that is not pushed is polled',
    async () => {
      await channel.access({ pushed: false });
      await channel.post(3);
      say('R2 polled within', await channel.caughtUp());
      await channel.access({ pushed: true });
    },
    2 * MINUTES,
  );

  it(
    'R2 a channel that throws the account out is gone, and read on from where it stopped once it lets it in again',
    async () => {
      await channel.membership('banned');
      await channel.post(2);
      await waitFor('the channel is gone', async () => (await channel.status()) !== 'active', 60_000);
      await channel.membership('member');
      await channel.caughtUp();
      expect(await channel.status()).toBe('active');
    },
    2 * MINUTES,
  );
});

describe('a gateway that was away', () => {
  it(
    'R2 N6 killed while messages flow: back in seconds, and nothing is lost',
    async () => {
      const before = await property('MainPID');
      const traffic = channel.post(300, 50);
      await waitFor('messages', async () => (await channel.kept()).length > 30, 60_000);
      const killed = performance.now();
      await onHost(`kill -KILL ${before}`);
      await waitFor('another process', async () => !['0', before].includes(await property('MainPID')), 60_000);
      await isReady();
      say('N6 ready after SIGKILL', (performance.now() - killed) / 1_000);
      await traffic;
      await channel.caughtUp();
    },
    3 * MINUTES,
  );

  it(
    'R2 a gap that Telegram no longer keeps is read from the history, with the edits and deletions inside it',
    async () => {
      const [edited = '', removed = ''] = await channel.post(2);
      await channel.caughtUp();
      await whileDown(async () => {
        await control('PUT', '/limits', { maxPtsAge: 20 });
        await channel.post(150);
        await channel.edit(edited, { text: 'edited in the gap' });
        await channel.remove(removed);
        await channel.post(50);
      });
      await isReady();
      say('R2 200 messages too old for a difference', await channel.caughtUp());
      expect(await figure('gateway', 'telegram_gap_too_long_total')).toBeGreaterThanOrEqual(1);
      await control('PUT', '/limits', { maxPtsAge: null });
    },
    3 * MINUTES,
  );

  it(
    'R2 ids that every other way has forgotten are found by the reconciler, and counted',
    async () => {
      await whileDown(async () => {
        await channel.post(3);
        await channel.pretendRead();
      });
      await isReady();
      say('R2 found by the reconciler within', await channel.caughtUp());
      expect(await figure('gateway', 'telegram_reconciler_recovered_total')).toBe(3);
    },
    3 * MINUTES,
  );
});
