import { describe, expect, it } from '@jest/globals';
import {
  postgresRolesInput,
  roleSettings,
  roleStatement,
  settingStatements,
} from '../../../runtime/admin/postgres-roles.js';

const verifier = 'SCRAM-SHA-256$4096:c2FsdA==$c3RvcmVk:c2VydmVy';
const role = { name: 'gateway_a', memberOf: 'gateway' as const, verifier, connectionLimit: 20 };

describe('admin postgres-roles', () => {
  it('O5 makes a login with the verifier, never with a password', () => {
    expect(roleStatement('create', role)).toBe(
      `create role "gateway_a" login inherit connection limit 20 password '${verifier}'`,
    );
    const database = { host: 'h', port: 5432, name: 'd', user: 'u', password: 'p' };
    const plain = { database, roles: [{ ...role, verifier: 'secret' }] };
    expect(postgresRolesInput.safeParse(plain).success).toBe(false);
    expect(postgresRolesInput.safeParse({ database, roles: [role] }).success).toBe(true);
  });

  it('O5 gives the role its group, its timeouts and its search path', () => {
    expect(settingStatements('gateway_a', roleSettings('gateway', { statement_timeout: '3s' }))).toEqual([
      `alter role "gateway_a" set role = 'gateway'`,
      `alter role "gateway_a" set statement_timeout = '3s'`,
      `alter role "gateway_a" set lock_timeout = '5s'`,
      `alter role "gateway_a" set idle_in_transaction_session_timeout = '30s'`,
      `alter role "gateway_a" set search_path = "telegram_gateway", "public"`,
    ]);
  });
});
