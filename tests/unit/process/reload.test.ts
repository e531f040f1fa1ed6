import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CredentialStore } from '../../../runtime/credentials.js';
import { createLogger } from '../../../runtime/logger.js';
import { CredentialReload, type ChangeOver } from '../../../runtime/reload.js';

const logger = createLogger('test', 'silent');
const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('credentials that are read again', () => {
  let folder: string;
  let credentials: CredentialStore;
  const write = (epoch: number) => {
    const document = { epoch, database: { user: `gateway_${String(epoch)}`, password: 'p' } };
    writeFileSync(join(folder, 'credentials.json'), JSON.stringify(document));
  };

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'reload-'));
    write(1);
    credentials = new CredentialStore(join(folder, 'credentials.json'));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  /** A part that changes over when it is told to. */
  function part() {
    const calls: { done: () => void; newer: AbortSignal }[] = [];
    const changeOver: ChangeOver = (newer) =>
      new Promise((resolve) => {
        calls.push({ done: resolve, newer });
        newer.addEventListener('abort', () => {
          resolve();
        });
      });
    return { calls, changeOver };
  }

  it('O5 are in use when every part has changed over, not before', async () => {
    const [one, other] = [part(), part()];
    const reload = new CredentialReload({ credentials, parts: [one.changeOver, other.changeOver], logger });
    expect(reload.epoch).toBe(1);
    write(2);
    reload.reload();
    expect(reload.epoch).toBeNull();
    one.calls[0]?.done();
    await turn();
    expect(reload.epoch).toBeNull();
    other.calls[0]?.done();
    await turn();
    expect(reload.epoch).toBe(2);
  });

  it('O5 newer ones end the wait for older ones', async () => {
    const { calls, changeOver } = part();
    const reload = new CredentialReload({ credentials, parts: [changeOver], logger });
    write(2);
    reload.reload();
    write(3);
    reload.reload();
    await turn();
    expect(calls.map(({ newer }) => newer.aborted)).toEqual([true, false]);
    expect(reload.epoch).toBeNull();
    calls[1]?.done();
    await turn();
    expect(reload.epoch).toBe(3);
  });

  it('O5 a file that did not change, or cannot be read, changes nothing', () => {
    const { calls, changeOver } = part();
    const phases: string[] = [];
    const notify = (phase: string) => void phases.push(phase);
    const reload = new CredentialReload({ credentials, parts: [changeOver], logger, notify });
    reload.reload();
    writeFileSync(join(folder, 'credentials.json'), 'broken');
    reload.reload();
    expect([calls.length, reload.epoch]).toEqual([0, 1]);
    expect(phases).toEqual(['reading', 'read', 'reading', 'read']);
  });

  it('O5 a part that fails leaves it open whether they are in use', async () => {
    const reload = new CredentialReload({ credentials, parts: [() => Promise.reject(new Error('no'))], logger });
    write(2);
    reload.reload();
    await turn();
    expect(reload.epoch).toBeNull();
  });
});
