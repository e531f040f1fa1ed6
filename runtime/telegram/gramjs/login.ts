import { Api, TelegramClient } from 'telegram';
import { ConnectionTCPFull } from 'telegram/network/index.js';
import { computeCheck } from 'telegram/Password.js';
import type { Logger } from '../../logger.js';
import { TelegramError, type SelfInfo } from '../client.js';
import type { LoginPort, LoginStep, SentCode, TokenStep } from '../login-port.js';
import { classify } from './classify.js';
import { within } from './deadline.js';
import type { ClientInternals } from './internals.js';
import { LeanSession } from './lean-session.js';
import { DebugLogger } from './library-logger.js';
import { socketClass, type Endpoint } from './socket.js';
import './vector-repair.js';

export interface GramjsLoginOptions {
  readonly apiId: number;
  readonly apiHash: string;
  /** Empty for a new login; of an existing one to end it. */
  readonly session?: string;
  /** Dialled instead of Telegram; null dials Telegram. */
  readonly endpoint: Endpoint | null;
  readonly logger: Logger;
  /** Longest wait for an answer. @default 30000 */
  readonly callDeadlineMs?: number;
}

const CONNECT_RETRIES = 5;
const RETRY_MS = 1_000;
const MIN_TOKEN_MS = 1_000;

const WHERE: Readonly<Record<string, string>> = {
  'auth.SentCodeTypeApp': 'in the Telegram app',
  'auth.SentCodeTypeSms': 'by SMS',
  'auth.SentCodeTypeCall': 'by a phone call',
  'auth.SentCodeTypeEmailCode': 'by e-mail',
};

/**
 * GramJS for one login. Its own `start` and `signInUser…` are not used: they ask for ever when an answer is wrong, and sleep
 * after each QR code. Here the library reconnects by itself, as a login has no updates to lose.
 */
export class GramjsLogin implements LoginPort {
  readonly #client: TelegramClient;
  readonly #session: LeanSession;
  readonly #closed = new AbortController();
  #onScanned: () => void = () => undefined;

  constructor(private readonly options: GramjsLoginOptions) {
    this.#session = new LeanSession(options.session ?? '');
    this.#client = new TelegramClient(this.#session, options.apiId, options.apiHash, {
      connection: ConnectionTCPFull,
      networkSocket: socketClass({ endpoint: options.endpoint, connectTimeoutMs: 10_000, closed: this.#closed.signal }),
      securityChecks: true,
      floodSleepThreshold: 0,
      connectionRetries: CONNECT_RETRIES,
      retryDelay: RETRY_MS,
      baseLogger: new DebugLogger(options.logger),
    });
    this.#client.onError = () => Promise.resolve();
    // Its ping loop would outlive the client.
    (this.#client as unknown as ClientInternals)._loopStarted = true;
  }

  async connect(deadlineMs: number): Promise<void> {
    const connected = await this.#bounded(this.#client.connect(), 'connect', deadlineMs);
    if (!connected) throw new TelegramError('transient', 'CONNECTION_REFUSED');
    // The library would ask who we are before it hands an update on, and nobody is logged in yet.
    const sender = (this.#client as unknown as ClientInternals)._sender;
    if (sender)
      sender._updateCallback = (_client, update) => {
        if (update instanceof Api.UpdateShort && update.update instanceof Api.UpdateLoginToken) this.#onScanned();
      };
  }

  async sendCode(phoneNumber: string): Promise<SentCode> {
    const { apiId, apiHash } = this.options;
    const settings = new Api.CodeSettings({});
    const sent = await this.#invoke(new Api.auth.SendCode({ phoneNumber, apiId, apiHash, settings }));
    if (!(sent instanceof Api.auth.SentCode)) throw new TelegramError('transient', 'CODE_NOT_SENT');
    return { hash: sent.phoneCodeHash, where: WHERE[sent.type.className] ?? 'by Telegram' };
  }

  async signIn(phoneNumber: string, phoneCodeHash: string, phoneCode: string): Promise<LoginStep> {
    return this.#step(async () => {
      const answer = await this.#invoke(new Api.auth.SignIn({ phoneNumber, phoneCodeHash, phoneCode }));
      if (!(answer instanceof Api.auth.Authorization)) throw new TelegramError('transient', 'PHONE_NUMBER_UNOCCUPIED');
      return { type: 'done', self: selfOf(answer) };
    });
  }

