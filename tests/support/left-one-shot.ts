import { INSTANCE_LABEL, ONE_SHOT_LABEL } from '../../components/stack-context.js';
import { docker } from './test-stack.js';

/** What a killed tool leaves: a one-shot of the stack that runs on, with an address in its network. Where there is no stack, none. */
export async function leaveOneShot(prefix: string): Promise<string | null> {
  const [host] = (await docker('ps', '-q', '--filter', `name=^${prefix}telegram-pgbouncer$`))
    .split('\n')
    .filter(Boolean);
  if (host === undefined) return null;
  const facts = `{{.Image}} {{index .Config.Labels "${INSTANCE_LABEL}"}}`;
  const [image = '', instance = ''] = (await docker('inspect', '--format', facts, host)).split(' ');
  const name = `${prefix}telegram-bench-left`;
  await docker(
    ...['run', '-d', '--name', name, '--label', `${ONE_SHOT_LABEL}=${instance}`],
    ...['--network', `${prefix}telegram-network`, '--entrypoint', 'sleep', image, '3600'],
  );
  return name;
}
