import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { SECOND_PASSWORD } from '../../../runtime/simulator/accounts/accounts.js';
import type { Simulator } from '../../../runtime/simulator/simulator.js';
import { startSimulator } from '../../support/simulator.js';
import { waitFor } from '../telegram/support/wait-for.js';

jest.setTimeout(240_000);

const BOUND_MS = 120_000;
let simulator: Simulator;
let folder: string;
let children: ChildProcess[];

beforeEach(async () => {
  children = [];
  simulator = await startSimulator({ channels: 1 });
  folder = mkdtempSync(join(tmpdir(), 'login-'));
  writeFileSync(join(folder, 'credentials.json'), '{}');
});
afterEach(async () => {
  for (const child of children) child.kill('SIGKILL');
  await simulator.close();
  rmSync(folder, { recursive: true, force: true });
});

const file = () => join(folder, 'sessions', 'default.session');

/** The command of the bundle, from its source; in a terminal of its own if wanted. */
function start(args: readonly string[], terminal = false) {
  const words = [process.execPath, '--import', 'tsx', 'runtime/main.ts', ...args];
  const [command = '', ...rest] = terminal ? ['script', '-qefc', words.join(' '), '/dev/null'] : words;
  const child = spawn(command, rest, {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: {
      PATH: process.env['PATH'],
      NODE_NO_WARNINGS: '1',
      TELEGRAM_CREDENTIALS_FILE: join(folder, 'credentials.json'),
      TELEGRAM_SESSION_FILE: file(),
      TELEGRAM_SIMULATOR_ADDRESS: `127.0.0.1:${String(simulator.mtprotoPort)}`,
      TELEGRAM_SIMULATOR_PUBLIC_KEY: simulator.publicKey,
    },
  });
  children.push(child);
  const seen = { out: '', err: '', code: null as number | null };
  child.stdout.on('data', (chunk: Buffer) => (seen.out += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (seen.err += chunk.toString()));
  child.on('close', (code) => (seen.code = code ?? -1));
  const ended = () => waitFor(`the end of ${args.join(' ')}`, () => seen.code !== null, BOUND_MS);
  return { child, seen, ended, type: (text: string) => child.stdin.write(text) };
}

const shows = (seen: { out: string; err: string }, text: string) =>
  waitFor(`"${text}" is shown`, () => (seen.out + seen.err).includes(text), BOUND_MS);

describe('O9 the login command', () => {
  it('O9 without a terminal takes its answers from stdin and writes the session 0600; a script may not replace it unasked', async () => {
    const first = start(['login']);
    first.child.stdin.end(`+99966000778\n22222\n${SECOND_PASSWORD}\n`);
    await first.ended();
    expect(first.seen).toMatchObject({ code: 0, out: '778\n' });
    expect(first.seen.err).not.toContain(SECOND_PASSWORD.repeat(2));
    expect(statSync(file()).mode & 0o777).toBe(0o600);
    expect(readdirSync(join(folder, 'sessions'))).toEqual(['default.session']);
    const session = readFileSync(file(), 'utf8');

    const second = start(['login', '--phone', '99966000777']);
    second.child.stdin.end();
    await second.ended();
    expect(second.seen.code).toBe(1);
    expect(second.seen.err).toContain('✖ LOGIN_INPUT a session is there already');
    expect(readFileSync(file(), 'utf8')).toBe(session);

    const status = start(['session', 'status', '--json']);
    await status.ended();
    expect(JSON.parse(status.seen.out)).toMatchObject({
      present: true,
      state: 'accepted',
      userId: '778',
      dataCentre: 4,
    });

    const out = start(['session', 'logout']);
    await out.ended();
    expect(out.seen).toMatchObject({ code: 0 });
    expect(readdirSync(join(folder, 'sessions'))).toEqual([]);
    expect(simulator.keyring.negotiated.map((id) => simulator.keyring.find(id)?.userId)).toEqual([null]);
  });

  it('O9 without answers it ends and says which one is missing', async () => {
    const { child, seen, ended } = start(['login', '--phone', '99966000777']);
    child.stdin.end();
    await ended();
    expect(seen).toMatchObject({ code: 1, out: '' });
    expect(seen.err).toContain('✖ LOGIN_INPUT no answer to "Code"');
    expect(seen.err).toContain('docs: docs/errors.md#login_input');
  });

  it('O9 with an open stdin that says nothing it ends all the same', async () => {
    const { seen, ended } = start(['login', '--timeout', '5']);
    await ended();
    expect(seen.code).toBe(1);
    expect(seen.err).toContain('✖ LOGIN_INPUT not finished within 5 s');
  });

  it('O9 at a terminal it never shows the password, and Ctrl-C ends it', async () => {
    const person = start(['login', '--phone', '99966000778'], true);
    await shows(person.seen, 'Code: ');
    person.type('22222\r');
    await shows(person.seen, 'Password (hint');
    person.seen.out = '';
    person.type(`${SECOND_PASSWORD}\r`);
    await shows(person.seen, '✔ logged in as account 778');
    await person.ended();
    expect(person.seen.out).not.toContain(SECOND_PASSWORD);
    expect(person.seen.code).toBe(0);

    const again = start(['login'], true);
    await shows(again.seen, 'Make a new one in its place? [y/N]');
    again.type('\x03');
    await again.ended();
    expect(again.seen.out).toContain('✖ LOGIN_INPUT interrupted');
    expect(again.seen.code).toBe(1);
  });
});
