import { describe, expect, it, jest } from '@jest/globals';
import { qrLines } from '../../../runtime/login/qr-flow.js';
import { SECOND_PASSWORD } from '../../../runtime/simulator/accounts/accounts.js';
import { waitFor } from '../telegram/support/wait-for.js';
import { LoginBench, ScriptedTalk } from './support.js';

jest.setTimeout(120_000);

const bench = new LoginBench();

/** What a script would read from stderr, and a phone from the picture. */
const shown = (talk: ScriptedTalk) => {
  const url = /tg:\/\/login\?token=(\S+)/.exec(talk.said.join('\n'))?.[1];
  return url === undefined ? undefined : Buffer.from(url, 'base64url');
};

async function scan(talk: ScriptedTalk, userId: number): Promise<void> {
  await waitFor('a token is shown', () => shown(talk) !== undefined);
  expect(bench.simulator.acceptLogin(shown(talk) ?? Buffer.alloc(0), userId)).toBe(true);
}

describe('O9 a login by QR code', () => {
  it('O9 ends when the code is scanned', async () => {
    const talk = new ScriptedTalk([], false);
    const done = bench.login(talk, { qr: true });
    await scan(talk, 777);
    await expect(done).resolves.toMatchObject({ self: { id: '777' } });
    expect(talk.said.at(-1)).toBe('Scanned, finishing …');
  });

  it('O9 asks for the password where there is one', async () => {
    const talk = new ScriptedTalk([SECOND_PASSWORD], false);
    const done = bench.login(talk, { qr: true });
    await scan(talk, 778);
    await expect(done).resolves.toMatchObject({ self: { id: '778' } });
  });

  it('O9 goes on in another data centre when Telegram says so', async () => {
    bench.simulator.faults.inject({ kind: 'migrateLogin', dcId: 5, count: 1 });
    const talk = new ScriptedTalk([], false);
    const done = bench.login(talk, { qr: true });
    await scan(talk, 777);
    const { self, port } = await done;
    expect(self.id).toBe('777');
    expect(Buffer.from(port.exportSession().slice(1), 'base64')[0]).toBe(5);
  });

  it('O9 draws a new code when one expires, and takes the last one away', async () => {
    bench.simulator.logins.tokenTtlS = 1;
    const talk = new ScriptedTalk(['']);
    const pictures = new Set<string>();
    talk.draw = (lines) => {
      talk.drawn = lines;
      const picture = lines.slice(0, -2).join('\n');
      if (picture !== '') pictures.add(picture);
    };
    const stop = new AbortController();
    const done = bench.login(talk, { signal: stop.signal }).catch((error: unknown) => error);
    await waitFor('two codes were drawn', () => pictures.size >= 2);
    expect(talk.drawn.at(-1)).toMatch(/^Valid for \d+ s\.$/);
    stop.abort();
    await done;
    expect(talk.drawn).toEqual([]);
  });

  it('O9 the code is a square of half blocks, white on black whatever the terminal looks like', () => {
    const lines = qrLines(`tg://login?token=${'A'.repeat(43)}`);
    const blank = (line: string) => line.replaceAll('\u001b[97;40m', '').replaceAll('\u001b[0m', '');
    const width = blank(lines[0] ?? '').length;
    expect(Math.ceil(width / 2)).toBe(lines.length);
    expect(lines.every((line) => blank(line).length === width && line.endsWith('\u001b[0m'))).toBe(true);
    expect(width).toBeLessThan(60);
  });
});
