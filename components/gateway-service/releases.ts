/**
 * The releases on a gateway host, as shell scripts: what is there, and back to an older one by a re-link. POSIX sh, run as
 * root. Nothing is downloaded or removed; a release that does not become healthy is left again at once.
 */
import { GATEWAY_PATHS, GATEWAY_UNIT } from '../../runtime/contract.js';
import { LINK_RELEASE, script, startedAndHealthy } from './shell.js';

/** Exit code of the roll-back when the wanted release is not on the host. */
export const NO_SUCH_RELEASE = 3;

/** One line a release, the newest installation first: hash, when it was installed (UTC), `current` or `-`. */
export function listReleasesScript(): string {
  const { releases, current } = GATEWAY_PATHS;
  return script(`
now=$(basename "$(readlink ${current})")
for hash in $(ls -1t ${releases}); do
  mark=-
  [ "$hash" != "$now" ] || mark=current
  echo "$hash $(date -u -r ${releases}/$hash +%Y-%m-%dT%H:%M:%SZ) $mark"
done
`);
}

/**
 * Links `wanted`, or the release installed before the current one, and restarts; on stdout `FROM TO`. The unit stays as it
 * is: an older release runs with the Node and the settings of the newest.
 */
export function rollbackScript(wanted?: string): string {
  if (wanted !== undefined && !/^[0-9a-f]+$/.test(wanted)) throw new RangeError(`"${wanted}" is no release`);
  const { releases, current, unit, environment } = GATEWAY_PATHS;
  return script(`
${startedAndHealthy('"$node"', '$address')}
${LINK_RELEASE}
node=$(sed -n 's/^ExecStart=\\([^ ]*\\) .*/\\1/p' ${unit})
setting() { sed -n "s/^$1=\\"\\(.*\\)\\"/\\1/p" ${environment}; }
host=$(setting TELEGRAM_LISTEN_HOST)
[ "$host" != 0.0.0.0 ] || host=127.0.0.1
address="$host:$(setting TELEGRAM_LISTEN_PORT)"
from=$(basename "$(readlink ${current})")
to=${wanted ?? ''} seen=
for hash in $(ls -1t ${releases}); do
  if [ -z "$to" ] && [ -n "$seen" ]; then to=$hash; fi
  if [ "$hash" = "$from" ]; then seen=yes; fi
done
if [ -z "$to" ]; then
  echo "no release older than $from is on this host" >&2
  exit ${String(NO_SUCH_RELEASE)}
fi
if [ ! -f "${releases}/$to/telegram.cjs" ]; then
  echo "release $to is not on this host; there are: $(ls -1t ${releases} | tr '\\n' ' ')" >&2
  exit ${String(NO_SUCH_RELEASE)}
fi
if [ "$from" != "$to" ]; then
  link_release "$to"
  if ! { restart && healthy; }; then
    journal "release $to $why"
    link_release "$from"
    restart && healthy || journal "$why"
    echo "${GATEWAY_UNIT} is back on release $from" >&2
    exit 1
  fi
fi
echo "$from $to"
`);
}
