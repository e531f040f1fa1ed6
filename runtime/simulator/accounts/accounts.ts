import { ACCOUNT_USER_ID } from '../keys.js';
import { WorldError } from '../world-error.js';
import { verifierOf, type Verifier } from './srp.js';

/** The account that is logged in nowhere: for trying `npm run login`. */
export const SECOND_USER_ID = 778;

export interface Account {
  readonly userId: number;
  /** Digits with the country's code, without "+". */
  readonly phone: string;
  readonly firstName: string;
  readonly username: string;
  /** The code that every login is sent. */
  code: string;
  /** Two-step verification, computed when it is first needed (100 ms); null without. */
  verifier: (() => Verifier) | null;
  /** Shown to whoever is asked for the password. */
  hint: string;
}

/** Its password is `simulated password`. */
export const SECOND_PASSWORD = 'simulated password';

/**
 * Who there is to log in as. Two accounts: 777 is the one that the stack's session belongs to, 778 has a password and
 * waits for a login. Codes and passwords can be changed through the control API; that is not kept over a restart.
 */
export class Accounts {
  readonly #byId = new Map<number, Account>();

  constructor() {
    this.#add({
      userId: ACCOUNT_USER_ID,
      phone: '99966000777',
      firstName: 'Simulated',
      username: 'simulated_reader',
      code: '77777',
    });
    const second = this.#add({
      userId: SECOND_USER_ID,
      phone: '99966000778',
      firstName: 'Second',
      username: 'simulated_second',
      code: '22222',
    });
    second.verifier = lazily(SECOND_PASSWORD);
    second.hint = SECOND_PASSWORD;
  }

  get all(): readonly Account[] {
    return [...this.#byId.values()];
  }

  get(userId: number): Account {
    const account = this.#byId.get(userId);
    if (account === undefined) throw new WorldError(404, `account ${String(userId)}: not found`);
    return account;
  }

  /** By phone number, however it is written. */
  byPhone(phone: string): Account | undefined {
    const digits = phone.replace(/\D/g, '');
    return this.all.find((account) => account.phone === digits);
  }

  /** A password of null switches two-step verification off. */
  change(
    userId: number,
    { code, password }: { code?: string | undefined; password?: string | null | undefined },
  ): Account {
    const account = this.get(userId);
    if (code !== undefined) account.code = code;
    if (password !== undefined) {
      account.verifier = password === null ? null : lazily(password);
      account.hint = '';
    }
    return account;
  }

  #add(account: Omit<Account, 'verifier' | 'hint'>): Account {
    const whole = { ...account, verifier: null, hint: '' };
    this.#byId.set(account.userId, whole);
    return whole;
  }
}

function lazily(password: string): () => Verifier {
  let verifier: Verifier | undefined;
  return () => (verifier ??= verifierOf(password));
}
