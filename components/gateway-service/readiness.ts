import { placeOf } from './accounts.js';
import { UNIT_NODE } from './shell.js';

/**
 * Asks an account's gateway on its own host whether it is ready, as a POSIX script for root: health may listen on the host's
 * loopback alone. Its answer, a JSON document, is on stdout; without one, why, on stderr.
 */
export function readinessScript(account?: string): string {
  return `set -eu
node=${UNIT_NODE}
[ -x "$node" ] || { echo 'the gateway is not installed on this host' >&2; exit 1; }
${placeOf(account)
  .environment.map((file) => `. ${file}`)
  .join('\n')}
host=$TELEGRAM_LISTEN_HOST
[ "$host" != 0.0.0.0 ] || host=127.0.0.1
url="http://$host:$TELEGRAM_LISTEN_PORT/health/ready"
"$node" -e '
const url = process.argv[1];
fetch(url, { signal: AbortSignal.timeout(8000) }).then(
  async (answer) => process.stdout.write(await answer.text()),
  (error) => {
    console.error("no answer from " + url + ": " + (error.cause?.code ?? error.message));
    process.exitCode = 1;
  },
);' "$url" </dev/null
`;
}
