import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Who listens on a local TCP port, and the command that stops it, as far as this user may see. */
export async function portHolder(port: number): Promise<{ readonly who: string; readonly stop: string }> {
  const found = await run('ss', ['-H', '-ltnp', `sport = :${String(port)}`]).then(
    ({ stdout }) => /\("([^"]+)",pid=(\d+)/.exec(stdout),
    () => null,
  );
  if (!found) return { who: 'another process', stop: `sudo fuser -k ${String(port)}/tcp` };
  const [, name = 'process', pid = '?'] = found;
  return { who: `${name} (process ${pid})`, stop: `kill ${pid}` };
}
