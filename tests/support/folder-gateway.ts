import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { NewGateway } from '../../ops/migrate/ports.js';

/**
 * The place of a new gateway's session as a folder, for tests of the steps between two databases: no process stands behind it.
 * tests/stack/migration.test.ts does the same with the gateway itself.
 */
export class FolderGateway implements NewGateway {
  readonly file: string;
  readonly #running: string;

  /** `account`: what Telegram would say of the session. */
  constructor(
    folder: string,
    private readonly owner = '1000',
  ) {
    mkdirSync(folder, { recursive: true });
    this.file = join(folder, 'default.session');
    this.#running = join(folder, 'running');
  }

  get running(): boolean {
    return existsSync(this.#running);
  }

  session(): Promise<string | null> {
    return Promise.resolve(existsSync(this.file) ? readFileSync(this.file, 'utf8').trim() : null);
  }

  stop(): Promise<void> {
    rmSync(this.#running, { force: true });
    return Promise.resolve();
  }

  install(session: string): Promise<void> {
    if (this.running) throw new Error('installed under a running gateway');
    writeFileSync(this.file, `${session}\n`, { mode: 0o600 });
    chmodSync(this.file, 0o600);
    return Promise.resolve();
  }

  account(): Promise<string> {
    return Promise.resolve(this.owner);
  }

  remove(): Promise<void> {
    rmSync(this.file, { force: true });
    return Promise.resolve();
  }

  wait(): Promise<void> {
    writeFileSync(this.#running, '');
    return Promise.resolve();
  }

  start(): Promise<void> {
    return this.wait();
  }
}
