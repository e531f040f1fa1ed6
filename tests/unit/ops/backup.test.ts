import { describe, expect, it } from '@jest/globals';
import { size } from '../../../ops/backup/backup.js';
import { drillReport } from '../../../ops/backup/drill.js';
import { explainBackup } from '../../../ops/backup/explain.js';
import { differences, type Manifest } from '../../../ops/backup/manifest.js';
import { explainRecovery } from '../../../ops/backup/recovery.js';
import { targetOf } from '../../../ops/backup/restore.js';
import type { BackupList } from '../../../ops/backup/sidecar.js';
import { UserError } from '../../../stack/errors.js';
import { openSession, sealingKey } from '../../../stack/session-seal.js';
import { sealSession } from '../../../runtime/telegram/session-seal.js';

const MANIFEST: Manifest = {
  until: 1_795_282_562,
  channels: { '1001': 3, '1002': 2 },
  samples: { '1001/1': 'a', '1002/2': 'b' },
  hypertables: 3,
  jobs: 4,
  aggregates: 2,
  tables: 15,
};

describe('comparing what came back with what was backed up', () => {
  it('O8 finds nothing in the same', () => {
    expect(differences(MANIFEST, MANIFEST)).toEqual([]);
  });

  it('O8 names each channel, row and count that differs', () => {
    const restored = { ...MANIFEST, channels: { '1001': 2 }, samples: { '1001/1': 'x' }, hypertables: 2 };
    expect(differences(MANIFEST, restored)).toEqual([
      'messages of channel 1001: 3 backed up, 2 restored',
      'messages of channel 1002: 2 backed up, 0 restored',
      'row 1001/1: a backed up, x restored',
      'row 1002/2: b backed up, none restored',
      'hypertables: 3 backed up, 2 restored',
    ]);
  });

  it('O8 beyond the backup, takes what retention has forgotten for no difference, and what is new for one', () => {
    const restored = { ...MANIFEST, channels: { '1001': 2, '1002': 3 }, samples: { '1002/2': 'b' } };
    expect(differences(MANIFEST, restored, true)).toEqual(['messages of channel 1002: 2 backed up, 3 restored']);
  });
});

describe('the moment to go back to', () => {
  const NOW = new Date('2026-11-21T12:00:00Z');
  const backup = { label: 'F', type: 'full', startedAt: 0, databaseBytes: 1, storedBytes: 1 } as const;
  const known = {
    ...{ engine: 'pgbackrest', walArchivedAt: 0, drilledAt: 0, status: 'ok', parts: [] },
    database: [{ ...backup, endedAt: Date.parse('2026-11-01T03:00:00Z') / 1000 }],
  } satisfies BackupList;
  const code = (at: string | undefined, latest = false, list: BackupList = known) => {
    try {
      return targetOf({ ...(at !== undefined && { at }), latest }, list, NOW);
    } catch (error) {
      return error instanceof UserError ? error.code : error;
    }
  };

  it.each([
    ['2026-11-21T11:59:00Z', '2026-11-21 11:59:00.000+00'],
    ['2026-11-21T12:59:00+01:00', '2026-11-21 11:59:00.000+00'],
    ['2026-11-21T11:59:00', 'USAGE'],
    ['yesterday', 'USAGE'],
    ['2026-11-21T12:00:01Z', 'RESTORE_POINT'],
    ['2026-11-01T02:59:59Z', 'RESTORE_POINT'],
  ])('O8 %s is %s', (at, expected) => {
    expect(code(at)).toBe(expected);
  });

  it('O8 is the end for --latest, and nothing where there is no backup or two wishes', () => {
    expect(code(undefined, true)).toBe('end');
    expect(code(undefined, true, { ...known, database: [] })).toBe('RESTORE_POINT');
    expect(code(undefined)).toBe('USAGE');
    expect(code('2026-11-21T11:59:00Z', true)).toBe('USAGE');
  });
});

