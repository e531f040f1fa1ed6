import { createHmac, timingSafeEqual } from 'node:crypto';
import { RuntimeError } from '../errors.js';

const MAC_BYTES = 16;

/**
 * Cursors: where a page ended, so that the next one begins there whatever arrives meanwhile.
 *
 * Promised: a cursor fits the route and the filter it came from and no other; one that was changed, made up, or taken to
 *   another filter is `API_CURSOR`. It does not expire.
 * Not promised: secrecy of what is in it.
 */
export class Cursors {
  #secret: Promise<Buffer> | null = null;

  /** `load` is asked once, at first use. */
  constructor(private readonly load: () => Promise<Buffer>) {}

  /** `scope`: route and filter, everything that must be the same on the next page. */
  async sign(scope: unknown, position: readonly string[]): Promise<string> {
    const payload = Buffer.from(JSON.stringify(position));
    return Buffer.concat([await this.#mac(scope, payload), payload]).toString('base64url');
  }

  async verify(scope: unknown, cursor: string): Promise<readonly string[]> {
    const bytes = Buffer.from(cursor, 'base64url');
    const mac = bytes.subarray(0, MAC_BYTES);
    const payload = bytes.subarray(MAC_BYTES);
    const expected = await this.#mac(scope, payload);
    if (mac.length !== MAC_BYTES || !timingSafeEqual(mac, expected))
      throw new RuntimeError('API_CURSOR', 'cursor: expected the `next` of a page with the same filter');
    return JSON.parse(payload.toString()) as string[];
  }

  async #mac(scope: unknown, payload: Buffer): Promise<Buffer> {
    this.#secret ??= this.load();
    try {
      const hmac = createHmac('sha256', await this.#secret);
      return hmac
        .update(`${JSON.stringify(scope)}\0`)
        .update(payload)
        .digest()
        .subarray(0, MAC_BYTES);
    } catch (error) {
      this.#secret = null;
      throw error;
    }
  }
}
