import { describe, expect, it } from '@jest/globals';
import { secretBytes } from '../../../stack/secret-bytes.js';

describe('S4 bytes from a generated password', () => {
  const password = 'a'.repeat(40);

  it('S4 are as many as asked for, the same every time, and other ones for another purpose or password', () => {
    expect([4, 16, 32, 256].map((length) => secretBytes(password, 'salt', length).length)).toEqual([4, 16, 32, 256]);
    expect(secretBytes(password, 'salt', 32)).toEqual(secretBytes(password, 'salt', 32));
    expect(secretBytes(password, 'other', 32)).not.toEqual(secretBytes(password, 'salt', 32));
    expect(secretBytes(`${password}b`, 'salt', 32)).not.toEqual(secretBytes(password, 'salt', 32));
  });

  it('S4 are those of RFC 5869 as another implementation computes them', () => {
    // openssl kdf -keylen 16 -kdfopt digest:SHA256 -kdfopt key:<40 × a> -kdfopt info:salt -kdfopt salt: HKDF
    expect(secretBytes(password, 'salt', 16).toString('hex')).toBe('a4c04a76c30d722e6472558c999ab25c');
  });
});
