import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Redactor } from '../../../ops/engine/redact.js';

describe('O10 redaction', () => {
  const cleaned = (secret: unknown, text: string): string => {
    const redactor = new Redactor();
    redactor.learn(secret);
    return redactor.clean(text);
  };

  it.each([
    ['a text', 'hunter2hunter2', 'login hunter2hunter2 failed'],
    ['the value of an environment entry', ['PASSWORD=hunter2hunter2'], 'login hunter2hunter2 failed'],
    ['a text inside an object', { connection: { password: 'hunter2hunter2' } }, 'login hunter2hunter2 failed'],
    ['a text with its newline', 'hunter2hunter2\n', 'login hunter2hunter2 failed'],
  ])('takes out %s', (_what, secret, text) => {
    expect(cleaned(secret, text)).toBe('login [secret] failed');
  });

  it('takes out each line of a key', () => {
    const key = '-----BEGIN KEY-----\nAAAAB3NzaC1yc2EAAAADAQ\n-----END KEY-----\n';
    expect(cleaned(key, 'bad line: AAAAB3NzaC1yc2EAAAADAQ')).toBe('bad line: [secret]');
  });

  it('takes out what JSON made of it', () => {
    const secret = 'quote"and\\slash';
    expect(cleaned(secret, JSON.stringify({ secret }))).toBe('{"secret":"[secret]"}');
  });

  it('leaves the address of a secret connection and short words readable', () => {
    const connection = { host: 'gateway.example', user: 'operator', port: 2222, privateKey: 'x'.repeat(40) };
    expect(cleaned([connection, 'on'], 'operator@gateway.example is on')).toBe('operator@gateway.example is on');
  });

  it('never lets a secret through, also when one contains another', () => {
    const secret = fc.stringMatching(/^[a-z]{6,20}$/);
    fc.assert(
      fc.property(fc.array(secret, { minLength: 1 }), fc.array(secret), (secrets, words) => {
        const clean = cleaned(secrets, [...words, ...secrets, secrets.join('')].join(' '));
        for (const one of secrets) expect(clean.replaceAll('[secret]', '')).not.toContain(one);
      }),
    );
  });
});
