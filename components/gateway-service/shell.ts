/** What the scripts for the gateway host share: how they become root, and how they start the unit and wait for it. */
import { ACCOUNT_UNITS, GATEWAY_PATHS, GATEWAY_UNIT } from '../../runtime/contract.js';

const HEALTH_TRIES = 60;
export const JOURNAL_LINES = 40;

/** Shell words: the Node.js that the installed unit starts; empty where none is installed. */
export const UNIT_NODE = `$(sed -n 's/^ExecStart=\\([^ ]*\\) .*/\\1/p' ${GATEWAY_PATHS.unit} 2>/dev/null || true)`;

/** Where the machine itself asks for health, from the address that the service listens on. */
export function askableAddress(listen: string, port: number): string {
  return `${listen === '0.0.0.0' ? '127.0.0.1' : listen}:${String(port)}`;
}

/** Shell that reads a script from stdin, as root. */
export function rootShell(user: string): string {
  return user === 'root' ? 'sh -s' : 'sudo -n sh -s';
}

/** A whole script as one command, as root, with stdin left to the script. */
export function rootCommand(user: string, text: string): string {
  const quoted = `'${text.trim().replaceAll("'", `'\\''`)}'`;
  return user === 'root' ? `sh -c ${quoted}` : `sudo -n sh -c ${quoted}`;
}

/** A function body: the shell has read all of it before anything runs, and nothing in it can eat the rest of stdin. */
export function script(body: string): string {
  return `set -eu\nmain() {\n${body.trim()}\n}\nmain </dev/null\n`;
}

/** Shell function `link_release HASH`: points `current` there, in one step. */
export const LINK_RELEASE = `link_release() {
  ln -sfn "releases/$1" ${GATEWAY_PATHS.current}.new
  mv -T ${GATEWAY_PATHS.current}.new ${GATEWAY_PATHS.current}
}`;

/**
 * Shell functions `restart` and `healthy`, which set `why` when they fail, and `failed WHY`, which shows the end of the
 * journal and ends the script. `node` and `address` (`host:port` to ask for health) are shell words.
 */
export function startedAndHealthy(node: string, address: string): string {
  return `restart() {
  why='does not start'
  systemctl reset-failed ${GATEWAY_UNIT} 2>/dev/null || true
  systemctl restart ${GATEWAY_UNIT} || return 1
  # Those of further accounts run the same release.
  systemctl try-restart '${ACCOUNT_UNITS}' || true
}
healthy() {
  tries=0
  url="http://${address}/health/live"
  until ${node} -e 'fetch(process.argv[1], { signal: AbortSignal.timeout(2000) }).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))' "$url"; do
    tries=$((tries + 1))
    why='has failed'
    if systemctl is-failed --quiet ${GATEWAY_UNIT}; then return 1; fi
    why="does not answer $url"
    [ "$tries" -lt ${String(HEALTH_TRIES)} ] || return 1
    sleep 1
  done
}
journal() {
  echo "${GATEWAY_UNIT}: $1; its last lines:" >&2
  journalctl --unit ${GATEWAY_UNIT} --lines ${String(JOURNAL_LINES)} --no-pager --output cat >&2
}
failed() {
  journal "$1"
  exit 1
}`;
}