describe('what the tools say', () => {
  it.each([
    ['BACKUP_FULL', 'ERROR: [041]: unable to write: No space left on device'],
    ['BACKUP_KEY', "ERROR: [095]: unable to load info file '/backup/archive.info':\nCryptoError: unable to flush"],
    [
      'BACKUP_KEY',
      "ERROR: [029]: unable to load info file '/backup/archive.info':\nFormatError: key/value found outside",
    ],
    ['BACKUP_DAMAGED', "ERROR: [055]: unable to open missing file '/backup/1' for read"],
    ['BACKUP_FAILED', 'P00   INFO: backup command begin: --archive-timeout=300\nP00  ERROR: [056]: unable to do it'],
    ['BACKUP_KEY', 'Fatal: wrong password or no key found'],
    ['BACKUP_FOREIGN', 'ERROR: [028]: backup and archive info files exist but do not match the database'],
    ['BACKUP_TARGET', "ERROR: [049]: unable to connect to '127.0.0.1:9': [111] Connection refused"],
    [
      'BACKUP_TARGET',
      'ERROR: [095]: unable to verify certificate presented by s3.example.org: self-signed certificate',
    ],
    ['BACKUP_TARGET', 'ERROR: [040]: unable to create path /backup/pgbackrest: [13] Permission denied'],
    [
      'BACKUP_DAMAGED',
      "ERROR: [026]: error restoring 'base/1/2': actual checksum '0' does not match expected checksum '1'",
    ],
    ['BACKUP_FULL', "ERROR: [104]: archive-push:\n repo1: [FileWriteError] unable to write '/backup/1.zst.tmp'"],
    ['BACKUP_DAMAGED', 'ERROR: [029]: raised from local-2 protocol: block map version must be zero'],
    ['BACKUP_FAILED', 'telegram-backup: not backed up: redis'],
  ])('O8 is %s: %s', (code, said) => {
    expect(explainBackup('run', said)).toMatchObject({ code });
  });

  it.each([
    ['RESTORE_POINT', 'FATAL:  recovery ended before configured recovery target was reached'],
    ['BACKUP_DAMAGED', 'fetch-wal: the archive of the backup cannot be read, asked for 000000010000000000000002'],
    ['RESTORE_FAILED', 'FATAL:  could not map anonymous shared memory: Cannot allocate memory'],
  ])('O8 of a recovery is %s: %s', (code, log) => {
    expect(explainRecovery(log)).toMatchObject({ code });
  });
});

describe('a sealed session', () => {
  const KEY = 'the key of the backups, forty letters..';

  it('O8 opens with the key of the backups, and is another one each time', () => {
    const sealed = [1, 2].map(() => sealSession(sealingKey(KEY), '1session'));
    expect(sealed.map((bytes) => openSession(KEY, bytes))).toEqual(['1session', '1session']);
    expect(sealed[0]?.equals(sealed[1] ?? Buffer.alloc(0))).toBe(false);
    expect(sealed[0]?.includes('session')).toBe(false);
  });

  it('O8 does not open with another key, cut short, or changed in any byte', () => {
    const sealed = sealSession(sealingKey(KEY), '1session');
    expect(openSession(`${KEY}!`, sealed)).toBeNull();
    expect(openSession(KEY, sealed.subarray(0, 40))).toBeNull();
    for (let at = 0; at < sealed.length; at += 1) {
      const changed = Buffer.from(sealed);
      changed[at] = (changed[at] ?? 0) ^ 1;
      expect(openSession(KEY, changed)).toBeNull();
    }
  });
});

describe('what people read', () => {
  it('O8 sizes', () => {
    expect([0, 1023, 1024, 5_242_880, 3 * 2 ** 40].map(size)).toEqual([
      '0 B',
      '1023 B',
      '1.0 KiB',
      '5.0 MiB',
      '3.0 TiB',
    ]);
  });

  it('O8 the report of a drill names what differs', () => {
    const result = {
      ...{ good: false, at: '2026-11-21T03:00:00.000Z', seconds: 12.34, fetchSeconds: 8, recoverSeconds: 4.34 },
      ...{ channels: 2, messages: 5, samples: 4, hypertables: 3, policies: 4, differences: ['row 1/2: a, b'] },
    };
    expect(drillReport(result)).toContain('| result | NOT GOOD |');
    expect(drillReport(result)).toContain('- row 1/2: a, b');
  });
});
