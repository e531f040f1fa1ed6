import { describe, expect, it, jest } from '@jest/globals';
import { SECOND_PASSWORD } from '../../../runtime/simulator/accounts/accounts.js';
import { LoginBench, PHONES, ScriptedTalk } from './support.js';

jest.setTimeout(120_000);

const bench = new LoginBench();

describe('O9 a login by phone number and code', () => {
  it('O9 ends with a session that is logged in, and the code went to the other sessions of the account', async () => {
    const { port, self } = await bench.login(new ScriptedTalk([PHONES.reader, '77777']));
    expect(self).toEqual({ id: '777', firstName: 'Simulated' });
    expect(bench.simulator.world.box(777).log.map(({ type }) => type)).toEqual(['message']);
    const session = port.exportSession();
    await port.close();
    const again = await bench.port(session);
    await expect(again.whoAmI()).resolves.toMatchObject({ id: '777' });
  });

  it('O9 asks again after a wrong code, and for the password with its hint', async () => {
    const talk = new ScriptedTalk([PHONES.second, '11111', '22 222', 'wrong', SECOND_PASSWORD]);
    const { self } = await bench.login(talk);
    expect(self.id).toBe('778');
    expect(talk.said).toEqual([
      'A code was sent in the Telegram app.',
      'That is not the code.',
      'That is not the password.',
    ]);
    expect(talk.asked.at(-1)).toBe(`Password (hint: ${SECOND_PASSWORD})`);
  });

  it('O9 sends another code when one has expired', async () => {
    const talk = new ScriptedTalk(['77777', '77777']);
    const ask = talk.ask.bind(talk);
    talk.ask = (question) => {
      if (talk.asked.length === 0) bench.simulator.logins.expireCodes();
      return ask(question);
    };
    const { self } = await bench.login(talk, { phone: PHONES.reader });
    expect(self.id).toBe('777');
    expect(talk.said).toContain('That code has expired. A new one was sent in the Telegram app.');
    expect(bench.simulator.stats.calls['auth.SendCode']).toBe(2);
  });

  it('O9 gives up after three wrong codes, and after three wrong passwords', async () => {
    await expect(bench.login(new ScriptedTalk([PHONES.reader, '1', '2', '3', '77777']))).rejects.toMatchObject({
      code: 'LOGIN_REFUSED',
      message: '3 codes were wrong',
    });
    await expect(bench.login(new ScriptedTalk([PHONES.second, '22222', 'a', 'b', 'c']))).rejects.toMatchObject({
      code: 'LOGIN_REFUSED',
      message: '3 passwords were wrong',
    });
    expect(bench.simulator.keyring.negotiated.every((id) => bench.simulator.keyring.find(id)?.userId === null)).toBe(
      true,
    );
  });

  it('O9 asks again for a number that nobody has, unless it was given', async () => {
    const talk = new ScriptedTalk(['123', PHONES.reader, '77777']);
    await expect(bench.login(talk)).resolves.toMatchObject({ self: { id: '777' } });
    await expect(bench.login(new ScriptedTalk([]), { phone: '123' })).rejects.toMatchObject({
      message: 'Telegram says PHONE_NUMBER_INVALID',
    });
  });

  it('O9 says how long Telegram wants to be left alone, and what answer is missing', async () => {
    bench.simulator.faults.inject({ kind: 'floodWait', method: 'auth.SendCode', seconds: 1_234, count: 1 });
    await expect(bench.login(new ScriptedTalk([PHONES.reader]))).rejects.toMatchObject({
      code: 'LOGIN_REFUSED',
      message: 'Telegram asks to wait 1234 s before the next try',
    });
    await expect(bench.login(new ScriptedTalk([PHONES.reader]))).rejects.toMatchObject({
      code: 'LOGIN_INPUT',
      message: 'no answer to "Code"',
    });
  });

  it('O9 goes to the data centre where the number is at home, and its session names it', async () => {
    const fault = {
      kind: 'rpcError',
      method: 'auth.SendCode',
      code: 303,
      message: 'PHONE_MIGRATE_4',
      count: 1,
    } as const;
    bench.simulator.faults.inject(fault);
    const { port } = await bench.login(new ScriptedTalk([PHONES.reader, '77777']));
    expect(Buffer.from(port.exportSession().slice(1), 'base64')[0]).toBe(4);
  });

  it('O9 a session ends at Telegram when it logs out', async () => {
    const port = await bench.port(bench.simulator.session);
    await port.logOut();
    await expect(port.whoAmI()).rejects.toMatchObject({ reason: 'AUTH_KEY_UNREGISTERED' });
  });
});
