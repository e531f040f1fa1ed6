import { spawn } from 'node:child_process';
import { join } from 'node:path';
import type { ClientConfig } from 'pg';
import { holdingTarget, readingSource } from '../../ops/migrate/databases.js';
import { Journal, type Step } from '../../ops/migrate/journal.js';
import { DockerOldGateway } from '../../ops/migrate/old-gateway.js';
import type { OldGateway } from '../../ops/migrate/ports.js';
import { runMigration } from '../../ops/migrate/run.js';
import type { Report } from '../../ops/migrate/report.js';
import { DockerHost } from '../../stack/docker-host.js';
import { ROOT } from '../../ops/stack-folder.js';
import { FolderGateway } from './folder-gateway.js';

/** All that one run between two databases needs; plain data, so that it can be handed to a process of its own. */
export interface MigrationCase {
  readonly source: ClientConfig;
  readonly target: ClientConfig;
  readonly old: { readonly container: string; readonly sessions: string };
  readonly folder: string;
  readonly setAside?: boolean;
  /** Account of the session, as Telegram would say. @default that of the source */
  readonly owner?: string;
  /** The process kills itself when this step begins, or when so many parts were copied. */
  readonly killAt?: Step | number;
}

export const gatewayOf = ({ folder, owner }: MigrationCase) => new FolderGateway(join(folder, 'gateway'), owner);

const SINCE = '1970-01-01T00:00:00.000Z';

/** The steps of `npm run migrate` in this process. */
export async function migrateCase(args: MigrationCase, old?: OldGateway): Promise<Report> {
  const kill = () => process.kill(process.pid, 'SIGKILL');
  return holdingTarget(args.target, (target) =>
    readingSource({ client: args.source, schema: 'telegram_gateway' }, async (source) => {
      const journal = await Journal.open(target, 'the source', SINCE);
      return runMigration({
        source,
        target,
        journal,
        schema: 'telegram_gateway',
        setAside: args.setAside ?? false,
        old: old ?? new DockerOldGateway(new DockerHost(''), args.old),
        fresh: gatewayOf(args),
        session: { name: 'default', account: '1000' },
        folder: join(args.folder, 'backup'),
        definition: () => Promise.resolve('-- made by pg_dump\n'),
        connections: null,
        say: (line) => {
          const [, parts] = /^ {2}(\d+) of \d+ parts$/.exec(line) ?? [];
          if (typeof args.killAt === 'number' && Number(parts) >= args.killAt) kill();
        },
        onStep: (step) => {
          if (step === args.killAt) kill();
        },
      });
    }),
  );
}

const CHILD_MS = 180_000;

/** The same in a process of its own; gives the signal that ended it. */
export async function migrateInChild(args: MigrationCase): Promise<{ signal: NodeJS.Signals | null; stderr: string }> {
  const child = spawn(process.execPath, ['--import', 'tsx', 'tests/support/migration-child.ts'], {
    cwd: ROOT,
    stdio: ['pipe', 'ignore', 'pipe'],
    timeout: CHILD_MS,
    env: { ...process.env, NODE_OPTIONS: '' },
  });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  child.stdin.on('error', () => undefined);
  child.stdin.end(JSON.stringify(args));
  return new Promise((resolve, reject) => {
    child.on('error', reject).on('close', (_code, signal) => {
      resolve({ signal, stderr });
    });
  });
}
