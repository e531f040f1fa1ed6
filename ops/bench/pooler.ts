import { DATABASE, PORTS } from '../../runtime/contract.js';
import { USERLIST_PATH, userlist } from '../../components/pgbouncer/render.js';
import { ONE_SHOT_LABEL } from '../../components/stack-context.js';
import { UserError } from '../../stack/errors.js';
import type { RunningStack } from '../context.js';
import { container } from '../doctor/fix.js';
import { wayTo } from './way.js';

export interface Pooler {
  readonly container: string;
  readonly host: string;
  readonly port: number;
}

export interface PoolerOptions {
  readonly name: string;
  /** Database behind it, in place of the stack's own. */
  readonly database: string;
  readonly role: string;
  /** As the server has it. */
  readonly verifier: string;
}

/** A pooler that nobody removes ends by itself. */
const LIFE_S = 3_600;
const CONFIGURATION = '/tmp/pgbouncer.ini';
const USERLIST = '/tmp/userlist.txt';
/** Only verifiers go by the command line. */
const START = `umask 077; printf %s "$1" >${CONFIGURATION}; printf %s "$2" >${USERLIST}; exec timeout ${String(LIFE_S)} pgbouncer ${CONFIGURATION}`;

/** A second PgBouncer like the stack's own, with its image, its settings and its limits, before another database. */
export async function startPooler(stack: RunningStack, options: PoolerOptions): Promise<Pooler> {
  const { hosts, outputs } = stack;
  const original = container(stack, 'pgbouncer');
  const docker = hosts.at(original);
  const address = outputs.services['pgbouncer'];
  if (!address) throw new UserError('USAGE', 'bench needs pgbouncer in the stack, and this one has none');
  const ini = (await docker.docker(['exec', original, 'cat', '/etc/pgbouncer/pgbouncer.ini']))
    .replaceAll(`dbname=${DATABASE}`, `dbname=${options.database}`)
    .replace(USERLIST_PATH, USERLIST);
  const [image = '', network = '', nanoCpus = '', memory = ''] = (
    await docker.docker(['inspect', '--format', FACTS, original])
  ).split('\n');
  await docker.docker([
    ...['run', '--detach', '--rm', '--name', options.name, '--label', `${ONE_SHOT_LABEL}=${outputs.instance}`],
    ...['--network', network, '--publish', `${address.host}::${String(PORTS.pgbouncer)}`],
    ...['--cpus', String(Number(nanoCpus) / 1e9), '--memory', memory, '--entrypoint', 'sh', image],
    ...['-c', START, 'sh', ini, userlist([{ role: options.role, verifier: options.verifier }])],
  ]);
  const published = await docker.docker(['port', options.name, `${String(PORTS.pgbouncer)}/tcp`]);
  const port = Number(published.split('\n')[0]?.split(':').at(-1));
  const way = await wayTo(docker, options.name, PORTS.pgbouncer, { host: address.host, port });
  return { container: options.name, ...way };
}

const FACTS =
  '{{.Image}}\n{{range $name, $_ := .NetworkSettings.Networks}}{{$name}}{{end}}\n{{.HostConfig.NanoCpus}}\n{{.HostConfig.Memory}}';
