import { readFileSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { RuntimeError } from './errors.js';

const login = z.object({ user: z.string(), password: z.string() });

/** What the credentials file of a process may hold; a process reads only what it needs. */
export const credentialsSchema = z.object({
  /** `telegram:credentialEpoch` that the logins are of. */
  epoch: z.number().int().optional(),
  /** PEM certificates of the authorities that cache and broker are verified with. @default the well-known ones */
  tlsAuthorities: z.string().optional(),
  database: login.optional(),
  redis: login.extend({ sentinelPassword: z.string() }).optional(),
  rabbitmq: login.optional(),
  telegram: z.object({ apiId: z.number().int(), apiHash: z.string() }).optional(),
  apiKeys: z.array(z.string()).optional(),
});
export type Credentials = z.output<typeof credentialsSchema>;

/**
 * The credentials of this process, from a 0600 file that the stack writes. `reload` (on SIGHUP) makes new connections
 * use the new ones; a file that cannot be read keeps the old ones in force.
 */
export class CredentialStore {
  #current: Credentials;

  constructor(private readonly path: string) {
    this.#current = this.#read();
  }

  get current(): Credentials {
    return this.#current;
  }

  /** The named part, or an error that says it is absent. */
  need<K extends keyof Credentials>(part: K): NonNullable<Credentials[K]> {
    const value = this.#current[part];
    if (value === undefined) throw new RuntimeError('CREDENTIALS_UNREADABLE', `${this.path} has no "${part}"`);
    return value;
  }

  /** Whether anything changed. */
  reload(): boolean {
    const former = this.#current;
    this.#current = this.#read();
    return !isDeepStrictEqual(former, this.#current);
  }

  #read(): Credentials {
    try {
      return credentialsSchema.parse(JSON.parse(readFileSync(this.path, 'utf8')));
    } catch (cause) {
      throw new RuntimeError('CREDENTIALS_UNREADABLE', `${this.path} cannot be read`, { cause });
    }
  }
}
