import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chooseEngine } from '../../../ops/engines/choose.js';
import { StackFolder } from '../../../ops/stack-folder.js';
import { UserError } from '../../../stack/errors.js';

describe('choice of the engine', () => {
  const kept = { ...process.env };
  let home: string;
  let folder: StackFolder;
  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), 'choose-'));
    process.env['TELEGRAM_STATE_DIR'] = join(home, 'state');
    // Nobody's Pulumi is found by chance.
    process.env['PATH'] = join(home, 'bin');
    process.env['PULUMI_HOME'] = join(home, '.pulumi');
    process.env['HOME'] = home;
    folder = new StackFolder('dev');
    folder.prepare();
  });
  afterEach(() => {
    process.env = { ...kept };
    rmSync(home, { recursive: true, force: true });
  });

  const refusal = (wanted: string): UserError => {
    try {
      chooseEngine(folder, wanted);
    } catch (error) {
      if (error instanceof UserError) return error;
      throw error;
    }
    throw new Error('nothing was refused');
  };
  const installPulumi = () => {
    mkdirSync(join(home, 'bin'));
    writeFileSync(join(home, 'bin', 'pulumi'), '#!/bin/sh\nexit 0\n');
    chmodSync(join(home, 'bin', 'pulumi'), 0o755);
  };

  it('O10 without a Pulumi CLI it is the embedded one, and the reason says so', () => {
    const { engine, reason } = chooseEngine(folder, undefined);
    expect([engine.name, reason]).toEqual(['embedded', 'no Pulumi CLI was found on PATH or in the Pulumi home']);
  });

  it('O10 the engine that made the stack stays, whatever is installed since', () => {
    folder.settle('embedded');
    installPulumi();
    const { engine, reason } = chooseEngine(folder, undefined);
    expect([engine.name, reason]).toEqual(['embedded', 'it made this stack']);
  });

  it('O10 an engine that is asked for is taken before the first up', () => {
    installPulumi();
    expect(chooseEngine(folder, 'pulumi').engine.name).toBe('pulumi');
    expect(chooseEngine(folder, 'embedded').reason).toBe('it was asked for');
  });

  it.each([
    ['pulumi', 'embedded'],
    ['embedded', 'pulumi'],
  ] as const)('O10 state of the %s engine: the %s one is refused', (made, wanted) => {
    folder.settle(made);
    const error = refusal(wanted);
    expect(error.code).toBe('ENGINE_MISMATCH');
    expect(error.message).toBe(`stack "dev" was made by the ${made} engine, not by ${wanted}`);
  });

  it('O10 a stack of the Pulumi CLI is not taken over where the CLI is gone', () => {
    folder.settle('pulumi');
    expect(() => chooseEngine(folder, undefined)).toThrow('stack "dev" needs the Pulumi CLI and none was found');
  });

  it('O10 an engine that does not exist is a mistake of the caller', () => {
    expect(refusal('terraform')).toMatchObject({
      code: 'USAGE',
      message: 'unknown engine "terraform"; expected pulumi or embedded',
    });
  });

  it('O10 after destroy the next up may choose anew', () => {
    folder.settle('pulumi');
    folder.forget();
    expect(chooseEngine(folder, 'embedded').engine.name).toBe('embedded');
  });
});