  async checkPassword(password: string): Promise<SelfInfo> {
    const parameters = await this.#invoke(new Api.account.GetPassword());
    const proof = await computeCheck(parameters, password);
    const answer = await this.#invoke(new Api.auth.CheckPassword({ password: proof }));
    if (!(answer instanceof Api.auth.Authorization)) throw new TelegramError('transient', 'PHONE_NUMBER_UNOCCUPIED');
    return selfOf(answer);
  }

  async nextToken(): Promise<TokenStep> {
    const { apiId, apiHash } = this.options;
    return this.#step(async () => {
      let answer = await this.#invoke(new Api.auth.ExportLoginToken({ apiId, apiHash, exceptIds: [] }));
      if (answer instanceof Api.auth.LoginTokenMigrateTo) {
        const { dcId, token } = answer;
        await this.#bounded(this.#client._switchDC(dcId), 'move to another data centre');
        answer = await this.#invoke(new Api.auth.ImportLoginToken({ token }));
      }
      if (answer instanceof Api.auth.LoginToken) {
        const leftMs = Math.max(answer.expires * 1_000 - Date.now(), MIN_TOKEN_MS);
        return { type: 'token', url: `tg://login?token=${answer.token.toString('base64url')}`, leftMs };
      }
      if (answer instanceof Api.auth.LoginTokenSuccess && answer.authorization instanceof Api.auth.Authorization)
        return { type: 'done', self: selfOf(answer.authorization) };
      throw new TelegramError('transient', 'LOGIN_TOKEN_REFUSED');
    });
  }

  onScanned(listener: () => void): void {
    this.#onScanned = listener;
  }

  /** Who an existing session belongs to. */
  async whoAmI(): Promise<SelfInfo> {
    const [self] = await this.#invoke(new Api.users.GetUsers({ id: [new Api.InputUserSelf()] }));
    if (!(self instanceof Api.User)) throw new TelegramError('transient', 'USER_EMPTY');
    return { id: self.id.toString(), firstName: self.firstName ?? '' };
  }

  async logOut(): Promise<void> {
    await this.#invoke(new Api.auth.LogOut());
  }

  exportSession(): string {
    return this.#session.save();
  }

  async close(): Promise<void> {
    if (this.#closed.signal.aborted) return;
    this.#closed.abort(new TelegramError('transient', 'CLIENT_CLOSED'));
    await this.#client.destroy().catch(() => undefined);
  }

  /** Two-step verification is an error to Telegram, and a step to us. */
  async #step<S>(work: () => Promise<S>): Promise<S | LoginStep> {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof TelegramError) || error.reason !== 'SESSION_PASSWORD_NEEDED') throw error;
      const { hint } = await this.#invoke(new Api.account.GetPassword());
      return { type: 'password', hint: hint ?? null };
    }
  }

  #invoke<R extends Api.AnyRequest>(request: R): Promise<R['__response']> {
    return this.#bounded(this.#client.invoke(request), (request as { className: string }).className);
  }

  async #bounded<T>(work: Promise<T>, what: string, deadlineMs = this.options.callDeadlineMs ?? 30_000): Promise<T> {
    try {
      return await within(work, what, deadlineMs, this.#closed.signal);
    } catch (error) {
      throw classify(error);
    }
  }
}

function selfOf({ user }: Api.auth.Authorization): SelfInfo {
  return { id: user.id.toString(), firstName: user instanceof Api.User ? (user.firstName ?? '') : '' };
}
