import { describe, expect, it } from '@jest/globals';
import bigInt from 'big-integer';
import { Api } from 'telegram/tl';
import { createLogger } from '../../../runtime/logger.js';
import { Accounts } from '../../../runtime/simulator/accounts/accounts.js';
import { Logins } from '../../../runtime/simulator/accounts/logins.js';
import { Faults } from '../../../runtime/simulator/faults.js';
import { Gaps } from '../../../runtime/simulator/gaps.js';
import { Dispatcher, unwrap } from '../../../runtime/simulator/rpc.js';
import { Shown } from '../../../runtime/simulator/shown.js';
import { Stats } from '../../../runtime/simulator/stats.js';
import { readObject, type TlObject } from '../../../runtime/simulator/tl.js';
import { World } from '../../../runtime/simulator/world.js';

const inner = new Api.updates.GetState();

describe('R10 wrapped calls', () => {
  it('R10 are unwrapped, however deep, as the client library encodes them', () => {
    const query = new Api.InitConnection({
      ...{ apiId: 1, deviceModel: 'x', systemVersion: 'x', appVersion: 'x' },
      ...{ systemLangCode: 'en', langPack: '', langCode: 'en' },
      query: new Api.InvokeAfterMsg({ msgId: bigInt(1), query: inner }),
    });
    const wire = new Api.InvokeWithLayer({ layer: 198, query }).getBytes();
    const { request, wantsUpdates } = unwrap(readObject(wire));
    expect(request.className).toBe('updates.GetState');
    expect(wantsUpdates).toBe(true);
  });

  it('R10 register no session for updates under invokeWithoutUpdates', () => {
    const wire = new Api.InvokeWithoutUpdates({ query: inner }).getBytes();
    expect(unwrap(readObject(wire)).wantsUpdates).toBe(false);
  });
});

describe('R10 the dispatcher', () => {
  const stats = new Stats();
  const centre = {
    world: new World({ channels: 1 }),
    accounts: new Accounts(),
    logins: new Logins(),
    faults: new Faults({ kick: () => undefined, release: () => undefined }),
    gaps: new Gaps(),
    shown: new Shown(),
    address: { host: '127.0.0.1', port: 1 },
    tell: () => undefined,
    setMember: () => undefined,
  };
  const dispatcher = new Dispatcher(centre, stats, createLogger('telegram-simulator', 'silent'));
  const answer = (request: TlObject, userId: number | null = 777) =>
    readObject(dispatcher.answer(request, { keyId: 'key', userId, authorise: () => undefined }));

  it('R10 answers a failing method with 500 instead of dropping the client', () => {
    const broken = new Api.channels.GetChannels({ id: undefined as unknown as never });
    expect(answer(broken)).toMatchObject({ errorCode: 500, errorMessage: 'INTERNAL' });
  });

  it('R10 lets a stranger ask for help and nothing else', () => {
    expect(answer(new Api.help.GetConfig(), null)).toMatchObject({ className: 'Config', thisDc: 2 });
    expect(answer(inner, null)).toMatchObject({ errorCode: 401, errorMessage: 'AUTH_KEY_UNREGISTERED' });
  });

  it('R10 names a constructor that the layer does not know', () => {
    expect(readObject(dispatcher.unreadable(0xdeadbeef))).toMatchObject({ errorCode: 400 });
    expect(stats.unimplementedMethods).toEqual(['#deadbeef']);
  });
});
