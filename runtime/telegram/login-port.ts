import type { SelfInfo } from './client.js';

/** Where a code went. */
export interface SentCode {
  /** Names this code when it is handed in. */
  readonly hash: string;
  /** For a person: "in the Telegram app", "by SMS". */
  readonly where: string;
}

/** What comes next. */
export type LoginStep =
  { readonly type: 'done'; readonly self: SelfInfo } | { readonly type: 'password'; readonly hint: string | null };

export type TokenStep =
  | LoginStep
  | {
      readonly type: 'token';
      /** `tg://login?token=…`, for a QR code. */
      readonly url: string;
      /** Until it is worthless, in ms. */
      readonly leftMs: number;
    };

/**
 * Logging in with a new key. Every call ends within its deadline; errors are `TelegramError`s with Telegram's own name as
 * `reason`, among them PHONE_CODE_INVALID, PHONE_CODE_EXPIRED and PASSWORD_HASH_INVALID.
 */
export interface LoginPort {
  connect(deadlineMs: number): Promise<void>;
  sendCode(phone: string): Promise<SentCode>;
  signIn(phone: string, hash: string, code: string): Promise<LoginStep>;
  checkPassword(password: string): Promise<SelfInfo>;
  /** The token to show, or what follows once it was scanned. Also goes on to another data centre when told to. */
  nextToken(): Promise<TokenStep>;
  /** Called when somebody has scanned the token. */
  onScanned(listener: () => void): void;
  /** After a login: what the gateway connects with. */
  exportSession(): string;
  close(): Promise<void>;
}
