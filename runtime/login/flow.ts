import { RuntimeError } from '../errors.js';
import { TelegramError, type SelfInfo } from '../telegram/client.js';
import type { LoginPort, LoginStep } from '../telegram/login-port.js';
import { byQr } from './qr-flow.js';
import type { Talk } from './talk.js';

export interface LoginOptions {
  /** With country code; null asks. */
  readonly phone: string | null;
  /** Do not ask for a number: show a QR code. */
  readonly qr: boolean;
  /** Ends the whole login. */
  readonly signal: AbortSignal;
}

/** Wrong answers of one kind until the login ends. */
const MAX_TRIES = 3;

/**
 * Walks through one login: number and code, or a QR code; then the password, where there is one. Promised: it ends, with
 * an account or a `RuntimeError` that says what to do; a wrong answer is asked again a few times, never for ever.
 */
export async function login(port: LoginPort, talk: Talk, options: LoginOptions): Promise<SelfInfo> {
  try {
    const phone = options.qr
      ? ''
      : (options.phone ?? (await talk.ask('Phone number with country code (empty: QR code)')));
    const step =
      phone === '' ? await byQr(port, talk, options.signal) : await byCode(port, talk, phone, options.phone === null);
    return step.type === 'done' ? step.self : await byPassword(port, talk, step.hint);
  } catch (error) {
    throw explained(error);
  }
}

async function byCode(port: LoginPort, talk: Talk, first: string, mayAskAgain: boolean): Promise<LoginStep> {
  let phone = first;
  const send = async () => {
    for (let tries = 1; ; tries++) {
      try {
        return await port.sendCode(phone);
      } catch (error) {
        if (reasonOf(error) !== 'PHONE_NUMBER_INVALID' || !mayAskAgain || tries === MAX_TRIES) throw error;
        phone = await talk.ask('Telegram knows no such number. Phone number with country code');
      }
    }
  };
  let sent = await send();
  talk.say(`A code was sent ${sent.where}.`);
  for (let tries = 1; ; tries++) {
    const code = (await talk.ask('Code')).replace(/\D/g, '');
    try {
      return await port.signIn(phone, sent.hash, code);
    } catch (error) {
      const reason = reasonOf(error);
      if (!['PHONE_CODE_INVALID', 'PHONE_CODE_EMPTY', 'PHONE_CODE_EXPIRED'].includes(reason ?? '')) throw error;
      if (tries === MAX_TRIES) throw refused(`${String(MAX_TRIES)} codes were wrong`, error);
      if (reason === 'PHONE_CODE_EXPIRED') {
        sent = await send();
        talk.say(`That code has expired. A new one was sent ${sent.where}.`);
      } else talk.say('That is not the code.');
    }
  }
}

async function byPassword(port: LoginPort, talk: Talk, hint: string | null): Promise<SelfInfo> {
  const question = hint === null ? 'Password' : `Password (hint: ${hint})`;
  for (let tries = 1; ; tries++) {
    const password = await talk.askSecret(question);
    try {
      return await port.checkPassword(password);
    } catch (error) {
      if (!['PASSWORD_HASH_INVALID', 'SRP_ID_INVALID'].includes(reasonOf(error) ?? '')) throw error;
      if (tries === MAX_TRIES) throw refused(`${String(MAX_TRIES)} passwords were wrong`, error);
      talk.say('That is not the password.');
    }
  }
}

const reasonOf = (error: unknown) => (error instanceof TelegramError ? error.reason : undefined);

function refused(what: string, cause: unknown): RuntimeError {
  return new RuntimeError('LOGIN_REFUSED', what, { cause });
}

/** Every way in which Telegram can end a login, in words. */
function explained(error: unknown): unknown {
  if (!(error instanceof TelegramError)) return error;
  const { kind, reason, seconds } = error;
  if (kind === 'flood') return refused(`Telegram asks to wait ${String(seconds)} s before the next try`, error);
  if (kind === 'timeout' || ['CONNECTION_REFUSED', 'CLIENT_CLOSED'].includes(reason))
    return new RuntimeError('SERVICE_UNREACHABLE', `Telegram does not answer: ${reason}`, { cause: error });
  return refused(`Telegram says ${reason}`, error);
}
