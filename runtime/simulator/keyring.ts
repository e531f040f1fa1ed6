import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { ACCOUNT_USER_ID, AuthKey, generateKeys, keysSchema, RsaKey, type SimulatorKeys } from './keys.js';

const storedSchema = z.object({
  /** Absent when every start so far was given its keys. */
  own: keysSchema.optional(),
  negotiated: z.array(z.object({ authKeyHex: z.string(), userId: z.number().nullable() })),
});

interface Entry {
  readonly key: AuthKey;
  userId: number | null;
}

/** What is written is replaced as a whole, so a crash leaves the old file or the new one. */
function writePrivate(path: string, text: string): void {
  writeFileSync(`${path}.tmp`, text, { mode: 0o600 });
  chmodSync(`${path}.tmp`, 0o600);
  renameSync(`${path}.tmp`, path);
}

/**
 * The keys that this data centre accepts. Promised: keys made by a handshake and the generated pair outlive a restart
 * when there is a state folder. Given keys (from the stack) win over stored ones and are never written.
 */
export class Keyring {
  readonly keys: SimulatorKeys;
  readonly rsa: RsaKey;
  readonly #entries = new Map<string, Entry>();
  readonly #negotiated = new Set<Entry>();
  readonly #path: string | undefined;
  readonly #own: SimulatorKeys | undefined;

  constructor(options: { readonly stateDir?: string | undefined; readonly keys?: SimulatorKeys | undefined }) {
    if (options.stateDir !== undefined) mkdirSync(options.stateDir, { recursive: true, mode: 0o700 });
    this.#path = options.stateDir === undefined ? undefined : join(options.stateDir, 'keys.json');
    const stored =
      this.#path !== undefined && existsSync(this.#path)
        ? storedSchema.parse(JSON.parse(readFileSync(this.#path, 'utf8')))
        : undefined;
    this.keys = options.keys ?? stored?.own ?? generateKeys();
    this.#own = options.keys === undefined ? this.keys : stored?.own;
    this.rsa = new RsaKey(this.keys.rsaPrivateKeyPem);
    this.#accept(this.keys.authKeyHex, ACCOUNT_USER_ID);
    for (const { authKeyHex, userId } of stored?.negotiated ?? [])
      this.#negotiated.add(this.#accept(authKeyHex, userId));
    if (stored?.own !== this.#own) this.#save();
  }

  /** Id of the key that the account is logged in with from the beginning. */
  get accountKeyId(): string {
    return new AuthKey(Buffer.from(this.keys.authKeyHex, 'hex')).id;
  }

  find(id: string): Entry | undefined {
    return this.#entries.get(id);
  }

  /** A key that a handshake has just made; nobody is logged in with it yet. */
  add(bytes: Buffer): AuthKey {
    const entry = this.#accept(bytes.toString('hex'), null);
    this.#negotiated.add(entry);
    this.#save();
    return entry.key;
  }

  /** Logs an account in with a key, or out with null. */
  authorise(id: string, userId: number | null): void {
    const entry = this.#entries.get(id);
    if (entry === undefined) throw new Error(`unknown auth key ${id}`);
    entry.userId = userId;
    this.#save();
  }

  /** Logs an account out everywhere. Gives how many keys it was logged in with. */
  revoke(userId: number): number {
    const keys = [...this.#entries.values()].filter((entry) => entry.userId === userId);
    for (const entry of keys) entry.userId = null;
    this.#save();
    return keys.length;
  }

  /** Ids of the keys that handshakes have made. */
  get negotiated(): readonly string[] {
    return [...this.#negotiated].map(({ key }) => key.id);
  }

  #accept(authKeyHex: string, userId: number | null): Entry {
    const entry: Entry = { key: new AuthKey(Buffer.from(authKeyHex, 'hex')), userId };
    this.#entries.set(entry.key.id, entry);
    return entry;
  }

  #save(): void {
    if (this.#path === undefined) return;
    const negotiated = [...this.#negotiated].map(({ key, userId }) => ({
      authKeyHex: key.bytes.toString('hex'),
      userId,
    }));
    writePrivate(this.#path, `${JSON.stringify({ own: this.#own, negotiated }, null, 2)}\n`);
  }
}
