/** Steps with a secret on their stdin, and how each is made to fail. */
import { sql } from './places.js';
import { TEST_PREFIX, container, docker, inside } from '../test-stack.js';

export interface Failure {
  readonly what: string;
  /** Name of the resource. */
  readonly step: string;
  /** What the failed `up` says of it, so that the test knows that this is what failed. */
  readonly says: RegExp;
  readonly breakIt: () => Promise<unknown>;
  readonly mend: () => Promise<unknown>;
}

const FOLDER = '/opt/telegram-gateway';
const onHost = async (script: string) => inside('gateway-host', 'sh', '-c', script);

/** A shell script in a volume of the stack, mounted at `/v`. */
async function inVolume(volume: string, script: string): Promise<string> {
  const image = await docker('inspect', '--format', '{{.Image}}', container('gateway-host'));
  const mount = `${TEST_PREFIX}${volume}:/v`;
  return docker('run', '--rm', '--network', 'none', '-v', mount, '--entrypoint', 'sh', image, '-c', script);
}

export const FAILURES: readonly Failure[] = [
  {
    what: 'a command on the gateway host',
    step: 'gateway-credentials',
    says: /Not a directory|exit status|exit code|exited with status/,
    breakIt: async () => onHost(`cd ${FOLDER}; mv credentials credentials.kept; : > credentials`),
    mend: async () => onHost(`cd ${FOLDER}; rm -f credentials; mv credentials.kept credentials`),
  },
  {
    what: 'a one-shot that writes files into a volume',
    step: 'telegram-pgbouncer-userlist',
    says: /EISDIR|directory/,
    breakIt: async () => inVolume('telegram-pgbouncer-credentials', 'cd /v; mv userlist.txt kept; mkdir userlist.txt'),
    mend: async () => inVolume('telegram-pgbouncer-credentials', 'cd /v; rm -rf userlist.txt*; mv kept userlist.txt'),
  },
  {
    what: 'a statement that sets a password',
    step: 'telegram-migrations-roles',
    says: /role "?reader"? does not exist|INTERNAL/,
    breakIt: async () => sql('alter role reader rename to reader_kept'),
    mend: async () => sql('alter role reader_kept rename to reader'),
  },
];
