import { createHash, createPrivateKey, createPublicKey } from 'node:crypto';

/** PKCS #8 header of an Ed25519 private key; the 32-byte seed follows it. */
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex');
const SEED_BYTES = 32;
const LINE_LENGTH = 70;

export interface SshKeyPair {
  /** OpenSSH private key file, unencrypted: a secret. */
  readonly privateKeyOpenSsh: string;
  /** `ssh-ed25519 AAAA… comment`, as in `authorized_keys` and as a pinned host key; no line break. */
  readonly publicKeyLine: string;
}

/**
 * The Ed25519 key pair that a 32-byte seed stands for. The same seed always gives the same bytes, so that a key kept as a
 * seed in the stack's state never changes a file by itself.
 */
export function ed25519KeyPair(seed: Buffer, comment = 'telegram-hybrid-stack'): SshKeyPair {
  if (seed.length !== SEED_BYTES) throw new RangeError(`an Ed25519 seed has 32 bytes, got ${String(seed.length)}`);
  const pkcs8 = Buffer.concat([PKCS8_PREFIX, seed]);
  const spki = createPublicKey(createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' })).export({
    format: 'der',
    type: 'spki',
  });
  const publicKey = spki.subarray(-32);
  const blob = Buffer.concat([text('ssh-ed25519'), field(publicKey)]);
  return {
    privateKeyOpenSsh: pem(privateFile(seed, publicKey, blob, comment)),
    publicKeyLine: `ssh-ed25519 ${blob.toString('base64')} ${comment}`,
  };
}

/** OpenSSH's own format (PROTOCOL.key): header, public part, then the private part padded to the cipher's block of 8. */
function privateFile(seed: Buffer, publicKey: Buffer, blob: Buffer, comment: string): Buffer {
  // Twice the same number tells a reader that the decryption worked; random elsewhere, derived here to stay the same.
  const check = createHash('sha256').update('check').update(publicKey).digest().subarray(0, 4);
  const body = Buffer.concat([
    check,
    check,
    text('ssh-ed25519'),
    field(publicKey),
    field(Buffer.concat([seed, publicKey])),
    text(comment),
  ]);
  const padding = Buffer.from([1, 2, 3, 4, 5, 6, 7].slice(0, (8 - (body.length % 8)) % 8));
  return Buffer.concat([
    Buffer.from('openssh-key-v1\0'),
    text('none'),
    text('none'),
    text(''),
    uint32(1),
    field(blob),
    field(Buffer.concat([body, padding])),
  ]);
}

function pem(file: Buffer): string {
  const base64 = file.toString('base64');
  const lines = base64.match(new RegExp(`.{1,${String(LINE_LENGTH)}}`, 'g')) ?? [];
  return ['-----BEGIN OPENSSH PRIVATE KEY-----', ...lines, '-----END OPENSSH PRIVATE KEY-----', ''].join('\n');
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

function field(bytes: Buffer): Buffer {
  return Buffer.concat([uint32(bytes.length), bytes]);
}

function text(value: string): Buffer {
  return field(Buffer.from(value));
}
