import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { ApiBench } from '../support/api.js';
import { range } from '../support/messages.js';
import { uniqueChannel } from '../support/services.js';

describe('commands for channels', () => {
  let bench: ApiBench;
  let channel: string;

  beforeAll(async () => {
    bench = await ApiBench.start();
    await bench.store.query("insert into telegram_gateway.accounts (account_id) values ('default')");
  });
  afterAll(() => bench.close());
  beforeEach(async () => {
    channel = uniqueChannel();
    await bench.addMessages(channel, [100]);
  });

  const command = (name: string, body?: unknown) => bench.post(`/v1/channels/${channel}/${name}`, body);

  it('R8 a channel is paused and resumed where its gateway reads it', async () => {
    const stored = async () =>
      (await bench.store.query('select status from telegram_gateway.channels where channel_id = $1', [channel]))[0];
    expect(await command('pause')).toMatchObject({ status: 202, body: { channelId: channel, status: 'paused' } });
    expect(await stored()).toEqual({ status: 'paused' });
    expect((await command('pause')).status).toBe(202);
    expect((await command('resume')).body.status).toBe('active');
    expect(await stored()).toEqual({ status: 'active' });
    await bench.store.query("update telegram_gateway.channels set status = 'left' where channel_id = $1", [channel]);
    const refused = await command('resume');
    expect([refused.status, refused.body.error]).toMatchObject([
      409,
      { code: 'API_CONFLICT', message: 'the channel is left' },
    ]);
  });

  it('R8 a history is asked for where its gateway reads it, and not while one is being read', async () => {
    const finish = () =>
      bench.store.query(
        `update telegram_gateway.channels set backfill_next_id = null, backfill_until_id = null where channel_id = $1`,
        [channel],
      );
    const wished = async (body: object) => (await command('backfill', body)).body.backfill;
    expect(await wished({ afterId: '50', beforeId: 60 })).toEqual({ nextId: '60', untilId: '50' });
    const twice = await command('backfill', {});
    expect([twice.status, twice.body.error?.message]).toEqual([409, 'its history is being read already']);
    await finish();
    expect(await wished({})).toEqual({ nextId: '101', untilId: '0' });
    await finish();
    const none = await command('backfill', { afterId: '70', beforeId: '71' });
    expect([none.status, none.body.error?.message]).toEqual([409, 'there are no ids in that range']);
  });

  it('R8 verifying begins again at the id that was asked for', async () => {
    await bench.store.query(
      'update telegram_gateway.channels set reconciled_message_id = 100, reconciled_at = now() where channel_id = $1',
      [channel],
    );
    expect((await command('verify', { afterId: '10' })).body.verifiedUpToId).toBe('10');
    expect((await command('verify', {})).body.verifiedUpToId).toBe('0');
    expect((await command('verify', { afterId: '100' })).status).toBe(409);
  });

  it('R8 a channel is asked for by its name, once', async () => {
    const first = await bench.post('/v1/channels', { username: '@Some_Channel' });
    expect([first.status, first.body]).toMatchObject([
      202,
      { username: 'some_channel', accountId: 'default', status: 'open' },
    ]);
    const again = await bench.post('/v1/channels', { username: 'https://t.me/some_channel' });
    expect(again.body.requestId).toBe(first.body.requestId);
    expect((await bench.get('/v1/channel-requests')).body.requests).toEqual([first.body]);
    const [row] = await bench.store.query('select requested_by from telegram_gateway.channel_requests');
    expect(row).toEqual({ requested_by: 'generated' });
    const nobody = await bench.post('/v1/channels', { username: 'name', accountId: 'nobody' });
    expect([nobody.status, nobody.body.error?.message]).toEqual([404, 'there is no account "nobody"']);
  });

  it('R8 channels come in pages', async () => {
    for (const _ of range(5)) await bench.addMessages(uniqueChannel(), [1]);
    const seen: string[] = [];
    let next = '';
    do {
      const { body } = await bench.get(`/v1/channels?limit=2${next}`);
      seen.push(...(body.channels ?? []).map(({ channelId }) => channelId));
      next = body.next ? `&cursor=${body.next}` : '';
    } while (next !== '');
    expect(new Set(seen).size).toBe(seen.length);
    expect(seen).toContain(channel);
    expect(seen.length).toBe(await bench.store.count('channels'));
    expect((await bench.get(`/v1/channels/${channel}`)).body).toMatchObject({
      channelId: channel,
      lastMessageId: '100',
    });
  });

  it('R8 an unknown channel is 404 wherever it is named', async () => {
    const unknown = uniqueChannel();
    const answers = await Promise.all([
      bench.get(`/v1/channels/${unknown}`),
      bench.get(`/v1/messages?channel=${unknown}`),
      bench.get(`/v1/messages/${unknown}/1`),
      ...['pause', 'resume'].map((name) => bench.post(`/v1/channels/${unknown}/${name}`)),
      ...['backfill', 'verify'].map((name) => bench.post(`/v1/channels/${unknown}/${name}`, {})),
    ]);
    expect(answers.map(({ status, body }) => [status, body.error?.code])).toEqual(
      answers.map(() => [404, 'API_NOT_FOUND']),
    );
  });
});
