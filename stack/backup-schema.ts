import { z } from 'zod';
import { cpus, IN_PLACE, memoryMb, secretText } from './config-fields.js';

export const backup = z
  .strictObject({
    enabled: z
      .boolean()
      .default(false)
      .describe(
        'Back the stack up by itself. A change replaces the container of the database, which then hands its WAL over; the data stays.',
      ),
    at: z
      .string()
      .regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'expected a time such as 03:00')
      .default('03:00')
      .describe('When, every day, UTC.'),
    fullOn: z
      .enum(['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'])
      .default('sunday')
      .describe('Day of the full backup; on the others, what changed since.'),
    keepDays: z.int().min(1).max(3650).default(30).describe('Days that can be gone back to.'),
    recoveryPointS: z
      .int()
      .min(5)
      .max(3600)
      .default(60)
      .describe('Seconds of data that a lost disk costs at most. A change replaces the container of the database.'),
    waitingMb: z
      .int()
      .min(64)
      .default(4096)
      .describe(
        "MiB of WAL that may wait on the database's disk while the target is away; then it is dropped. A change replaces the container of the database.",
      ),
    key: secretText
      .min(16)
      .optional()
      .describe('What the backups are encrypted with (secret). Empty: the stack makes one; `npm run backup -- key`.'),
    cpus: cpus(0.25),
    memoryMb: memoryMb(192, IN_PLACE),
  })
  .prefault({})
  .describe('Backups: PostgreSQL with every point in time, sessions, Redis, the topology of RabbitMQ.');

export const backupTarget = z
  .discriminatedUnion('kind', [
    z.strictObject({
      kind: z.literal('folder'),
      path: z
        .string()
        .regex(/^(\/[^:]+)?$/, 'expected an absolute path')
        .default('')
        .describe(
          'Folder of the Docker host that the backup stands on, owned by uid 70, best on another disk or a network share. Empty: a volume of the stack.',
        ),
    }),
    z.strictObject({
      kind: z.literal('s3'),
      endpoint: z
        .string()
        .regex(/^[A-Za-z0-9.-]+(:\d+)?$/, 'expected a host name, with a port where it is not 443')
        .describe('S3-compatible store, reached by TLS.'),
      bucket: z.string().min(1).describe('Bucket, which must be there.'),
      region: z.string().default('us-east-1').describe('Its region.'),
      prefix: z
        .string()
        .regex(/^([^/].*[^/])?$/, 'expected no slash at either end')
        .default('')
        .describe('Folder in the bucket.'),
      accessKey: secretText.describe('Access key (secret).'),
      secretKey: secretText.describe('Its secret (secret).'),
      caCertificate: secretText
        .optional()
        .describe('Certificate authorities of the store (PEM). Empty: those that the system trusts.'),
    }),
  ])
  .prefault({ kind: 'folder' })
  .describe('Where the backups go. A change replaces the container of the backup; what is in the former target stays.');
