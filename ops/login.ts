import { loginScript, logoutScript, sessionStatusScript } from '../components/gateway-service/sessions.js';
import { UserError } from '../stack/errors.js';
import { confirm } from './confirm.js';
import { runningStack, type StackOptions } from './context.js';
import { furtherAccount } from './further-account.js';
import { atTerminal } from './gateway-terminal.js';

const SESSION_BOUND_MS = 180_000;
/** What is left for reaching the host and for the restart of the gateway. */
const AROUND_MS = 120_000;

export interface LoginOptions extends StackOptions {
  /** A further account. @default the default one */
  readonly account?: string;
  readonly phone?: string;
  readonly qr?: boolean;
  readonly replace?: boolean;
  readonly timeout: string;
}

/** Logs an account's gateway in to Telegram, on its host: the session never leaves it. A further account's unit begins with it. */
export async function login(options: LoginOptions): Promise<void> {
  const timeoutS = Number(options.timeout);
  if (!Number.isInteger(timeoutS) || timeoutS < 30 || timeoutS > 86_400)
    throw new UserError('USAGE', '--timeout: expected seconds from 30 to 86400');
  const phone = options.phone?.replace(/[\s()-]/g, '');
  if (phone !== undefined && !/^\+?\d{5,15}$/.test(phone))
    throw new UserError('USAGE', '--phone: expected a number with country code, such as +4915112345678');
  const { qr = false, replace = false } = options;
  const account = furtherAccount(options);
  const script = loginScript({ ...account, ...(phone !== undefined && { phone }), qr, replace, timeoutS });
  const { outputs } = await runningStack(options);
  process.exitCode = await atTerminal(outputs.gatewayLogin, script, timeoutS * 1_000 + AROUND_MS);
}

/** Tells of the session of an account's gateway, or ends it at Telegram and removes it. */
export async function session(
  action: string,
  options: StackOptions & { readonly account?: string; readonly json?: boolean; readonly yes?: boolean },
): Promise<void> {
  if (action !== 'status' && action !== 'logout')
    throw new UserError('USAGE', `session: expected status or logout, got "${action}"`);
  const { account } = furtherAccount(options);
  const { outputs } = await runningStack(options);
  const question = 'The gateway receives nothing until the next `npm run login`. Log out?';
  if (action === 'logout' && !options.yes && !(await confirm(question)))
    throw new UserError('USAGE', 'not logged out: nobody said yes', { fix: 'Answer y, or add --yes.' });
  const script = action === 'status' ? sessionStatusScript(options.json ?? false, account) : logoutScript(account);
  process.exitCode = await atTerminal(outputs.gatewayLogin, script, SESSION_BOUND_MS);
}
