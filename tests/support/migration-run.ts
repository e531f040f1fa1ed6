import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { ClientConfig } from 'pg';
import type { Step } from '../../ops/migrate/journal.js';
import { moveInto } from '../../ops/migrate/move.js';
import { DockerOldGateway } from '../../ops/migrate/old-gateway.js';
import type { Report } from '../../ops/migrate/report.js';
import type { Ends } from '../../ops/migrate/settings.js';
import { SCHEMA } from '../../runtime/contract.js';
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
  /** As `retention.messagesDays`. @default 0 */
  readonly messagesDays?: number;
  /** Account of the session, as Telegram would say. @default that of the source */
  readonly owner?: string;
  /** The process kills itself when this step begins, or when so many parts were copied. */
  readonly killAt?: Step | number;
}

export const gatewayOf = ({ folder, owner }: MigrationCase) => new FolderGateway(join(folder, 'gateway'), owner);

/** Both ends as a stack would name them; the applications' env file is `application.env` of the folder, where there is one. */
export function endsOf(args: MigrationCase): Ends {
  const { host = '', port = 0, user = '', database = '', password } = args.source;
  const config = {
    ...{ host, port, database, schema: SCHEMA, user, password: String(password), tls: false },
    ...{ sessions: args.old.sessions, session: 'default', container: args.old.container },
  };
  const docker = new DockerHost('');
  const file = join(args.folder, 'application.env');
  return {
    config,
    retention: { messagesDays: args.messagesDays ?? 0, outcomesDays: 0 },
    name: `${host}:${String(port)}/${database}.${SCHEMA}`,
    source: { client: args.source, schema: SCHEMA },
    authorities: undefined,
    target: args.target,
    old: new DockerOldGateway(docker, config),
    fresh: gatewayOf(args),
    docker,
    container: null,
    dumpFrom: config.container,
    folder: join(args.folder, 'backup'),
    connections: existsSync(file) ? { file, url: 'postgresql://the-new-one' } : null,
  };
}

/** `npm run migrate` in this process. */
export async function migrateCase(args: MigrationCase): Promise<Report> {
  const kill = () => process.kill(process.pid, 'SIGKILL');
  const { report } = await moveInto(endsOf(args), {
    setAside: args.setAside ?? false,
    say: (line) => {
      const [, parts] = /^ {2}(\d+) of \d+ parts$/.exec(line) ?? [];
      if (typeof args.killAt === 'number' && Number(parts) >= args.killAt) kill();
    },
    onStep: (step) => {
      if (step === args.killAt) kill();
    },
  });
  return report;
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
