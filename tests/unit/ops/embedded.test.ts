import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EngineError } from '../../../ops/engine/errors.js';
import { openKey, seal } from '../../../ops/engine/seal.js';
import { EmbeddedEngine } from '../../../ops/engines/embedded.js';
import { StackFolder } from '../../../ops/stack-folder.js';

describe("what the embedded engine's stack left for people and commands", () => {
  const kept = process.env['TELEGRAM_STATE_DIR'];
  let home: string;
  let path: string;
  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), 'outputs-'));
    process.env['TELEGRAM_STATE_DIR'] = home;
    path = join(home, 'mine');
    mkdirSync(path);
    writeFileSync(join(path, 'outputs.sealed'), seal(openKey(path, false), 'outputs', { instance: 'mine' }));
  });
  afterEach(() => {
    if (kept === undefined) delete process.env['TELEGRAM_STATE_DIR'];
    else process.env['TELEGRAM_STATE_DIR'] = kept;
    rmSync(home, { recursive: true });
  });
  const outputs = async () => new EmbeddedEngine(new StackFolder('mine')).outputs();

  it('O1 opens with the key that it was sealed with', async () => {
    expect(await outputs()).toEqual({ instance: 'mine' });
  });

  it('O1 says of another key what is wrong, and is no defect of the project', async () => {
    writeFileSync(join(path, 'engine.key'), `${'ab'.repeat(32)}\n`);
    const error: unknown = await outputs().catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(EngineError);
    expect(error).toMatchObject({
      code: 'ENGINE_STATE_DAMAGED',
      message: `${join(path, 'outputs.sealed')} does not open with the key beside it`,
    });
  });
});
