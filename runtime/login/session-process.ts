import { rm, stat } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { RuntimeError } from '../errors.js';
import { TelegramError } from '../telegram/client.js';
import { readSession } from '../telegram/session.js';
import { lockSession } from '../telegram/session-lock.js';
import { connected } from './process.js';
import { runCommand, type Surroundings } from './surroundings.js';

const LIMIT_MS = 120_000;
const CONNECT_MS = 30_000;
const HEALTH_MS = 5_000;

/** What `session status` tells. */
export interface SessionStatus {
  readonly file: string;
  readonly present: boolean;
  /** When it was written; null without one. */
  readonly savedAt: string | null;
  readonly dataCentre: number | null;
  /** Who it belongs to; null where it was not asked. */
  readonly userId: string | null;
  /** `in use` by the running gateway, `accepted` or `refused (REASON)` by Telegram, `absent`. */
  readonly state: string;
}

/** `telegram.cjs session status [--json] | logout`, on the gateway host as the service's user. */
export async function runSession(args: readonly string[]): Promise<void> {
  const { positionals, values } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { json: { type: 'boolean', default: false } },
  });
  await runCommand(LIMIT_MS, async (surroundings) => {
    switch (positionals[0]) {
      case 'status':
        show(await sessionStatus(surroundings), values.json);
        return;
      case 'logout':
        await logOut(surroundings);
        return;
      default:
        throw new RuntimeError('LOGIN_INPUT', 'session: expected status or logout');
    }
  });
}

async function sessionStatus(surroundings: Surroundings): Promise<SessionStatus> {
  const file = surroundings.environment.TELEGRAM_SESSION_FILE;
  const session = await readSession(file);
  if (session === null) return { file, present: false, savedAt: null, dataCentre: null, userId: null, state: 'absent' };
  const savedAt = (await stat(file)).mtime.toISOString();
  const dataCentre = Buffer.from(session.slice(1), 'base64')[0] ?? null;
  return { file, present: true, savedAt, dataCentre, ...(await standing(session, surroundings)) };
}

/** A session in use is not connected a second time: Telegram would revoke it. */
async function standing(
  session: string,
  surroundings: Surroundings,
): Promise<{ userId: string | null; state: string }> {
  const { environment, createPort } = surroundings;
  let lock;
  try {
    lock = await lockSession(environment.TELEGRAM_SESSION_FILE);
  } catch (error) {
    if (!(error instanceof RuntimeError) || error.code !== 'SESSION_IN_USE') throw error;
    return { userId: null, state: `in use (${await gatewayWord(environment.TELEGRAM_LISTEN_PORT)})` };
  }
  const port = createPort(session);
  try {
    await connected(port.connect(CONNECT_MS));
    return { userId: (await port.whoAmI()).id, state: 'accepted' };
  } catch (error) {
    if (error instanceof TelegramError) return { userId: null, state: `refused (${error.reason})` };
    throw error;
  } finally {
    await port.close();
    await lock.release();
  }
}

/** What the running gateway says of its connection. */
async function gatewayWord(port: number): Promise<string> {
  try {
    const answer = await fetch(`http://127.0.0.1:${String(port)}/health/ready`, {
      signal: AbortSignal.timeout(HEALTH_MS),
    });
    const { checks } = (await answer.json()) as { checks: { telegram?: { detail?: string } } };
    return `the gateway is ${checks.telegram?.detail ?? 'running'}`;
  } catch {
    return 'the gateway does not answer';
  }
}

/** Telegram forgets the session first; only then the file goes. One that Telegram refuses anyway is removed at once. */
async function logOut({ environment, talk, createPort }: Surroundings): Promise<void> {
  const file = environment.TELEGRAM_SESSION_FILE;
  const lock = await lockSession(file);
  const session = await readSession(file);
  if (session === null) throw new RuntimeError('SESSION_MISSING', `there is no session at ${file}`);
  const port = createPort(session);
  try {
    await connected(port.connect(CONNECT_MS));
    await port.logOut();
    talk.say('✔ Telegram has ended the session');
  } catch (error) {
    if (!(error instanceof TelegramError) || error.kind !== 'auth-fatal') throw error;
    talk.say(`Telegram had ended the session already (${error.reason})`);
  } finally {
    await port.close();
    await lock.release();
  }
  await rm(file);
  talk.say(`✔ removed ${file}`);
}

function show(status: SessionStatus, json: boolean): void {
  if (json) {
    process.stdout.write(`${JSON.stringify(status)}\n`);
    return;
  }
  const { file, state, userId, savedAt, dataCentre } = status;
  const lines = [`session      ${file}`, `state        ${state}`];
  if (userId !== null) lines.push(`account      ${userId}`);
  if (savedAt !== null) lines.push(`saved        ${savedAt}`, `data centre  ${String(dataCentre)}`);
  process.stdout.write(`${lines.join('\n')}\n`);
}
