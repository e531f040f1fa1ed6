import { describe, expect, it } from '@jest/globals';
import { createHash, createHmac } from 'node:crypto';
import { scramVerifier } from '../../../stack/scram.js';

const NONCE = 'rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0';
/** Section 3: user "user", password "pencil". */
const RFC_7677 = {
  message: `n=user,r=rOprNGfwEbeRWgbNEkqO,r=${NONCE},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,c=biws,r=${NONCE}`,
  clientProof: 'dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=',
  serverSignature: '6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=',
};

describe('scramVerifier', () => {
  it('D2 gives the keys that the exchange printed in RFC 7677 was made with', () => {
    const verifier = scramVerifier('pencil', 'W22ZaJ0SNY7soEsUEjb6gQ==');
    expect(verifier).toBe(
      'SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=',
    );
    const [storedKey = '', serverKey = ''] = (verifier.split('$')[2] ?? '').split(':');
    const sign = (key: string) => createHmac('sha256', Buffer.from(key, 'base64')).update(RFC_7677.message).digest();
    expect(sign(serverKey).toString('base64')).toBe(RFC_7677.serverSignature);
    const signature = sign(storedKey);
    const clientKey = Buffer.from(RFC_7677.clientProof, 'base64').map((byte, n) => byte ^ (signature[n] ?? 0));
    expect(createHash('sha256').update(clientKey).digest('base64')).toBe(storedKey);
  });

  it('D2 gives the same text every time, and another one for another salt or round count', () => {
    const one = scramVerifier('secret', 'AAAAAAAAAAAAAAAAAAAAAA==');
    expect(scramVerifier('secret', 'AAAAAAAAAAAAAAAAAAAAAA==')).toBe(one);
    expect(scramVerifier('secret', 'AQAAAAAAAAAAAAAAAAAAAA==')).not.toBe(one);
    expect(scramVerifier('secret', 'AAAAAAAAAAAAAAAAAAAAAA==', 8192)).toMatch(/^SCRAM-SHA-256\$8192:/);
  });

  it('D2 refuses what would never log in: a password that needs SASLprep, an empty salt', () => {
    expect(() => scramVerifier('pässword', 'AAAAAAAAAAAAAAAAAAAAAA==')).toThrow('printable ASCII');
    expect(() => scramVerifier('', 'AAAAAAAAAAAAAAAAAAAAAA==')).toThrow('printable ASCII');
    expect(() => scramVerifier('secret', '')).toThrow('base64 salt');
  });
});
