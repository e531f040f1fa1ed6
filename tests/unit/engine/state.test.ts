import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EngineState, STATE_FILE } from '../../../ops/engine/state.js';

const SECRET = 'correct-horse-battery-staple';

describe('O10 state of the embedded engine', () => {
  let stateDir: string;
  const open = (stack = 'dev'): EngineState => EngineState.open({ stateDir, project: 'telegram', stack });
  const put = (state: EngineState, name: string): void => {
    state.put(
      { type: 't', name, id: `${name}-id`, hash: 'h', status: 'ready', order: state.nextOrder(), options: {} },
      { inputs: { password: SECRET }, outputs: { result: SECRET }, dockerHost: 'unix:///d' },
    );
  };
  const text = (): string => readFileSync(join(stateDir, STATE_FILE), 'utf8');
  const errorOf = (task: () => unknown): { code?: unknown; message?: string } => {
    try {
      task();
    } catch (error) {
      return error as { code?: unknown; message?: string };
    }
    return { code: 'no error' };
  };
  const codeOf = (task: () => unknown): unknown => errorOf(task).code;

  beforeEach(() => {
    stateDir = mkdtempSync(join(tmpdir(), 'engine-state-'));
  });
  afterEach(() => {
    rmSync(stateDir, { recursive: true, force: true });
  });

  it('gives back what it was given after a restart', () => {
    put(open(), 'redis');
    const again = open();
    const entry = again.get('t::redis');
    expect(entry?.id).toBe('redis-id');
    expect(entry && again.unseal(entry).outputs).toEqual({ result: SECRET });
  });

  it('holds no secret in plain and is readable by its owner only', () => {
    put(open(), 'redis');
    for (const encoded of [SECRET, Buffer.from(SECRET).toString('base64'), Buffer.from(SECRET).toString('hex')]) {
      expect(text()).not.toContain(encoded);
    }
    for (const file of [STATE_FILE, 'engine.key']) expect(statSync(join(stateDir, file)).mode & 0o777).toBe(0o600);
  });

  it('never stands half written: a broken write leaves the old content', () => {
    put(open(), 'redis');
    const before = text();
    writeFileSync(join(stateDir, `${STATE_FILE}.new`), before.slice(0, 40));
    expect(open().entries()).toHaveLength(1);
    put(open(), 'rabbit');
    expect(
      open()
        .entries()
        .map(({ name }) => name),
    ).toEqual(['redis', 'rabbit']);
    expect(readdirSync(stateDir).sort()).toEqual([STATE_FILE, 'engine.key']);
  });

  it('a disk without room leaves the old content, says which file, and the next write goes on', () => {
    put(open(), 'redis');
    const before = text();
    // Every write to it fails as on a full disk.
    symlinkSync('/dev/full', join(stateDir, `${STATE_FILE}.new`));
    const failure = errorOf(() => {
      put(open(), 'rabbit');
    });
    expect(failure).toMatchObject({
      message: `ENOSPC: no space left on device, write (${join(stateDir, STATE_FILE)}.new)`,
    });
    expect(text()).toBe(before);
    rmSync(join(stateDir, `${STATE_FILE}.new`));
    put(open(), 'rabbit');
    expect(open().entries()).toHaveLength(2);
  });

  it.each([
    ['cut off', (content: string) => content.slice(0, -30)],
    ['empty', () => ''],
    ['of another version', (content: string) => content.replace('"version": 1', '"version": 99')],
    ['without ids', (content: string) => content.replaceAll('"id"', '"was"')],
  ])('a file that is %s is refused with what to do', (_what, damage) => {
    put(open(), 'redis');
    writeFileSync(join(stateDir, STATE_FILE), damage(text()));
    expect(codeOf(() => open())).toBe('ENGINE_STATE_DAMAGED');
  });

  it('a state of another stack is refused and named', () => {
    put(open(), 'redis');
    expect(() => open('prod')).toThrow('belongs to telegram/dev, not to telegram/prod');
    expect(codeOf(() => open('prod'))).toBe('ENGINE_STATE_FOREIGN');
  });

  it('a state without its key is refused, not given a new one', () => {
    put(open(), 'redis');
    rmSync(join(stateDir, 'engine.key'));
    expect(codeOf(() => open())).toBe('ENGINE_KEY_MISSING');
    expect(readdirSync(stateDir)).not.toContain('engine.key');
  });

  it('a blob does not open under another name or another key', () => {
    const state = open();
    put(state, 'redis');
    const entry = state.get('t::redis');
    expect(codeOf(() => entry && state.unseal({ ...entry, name: 'rabbit' }))).toBe('ENGINE_STATE_DAMAGED');
    writeFileSync(join(stateDir, 'engine.key'), 'ab'.repeat(32));
    expect(codeOf(() => entry && open().unseal(entry))).toBe('ENGINE_STATE_DAMAGED');
  });

  it('takes over the order of a whole run and forgets what is dropped', () => {
    const state = open();
    for (const name of ['a', 'b', 'c']) put(state, name);
    state.drop('t::b');
    state.reorder(['t::c', 't::a']);
    expect(
      open()
        .entries()
        .map(({ name, order }) => [name, order]),
    ).toEqual([
      ['a', 2],
      ['c', 1],
    ]);
  });
});
