import { describe, expect, it } from '@jest/globals';
import { execFileSync, spawnSync } from 'node:child_process';
import { createPrivateKey, sign, verify } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { utils } from 'ssh2';
import { ed25519KeyPair } from '../../../stack/ssh-keys.js';

/** Test vector 1 of RFC 8032. */
const SEED = Buffer.from('9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60', 'hex');
const PUBLIC = 'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a';

const hasSshKeygen = spawnSync('ssh-keygen', ['-?']).error === undefined;

describe('ed25519KeyPair', () => {
  it('S6 derives the public key that RFC 8032 gives for the seed', () => {
    const { publicKeyLine } = ed25519KeyPair(SEED, 'host');
    const [type, blob, comment] = publicKeyLine.split(' ');
    expect([type, comment]).toEqual(['ssh-ed25519', 'host']);
    expect(
      Buffer.from(blob ?? '', 'base64')
        .subarray(-32)
        .toString('hex'),
    ).toBe(PUBLIC);
  });

  it('S6 gives the same bytes for the same seed', () => {
    expect(ed25519KeyPair(SEED)).toEqual(ed25519KeyPair(Buffer.from(SEED)));
  });

  it('S6 pads every length of comment so that ssh2 reads the file', () => {
    for (let length = 0; length < 9; length++) {
      const pair = ed25519KeyPair(SEED, 'c'.repeat(length));
      const key = utils.parseKey(pair.privateKeyOpenSsh);
      if (key instanceof Error) throw key;
      expect(key.getPublicSSH().toString('base64')).toBe(pair.publicKeyLine.split(' ')[1]);
    }
  });

  it('S6 holds the private key that signs for the public one', () => {
    const pair = ed25519KeyPair(SEED);
    const read = utils.parseKey(pair.privateKeyOpenSsh);
    if (read instanceof Error) throw read;
    const message = Buffer.from('hello');
    const pkcs8 = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), SEED]);
    const own = createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' });
    expect(verify(null, message, own, read.sign(message))).toBe(true);
    expect(read.verify(message, sign(null, message, own))).toBe(true);
  });

  (hasSshKeygen ? it : it.skip)('S6 agrees with ssh-keygen -y', () => {
    const pair = ed25519KeyPair(SEED, 'host');
    const folder = mkdtempSync(join(tmpdir(), 'ssh-keys-'));
    try {
      writeFileSync(join(folder, 'key'), pair.privateKeyOpenSsh, { mode: 0o600 });
      const line = execFileSync('ssh-keygen', ['-y', '-f', join(folder, 'key')], { encoding: 'utf8' });
      expect(line.trim()).toBe(pair.publicKeyLine);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('S6 refuses a seed of another length', () => {
    expect(() => ed25519KeyPair(Buffer.alloc(31))).toThrow('an Ed25519 seed has 32 bytes, got 31');
  });
});
