import type { CredentialStore } from '../credentials.js';
import { activeApiKeys, hashApiKey } from '../store/api-keys.js';
import type { Queryable } from '../store/database.js';

/** A key that was revoked is refused after this at the latest, in milliseconds. */
const REFRESH_MS = 5_000;

export interface ApiKeysOptions {
  readonly database: Queryable;
  /** Holds both slots of the generated key. */
  readonly credentials: Pick<CredentialStore, 'current'>;
  /** @default 5000 */
  readonly refreshMs?: number;
}

/**
 * Who asks? All keys are in memory, as hashes, so that guessing costs the database nothing.
 *
 * Promised: the generated key works whatever the database does; a made key works, and a revoked one is refused, within five
 *   seconds. While the database is away the keys last seen stay as they are: there is nothing to read then but copies.
 */
export class ApiKeys {
  #known: ReadonlyMap<string, string> | null = null;
  #readAt = -Infinity;
  #reading: Promise<void> | null = null;

  constructor(private readonly options: ApiKeysOptions) {}

  /** Name of the key, or null. Rejects only when the database was never reached. */
  async nameOf(key: string): Promise<string | null> {
    const generated = this.options.credentials.current.apiKeys ?? [];
    const hash = hashApiKey(key);
    if (generated.some((other) => hashApiKey(other) === hash)) return 'generated';
    if (performance.now() - this.#readAt > (this.options.refreshMs ?? REFRESH_MS)) await this.#refresh();
    return this.#known?.get(hash) ?? null;
  }

  async #refresh(): Promise<void> {
    this.#reading ??= this.#read().finally(() => (this.#reading = null));
    try {
      await this.#reading;
    } catch (error) {
      if (this.#known === null) throw error;
    }
  }

  async #read(): Promise<void> {
    this.#known = await activeApiKeys(this.options.database);
    this.#readAt = performance.now();
  }
}
