import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { drill } from '../../ops/backup/drill.js';
import { listBackups } from '../../ops/backup/sidecar.js';
import { BackupBench } from '../support/backup-bench.js';
import { s3Binary, S3Store } from '../support/s3-store.js';

const MINUTES = 60_000;
const binary = s3Binary();
const reason = 'missing' in binary ? ` [not run: ${binary.missing}]` : '';
const ifStore = 'missing' in binary ? it.skip : it;

describe(`O8 backup to an S3-compatible store${reason}`, () => {
  const store = new S3Store();
  const database = new BackupBench('store');
  /** The backup beside that database, with another idea of the store. */
  const bench = (changes: object = {}) => {
    const made = new BackupBench('store', store.target(changes), store.network);
    made.adopt(database);
    return made;
  };

  beforeAll(async () => {
    if ('missing' in binary) return;
    database.start();
    database.post(1001, 1, 3000);
    await store.start(binary.path, database.image);
  }, 8 * MINUTES);
  afterAll(() => {
    if ('missing' in binary) return;
    database.remove();
    store.remove();
  }, MINUTES);

  ifStore(
    'O8 goes there over TLS by a certificate of its own authority, and comes back from there',
    async () => {
      const good = bench();
      good.startBackup();
      await good.firstBackUp();
      const { database: made, parts } = await listBackups(good.sidecar);
      expect([made.map(({ type }) => type), parts.map(({ part }) => part).sort()]).toEqual([
        ['full'],
        ['manifest', 'sessions'],
      ]);
      const result = await drill({ hosts: good.hosts, namePrefix: good.prefix, say: () => undefined });
      expect(result).toMatchObject({ good: true, messages: 3000, differences: [] });
      await good.sidecar.call(['check', 'deep']);
      good.stopBackup();
    },
    6 * MINUTES,
  );

  ifStore.each([
    ['a wrong secret', { secretKey: 'wrong' }, /403 \(Forbidden\)/],
    ['a bucket that is not there', { bucket: 'other' }, /NoSuchBucket/],
    ['a certificate of an authority that was not named', { caCertificate: undefined }, /self-signed certificate/],
  ])(
    'O8 %s is told as that, and nothing is written',
    async (_, changes, said) => {
      const wrong = bench(changes);
      wrong.startBackup();
      await expect(wrong.backUp()).rejects.toMatchObject({
        code: 'BACKUP_TARGET',
        details: expect.arrayContaining([expect.stringMatching(said)]) as unknown,
      });
      wrong.stopBackup();
    },
    4 * MINUTES,
  );
});
