/** The files of running containers in which a secret stands. */
import { execFileSync } from 'node:child_process';
import { inspectAll, type Inspected } from '../test-stack.js';
import type { Secret } from './collect.js';
import { LOOKING, partOf } from './places.js';

export interface FoundFile {
  /** `part:path`. */
  readonly where: string;
  /** As `stat` has it, for example `400`. */
  readonly mode: string;
  /** `uid:gid`. */
  readonly owner: string;
}

/** Only the gateway host writes into its own root; a machine's folders that change. */
const WRITTEN_ON_HOST = ['/etc', '/home', '/opt', '/root', '/run', '/tmp', '/var'];

/**
 * Searches all that a container may have written: its volumes, its tmpfs, shared memory, and of the gateway host the
 * root. The patterns travel by stdin to a helper container that sees the others' files under /proc.
 */
export async function filesWithSecrets(secrets: readonly Secret[], helper: string): Promise<FoundFile[]> {
  const containers = await inspectAll();
  const targets = containers.flatMap((container) =>
    foldersOf(container).map((folder) => `${partOf(container)}:${String(container.State.Pid)}:${folder}`),
  );
  const script = `cat > /patterns/all
for target; do
  part=\${target%%:*} rest=\${target#*:}
  root=/proc/\${rest%%:*}/root
  grep -rlaF -f /patterns/all -- "$root\${rest#*:}" 2>/dev/null | while read -r file; do
    echo "$part:\${file#"$root"} $(stat -c '%a %u:%g' "$file")"
  done
done; true`;
  const run = [...LOOKING, '--tmpfs', '/patterns'];
  const output = execFileSync('docker', [...run, '--entrypoint', 'sh', helper, '-c', script, 'sh', ...targets], {
    input: secrets.flatMap(({ texts }) => texts).join('\n'),
    maxBuffer: 64 * 2 ** 20,
    timeout: 300_000,
  });
  return output
    .toString()
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [where = '', mode = '', owner = ''] = line.split(' ');
      return { where, mode, owner };
    });
}

function foldersOf(container: Inspected): string[] {
  if (partOf(container) === 'gateway-host') return [...WRITTEN_ON_HOST, '/dev/shm'];
  const volumes = container.Mounts.filter(({ Type }) => Type === 'volume').map(({ Destination }) => Destination);
  return [...volumes, ...Object.keys(container.HostConfig.Tmpfs ?? {}), '/dev/shm'];
}
