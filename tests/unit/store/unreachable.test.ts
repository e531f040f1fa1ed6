import { describe, expect, it } from '@jest/globals';
import { DatabaseError } from 'pg';
import { isUnreachable } from '../../../runtime/store/unreachable.js';

const sqlstate = (code: string) => Object.assign(new DatabaseError('x', 1, 'error'), { code });

describe('isUnreachable', () => {
  it.each(['08006', '08P01', '25006', '28P01', '53300', '57P01', '57P03'])(
    'R2 %s says nothing about the statement',
    (code) => {
      expect(isUnreachable(sqlstate(code))).toBe(true);
    },
  );

  it.each(['23505', '22021', '42501', '40P01', '57014'])('R2 %s is the statement itself', (code) => {
    expect(isUnreachable(sqlstate(code))).toBe(false);
  });

  it('R2 knows a broken connection', () => {
    expect(isUnreachable(Object.assign(new Error('connect ECONNREFUSED'), { syscall: 'connect' }))).toBe(true);
    expect(isUnreachable(new Error('Connection terminated unexpectedly'))).toBe(true);
    expect(isUnreachable(new Error('handler failed'))).toBe(false);
    expect(isUnreachable('text')).toBe(false);
  });
});
