import { describe, expect, it } from '@jest/globals';
import { backupEnvironment, backupFiles, type BackupTarget } from '../../../components/backup/render.js';

const SETTINGS = {
  source: { kind: 'files' },
  at: '03:00',
  fullOn: 'sunday',
  keepDays: 30,
  redis: [{ host: '172.28.40.21', port: 6379 }],
  rabbitmq: { host: '172.28.40.40', port: 15672 },
} as const;
const STORE: BackupTarget = {
  kind: 's3',
  endpoint: 's3.example.org:9000',
  bucket: 'backups',
  region: 'eu-central-1',
  prefix: 'stack/one',
  accessKey: 'access',
  secretKey: 'hidden',
  caCertificate: 'PEM',
};
const SECRETS = {
  key: 'the-key',
  redis: 'redis-password',
  rabbitmq: { user: 'monitor_a', password: 'rabbit-password' },
  roles: { api_a: 'SCRAM-SHA-256$4096:c2FsdA==$a:b' },
};

describe('the backup', () => {
  it('O8 tells its container what to back up, and nothing secret', () => {
    expect(backupEnvironment(SETTINGS, { kind: 'folder' })).toEqual({
      BACKUP_ENGINE: 'pgbackrest',
      BACKUP_AT: '03:00',
      BACKUP_FULL_ON: 'sunday',
      BACKUP_KEEP_DAYS: '30',
      BACKUP_REDIS: '172.28.40.21:6379',
      BACKUP_RABBITMQ: '172.28.40.40:15672',
      RESTIC_REPOSITORY: '/backup/restic',
    });
    expect(JSON.stringify(backupEnvironment(SETTINGS, STORE))).not.toMatch(/hidden|access"/);
    expect(backupEnvironment(SETTINGS, STORE)).toMatchObject({
      RESTIC_REPOSITORY: 's3:https://s3.example.org:9000/backups/stack/one/restic',
      BACKUP_CA_FILE: '/credentials/ca.pem',
    });
  });

  it('O8 keeps every point in time of thirty days, encrypted', () => {
    const conf = backupFiles(SETTINGS, { kind: 'folder' }, SECRETS)['pgbackrest.conf'];
    for (const line of [
      'repo1-path=/backup/pgbackrest',
      'repo1-cipher-type=aes-256-cbc',
      'repo1-cipher-pass=the-key',
      'repo1-retention-full-type=time',
      'repo1-retention-full=30',
    ])
      expect(conf?.split('\n')).toContain(line);
  });

  it('O8 reaches a store by TLS that is verified', () => {
    const files = backupFiles(SETTINGS, STORE, SECRETS);
    const lines = files['pgbackrest.conf']?.split('\n') ?? [];
    expect(lines).toEqual(
      expect.arrayContaining([
        'repo1-type=s3',
        'repo1-path=/stack/one/pgbackrest',
        'repo1-s3-endpoint=s3.example.org:9000',
        'repo1-s3-uri-style=path',
        'repo1-storage-ca-file=/credentials/ca.pem',
      ]),
    );
    expect(lines.filter((line) => line.includes('verify-tls'))).toEqual([]);
    expect(files['s3']).toContain('aws_secret_access_key = hidden');
  });

  it('O8 S4 gives a restored database the passwords of now, of the roles that it has, and nothing records them', () => {
    const [first = '', ...lines] = backupFiles(SETTINGS, { kind: 'folder' }, SECRETS)['roles.sql']?.split('\n') ?? [];
    expect(first).toBe("set pg_stat_statements.track = 'none';");
    expect(lines.slice(3).join('\n')).toBe(
      `select $$alter role "api_a" password 'SCRAM-SHA-256$4096:c2FsdA==$a:b'$$ where exists (select from pg_roles where rolname = 'api_a') \\gexec\n`,
    );
  });

  it('O8 dumps a database of somebody else, over TLS, with the password in a file', () => {
    const address = { host: 'db.example.org', port: 5432 };
    const source = { kind: 'dump', address, database: 'telegram_gateway', user: 'admin', tls: true } as const;
    expect(backupEnvironment({ ...SETTINGS, source }, STORE)).toMatchObject({
      ...{ BACKUP_ENGINE: 'dump', PGHOST: 'db.example.org', PGSSLMODE: 'verify-full', PGSSLROOTCERT: 'system' },
    });
    const plain = backupEnvironment({ ...SETTINGS, source: { ...source, tls: false, authorities: 'PEM' } }, STORE);
    expect(plain).toMatchObject({ PGSSLMODE: 'disable' });
    expect(plain).not.toHaveProperty('PGSSLROOTCERT');
    const verified = { ...SETTINGS, source: { ...source, authorities: 'PEM' } };
    expect(backupEnvironment(verified, STORE)['PGSSLROOTCERT']).toBe('/credentials/authorities.pem');
    expect(backupFiles(verified, STORE, SECRETS)['authorities.pem']).toBe('PEM');
    const files = backupFiles({ ...SETTINGS, source }, STORE, { ...SECRETS, database: 'a:b\\c' });
    expect(files['pgpass']).toBe('*:*:*:*:a\\:b\\\\c\n');
  });
});
