import { existsSync } from 'node:fs';
import { INSTANCE_LABEL } from '../../components/stack-context.js';
import type { DockerHost } from '../../stack/docker-host.js';
import { UserError } from '../../stack/errors.js';
import { say } from '../output.js';
import { runPulumi } from '../pulumi-cli.js';
import type { StackFolder } from '../stack-folder.js';
import { FileBackend, isDead } from './file-backend.js';
import { removeLeftOneShots } from './left-one-shots.js';

/** Grace of a container that is removed, in seconds. */
const GRACE_S = '60';

/** Throws when the CLI's state or its passphrase is not what it should be; nothing is asked, nothing is changed. */
export function checkState(folder: StackFolder): FileBackend | null {
  const backend = FileBackend.of(folder);
  backend?.read();
  if (backend && !existsSync(folder.passphraseFile) && !hasOwnPassphrase())
    throw new UserError('PASSPHRASE_MISSING', `${folder.passphraseFile} is missing, and the state was sealed with it`);
  return backend;
}

function hasOwnPassphrase(): boolean {
  return Boolean(process.env['PULUMI_CONFIG_PASSPHRASE'] ?? process.env['PULUMI_CONFIG_PASSPHRASE_FILE']);
}

/**
 * Before the CLI starts: what a killed run left is cleared, so that this one goes on. Its lock, and containers and networks
 * that it had made but not yet recorded, whose names the CLI would find taken. Volumes are taken over as they are.
 * On failure: another run that lives is named; nothing was changed.
 */
export async function clearTheWay(folder: StackFolder, cli: string): Promise<void> {
  const backend = checkState(folder);
  if (!backend) return;
  await clearLocks(backend, folder, cli);
  const { ids, hasPending } = backend.read();
  await removeLeftOneShots(folder.dockers, folder.instance);
  for (const docker of folder.dockers) await removeStrays(docker, folder.instance, ids);
  if (!hasPending) return;
  say('• forgetting what a killed run had only begun');
  await runPulumi(
    folder,
    cli,
    ['refresh', '--yes', '--skip-preview', '--clear-pending-creates', '--non-interactive'],
    'follow',
  );
}

/** Containers and networks on one Docker host that no state knows. */
async function removeStrays(docker: DockerHost, instance: string, ids: ReadonlySet<string>): Promise<void> {
  const own = ['--no-trunc', '--filter', `label=${INSTANCE_LABEL}=${instance}`];
  const strays = async (list: readonly string[]) =>
    (await docker.docker([...list, '-q', ...own])).split('\n').filter((id) => id !== '' && !ids.has(id));
  for (const id of await strays(['ps', '-a'])) {
    const name = (await docker.docker(['inspect', '--format', '{{.Name}}', id])).slice(1);
    say(`• removing ${name}, which a killed run made and did not record`);
    await docker.docker(['stop', '--time', GRACE_S, id]);
    await docker.docker(['rm', id]);
  }
  for (const id of await strays(['network', 'ls'])) {
    say('• removing a network that a killed run made and did not record');
    await docker.docker(['network', 'rm', id]);
  }
}

async function clearLocks(backend: FileBackend, folder: StackFolder, cli: string): Promise<void> {
  const locks = backend.locks();
  const [lock] = locks;
  if (!lock) return;
  const alive = locks.find((one) => !isDead(one));
  if (alive)
    throw new UserError(
      'LOCKED',
      `another run holds stack "${folder.stack}": ${alive.username} on ${alive.hostname}, process ${String(alive.pid)}, since ${alive.timestamp}`,
    );
  say(
    `• the run of ${lock.username} of ${lock.timestamp} was killed (process ${String(lock.pid)}); its lock is removed`,
  );
  await runPulumi(folder, cli, ['cancel', '--yes'], 'capture');
}
