import { expect } from '@jest/globals';
import { basename } from 'node:path';
import { inspectAll } from '../test-stack.js';
import { alertWebhook, leaks, STATE_KEYS, type Secret } from './collect.js';
import { filesBelow, filesHolding } from './checkout.js';
import { missing, unexpected } from './expected.js';
import { filesWithSecrets } from './files.js';
import { partOf, type Place } from './places.js';

/** One search for all secrets of a stack, place by place. */
export class Search {
  #places = 0;
  #files = 0;

  constructor(readonly secrets: readonly Secret[]) {}

  get summary(): string {
    return `${String(this.secrets.length)} secrets searched in ${String(this.#places)} places: 0 hits; ${String(this.#files)} files hold one as they should`;
  }

  /** Each place shows what stands there anyway, and no secret. */
  clean(places: readonly Place[]): void {
    this.#places += places.length;
    for (const { name, text, shows } of places) {
      expect({ name, shows: text.includes(shows) }).toEqual({ name, shows: true });
      expect({ name, leaks: leaks(this.secrets, text) }).toEqual({ name, leaks: [] });
    }
  }

  /** The same for files on this machine. */
  cleanFiles(files: readonly string[]): void {
    this.#places += files.length;
    const texts = this.secrets.flatMap((secret) => secret.texts);
    expect(filesHolding(texts.join('\n'), files)).toEqual([]);
  }

  /** All files below it but those that open a state, which are for their owner alone. */
  cleanFolder(folder: string): void {
    const files = filesBelow(folder).filter((file) => !STATE_KEYS.includes(basename(file)));
    expect(files.length).toBeGreaterThan(2);
    this.cleanFiles(files);
  }

  /** Files of containers: a secret stands in those that need it, each for its owner alone, and in no other. */
  async filesOfContainers(helper: string): Promise<void> {
    const found = await filesWithSecrets([...this.secrets, alertWebhook()], helper);
    const parts = (await inspectAll()).map(partOf);
    this.#files += found.length;
    expect({ unexpected: unexpected(found), missing: missing(found, parts) }).toEqual({ unexpected: [], missing: [] });
  }
}
