import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseDocument } from 'yaml';
import { PulumiEngine } from '../../../ops/engines/pulumi.js';
import { checkState, clearTheWay } from '../../../ops/engines/clear-the-way.js';
import { StackFolder } from '../../../ops/stack-folder.js';
import type { UserError } from '../../../stack/errors.js';

/** What is wrong with the CLI's own state is told before the CLI is started: here there is none to start. */
describe('state of the Pulumi CLI that is not as it was left', () => {
  const surroundings = { ...process.env };
  let root: string;
  let folder: StackFolder;
  let stateFile: string;

  const write = (content: unknown) => {
    writeFileSync(stateFile, typeof content === 'string' ? content : JSON.stringify(content));
  };
  const stateOf = (stack: string) => ({ version: 3, checkpoint: { stack, latest: { resources: [] } } });
  const refusal = (): UserError => {
    try {
      checkState(folder);
    } catch (error) {
      return error as UserError;
    }
    throw new Error('not refused');
  };

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'pulumi-state-'));
    const others = Object.entries(surroundings).filter(([name]) => !name.startsWith('PULUMI_'));
    process.env = { ...Object.fromEntries(others), TELEGRAM_STATE_DIR: root };
    folder = new StackFolder('dev');
    folder.prepare();
    const states = join(folder.backend, '.pulumi', 'stacks', 'telegram');
    mkdirSync(states, { recursive: true });
    stateFile = join(states, 'dev.json');
    write(stateOf('organization/telegram/dev'));
  });
  afterEach(() => {
    process.env = { ...surroundings };
    rmSync(root, { recursive: true, force: true });
  });

  it('O1 is left alone when all is well', () => {
    expect(checkState(folder)?.read()).toEqual({ ids: new Set(), hasPending: false });
  });

  it.each([
    ['cut off', '{"version": 3, "checkpoint": {"sta'],
    ['empty', ''],
    ['something else', '[]'],
  ])('O1 %s: it is named, with the way back to the one before', (_, content) => {
    copyFileSync(stateFile, `${stateFile}.bak`);
    write(content);
    const { code, message, fix } = refusal();
    expect([code, message]).toEqual(['STATE_DAMAGED', `${stateFile} is not readable as a state of the Pulumi CLI`]);
    expect(fix).toBe(`cp '${stateFile}.bak' '${stateFile}' && npm run up`);
    copyFileSync(`${stateFile}.bak`, stateFile);
    expect(checkState(folder)).not.toBeNull();
  });

  it('O1 of another stack: both are named', () => {
    write(stateOf('organization/telegram/prod'));
    const { code, message } = refusal();
    expect([code, message]).toEqual([
      'STATE_FOREIGN',
      `${stateFile} belongs to organization/telegram/prod, not to telegram/dev`,
    ]);
  });

  it('O1 without its passphrase: no new one is made, and another source of it counts', () => {
    rmSync(folder.passphraseFile);
    folder.prepare();
    const { code, message } = refusal();
    expect(code).toBe('PASSPHRASE_MISSING');
    expect(message).toContain(folder.passphraseFile);
    process.env['PULUMI_CONFIG_PASSPHRASE'] = 'one of a person';
    expect(checkState(folder)).not.toBeNull();
  });

  it.each([
    ['another address', { data: { host: 'ssh://deploy@10.0.0.13' } }, 'not on ssh://deploy@10.0.0.13'],
    ['no address', {}, 'not on any host of that name'],
  ])('D14 a further Docker host that has %s now is refused before anything is asked', async (_, dockerHosts, words) => {
    const there = 'ssh://deploy@10.0.0.12';
    const further = [{ name: 'data', dockerHost: there, imageSource: 'debian', containers: ['telegram-rabbitmq'] }];
    const standing = { instance: folder.instance, dockerHost: '', further, containers: {} };
    writeFileSync(join(folder.path, 'standing.json'), JSON.stringify(standing));
    const document = parseDocument(readFileSync(folder.configFile, 'utf8'));
    document.setIn(['config', 'telegram:dockerHosts'], dockerHosts);
    writeFileSync(folder.configFile, document.toString());
    await expect(new PulumiEngine(folder, '/nonexistent/pulumi').up()).rejects.toMatchObject({
      code: 'CONFIG',
      message: `telegram:dockerHosts.data.host: the stack stands on ${there}, ${words}`,
    });
  });

  it('O1 held by another run: who, where and since when', async () => {
    const locks = join(folder.backend, '.pulumi', 'locks', 'organization', 'telegram', 'dev');
    mkdirSync(locks, { recursive: true });
    const lock = { pid: process.pid, username: 'deploy', hostname: hostname(), timestamp: '2026-11-21T10:10:09Z' };
    writeFileSync(join(locks, '1.json'), JSON.stringify(lock));
    await expect(clearTheWay(folder, '/nonexistent/pulumi')).rejects.toMatchObject({
      code: 'LOCKED',
      message: `another run holds stack "dev": deploy on ${hostname()}, process ${String(process.pid)}, since 2026-11-21T10:10:09Z`,
    });
  });
});
