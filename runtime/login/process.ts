import { parseArgs } from 'node:util';
import { RuntimeError } from '../errors.js';
import { TelegramError } from '../telegram/client.js';
import { readSession, writeSession } from '../telegram/session.js';
import { login } from './flow.js';
import { runCommand, type Surroundings } from './surroundings.js';

const CONNECT_MS = 60_000;
const DEFAULT_LIMIT_S = 600;

/**
 * `telegram.cjs login [--phone N | --qr] [--replace] [--timeout S]`, on the gateway host as the service's user. The user id
 * goes to stdout, everything for people to stderr. The session is written only once Telegram has accepted the login.
 */
export async function runLogin(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      phone: { type: 'string' },
      qr: { type: 'boolean', default: false },
      replace: { type: 'boolean', default: false },
      timeout: { type: 'string', default: String(DEFAULT_LIMIT_S) },
    },
  });
  const limitS = Number(values.timeout);
  await runCommand((limitS > 0 ? limitS : DEFAULT_LIMIT_S) * 1_000, async (surroundings) => {
    const { environment, talk, signal } = surroundings;
    const path = environment.TELEGRAM_SESSION_FILE;
    await mayReplace(path, values.replace, surroundings);
    const port = surroundings.createPort();
    const stop = () => void port.close();
    signal.addEventListener('abort', stop, { once: true });
    try {
      await connected(port.connect(CONNECT_MS));
      const self = await login(port, talk, { phone: values.phone ?? null, qr: values.qr, signal });
      await writeSession(path, port.exportSession());
      talk.say(`✔ logged in as account ${self.id}; the session is at ${path}`);
      process.stdout.write(`${self.id}\n`);
    } finally {
      await port.close();
    }
  });
}

/** A session that is there is not thrown away by mistake. */
async function mayReplace(path: string, replace: boolean, { talk }: Surroundings): Promise<void> {
  if (replace || (await readSession(path)) === null) return;
  if (!talk.interactive)
    throw new RuntimeError('LOGIN_INPUT', `a session is there already: ${path}; --replace makes a new one`);
  const answer = await talk.ask('A session is there already. Make a new one in its place? [y/N]');
  if (!/^y(es)?$/i.test(answer)) throw new RuntimeError('LOGIN_INPUT', 'the session was left as it is');
}

export async function connected(work: Promise<void>): Promise<void> {
  try {
    await work;
  } catch (error) {
    const reason = error instanceof TelegramError ? error.reason : String(error);
    throw new RuntimeError('SERVICE_UNREACHABLE', `Telegram cannot be reached: ${reason}`, { cause: error });
  }
}
