import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { StackFolder } from '../../../ops/stack-folder.js';

describe('folder of a stack', () => {
  const kept = process.env['TELEGRAM_STATE_DIR'];
  let home: string;
  let source: string;
  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), 'folder-'));
    process.env['TELEGRAM_STATE_DIR'] = home;
    source = join(home, 'Pulumi.mine.yaml');
    writeFileSync(source, '# mine\nconfig:\n  telegram:images: auto\n  telegram:api:\n    port: 4010\n');
  });
  afterEach(() => {
    if (kept === undefined) delete process.env['TELEGRAM_STATE_DIR'];
    else process.env['TELEGRAM_STATE_DIR'] = kept;
    rmSync(home, { recursive: true, force: true });
  });
  const mode = (path: string) => (statSync(path).mode & 0o777).toString(8);

  it('O12 works on a copy with an instance id of its own; the committed file stays as it is', () => {
    const before = readFileSync(source, 'utf8');
    const folder = new StackFolder('mine', source);
    folder.prepare();
    expect(readFileSync(source, 'utf8')).toBe(before);
    expect(folder.readConfig()).toEqual({
      'telegram:images': 'auto',
      'telegram:api': '{"port":4010}',
      'telegram:instanceId': expect.stringMatching(/^mine-[0-9a-f]{8}$/) as unknown,
    });
  });

  it('O5 a raised epoch is all that changes in the working copy', () => {
    const folder = new StackFolder('mine', source);
    folder.prepare();
    expect(folder.credentialEpoch).toBe(1);
    const before = readFileSync(folder.configFile, 'utf8');
    folder.credentialEpoch = 2;
    expect(folder.credentialEpoch).toBe(2);
    expect(readFileSync(folder.configFile, 'utf8')).toBe(`${before}  telegram:credentialEpoch: 2\n`);
    folder.credentialEpoch = 3;
    expect(readFileSync(folder.configFile, 'utf8')).toBe(`${before}  telegram:credentialEpoch: 3\n`);
    expect(mode(folder.configFile)).toBe('600');
  });

  it('O12 what exists is never changed by preparing again', () => {
    const folder = new StackFolder('mine', source);
    folder.prepare();
    const before = [folder.configFile, folder.passphraseFile].map((path) => readFileSync(path, 'utf8'));
    folder.prepare();
    expect([folder.configFile, folder.passphraseFile].map((path) => readFileSync(path, 'utf8'))).toEqual(before);
  });

  it('S4 passphrase and config are for their owner alone', () => {
    const folder = new StackFolder('mine', source);
    folder.prepare();
    expect([folder.passphraseFile, folder.configFile, folder.backend].map(mode)).toEqual(['600', '600', '700']);
  });

  it('O1 a stack without a file is told by its name', () => {
    const folder = new StackFolder('other', join(home, 'Pulumi.other.yaml'));
    expect(() => {
      folder.prepare();
    }).toThrow('there is no Pulumi.other.yaml for a stack named "other"');
  });

  it('O10 remembers its engine until it is forgotten', () => {
    const folder = new StackFolder('mine', source);
    folder.prepare();
    expect(folder.engine).toBeNull();
    folder.settle('embedded');
    expect(new StackFolder('mine', source).engine).toBe('embedded');
    folder.forget();
    expect(folder.engine).toBeNull();
  });
});
