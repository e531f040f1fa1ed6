/**
 * The shell scripts that install the gateway on a host with systemd, as pure text. POSIX sh, run as root, each idempotent;
 * beside systemd they need what every Debian or Red Hat has: coreutils, tar, gzip, cmp, useradd.
 */
import { ACCOUNT_UNITS, GATEWAY_PATHS, GATEWAY_UNIT, GATEWAY_USER } from '../../runtime/contract.js';
import { keepAccounts, type NamedAccount } from './named-accounts.js';
import { JOURNAL_LINES, LINK_RELEASE, script, startedAndHealthy } from './shell.js';
import { nodePath } from './unit.js';

/** Where archives are copied to, by the login user, before root unpacks them. */
export const STAGING = `${GATEWAY_PATHS.root}/staging`;
/** Releases that stay on the host, the current one included. */
const KEEP_RELEASES = 5;
/** Times that the service is asked whether it uses its new credentials, a second apart. */
const CHANGE_OVER_TRIES = 60;

/** User, folders, owners. The session folder is the service's own, so is the one with the credentials. */
export function prepareScript(): string {
  const { root, releases, sessions, credentials, environment } = GATEWAY_PATHS;
  return script(`
if ! id ${GATEWAY_USER} >/dev/null 2>&1; then
  useradd --system --user-group --no-create-home --home-dir ${root} --shell /usr/sbin/nologin ${GATEWAY_USER}
fi
install -d -m 0755 ${root} ${releases} ${root}/node ${folderOf(environment)}
install -d -m 0700 -o "\${SUDO_UID:-0}" -g "\${SUDO_GID:-0}" ${STAGING}
install -d -m 0700 -o ${GATEWAY_USER} -g ${GATEWAY_USER} ${sessions} ${folderOf(credentials)}
chown -R ${GATEWAY_USER}:${GATEWAY_USER} ${sessions} ${folderOf(credentials)}
`);
}

export interface InstallArgs {
  readonly hash: string;
  readonly nodeVersion: string;
  /** File names inside the staging folder. */
  readonly releaseArchive: string;
  readonly nodeArchive: string;
}

/** Unpacks what is not there yet. A folder appears under its final name only when it is complete. */
export function installScript({ hash, nodeVersion, releaseArchive, nodeArchive }: InstallArgs): string {
  const node = nodePath(nodeVersion);
  return script(`
unpack() {
  if [ ! -e "$2/$3" ]; then
    rm -rf "$2.new"
    mkdir -p "$2.new"
    tar -xzf "$1" --no-same-owner -C "$2.new"
    rm -rf "$2"
    mv -T "$2.new" "$2"
  fi
  rm -f "$1"
}
umask 022
unpack ${STAGING}/${nodeArchive} ${folderOf(node)} node
unpack ${STAGING}/${releaseArchive} ${GATEWAY_PATHS.releases}/${hash} telegram.cjs
${node} --version >/dev/null || { echo "the shipped Node does not run here: $(uname -m)" >&2; exit 1; }
`);
}

/**
 * Takes the credentials from stdin. A running service re-reads them, nothing restarts, and is waited for until all of its
 * connections use them. An older release cannot tell (404), and is replaced next.
 */
export function credentialsScript({ epoch, address }: { readonly epoch: number; readonly address: string }): string {
  const url = `http://${address}/health/credentials/${String(epoch)}`;
  return `${secretFile(GATEWAY_PATHS.credentials)}node=$(systemctl show --property ExecStart --value ${GATEWAY_UNIT} | sed -n 's/^{ path=\\([^ ;]*\\).*/\\1/p')
systemctl reload '${ACCOUNT_UNITS}' 2>/dev/null || true
tries=0
while systemctl is-active --quiet ${GATEWAY_UNIT}; do
  systemctl reload ${GATEWAY_UNIT} || true
  "$node" -e 'fetch(process.argv[1], { signal: AbortSignal.timeout(2000) }).then((r) => process.exit(r.ok || r.status === 404 ? 0 : 1), () => process.exit(1))' ${url} && exit 0
  tries=$((tries + 1))
  if [ "$tries" -ge ${String(CHANGE_OVER_TRIES)} ]; then
    echo "${GATEWAY_UNIT} does not take over its new credentials, the former ones stay valid; its last lines:" >&2
    journalctl --unit ${GATEWAY_UNIT} --lines ${String(JOURNAL_LINES)} --no-pager --output cat >&2
    exit 1
  fi
  sleep 1
done
`;
}

/** Takes the session from stdin. A service that runs on another one is restarted. */
export function sessionScript(path: string): string {
  return `${secretFile(path)}[ "$changed" = no ] || ! systemctl is-active --quiet ${GATEWAY_UNIT} || systemctl restart ${GATEWAY_UNIT}
`;
}

/** A 0600 file of the service's, from stdin, replaced only when it differs. */
function secretFile(path: string): string {
  return `set -eu
umask 077
cat > ${path}.new
[ -s ${path}.new ] || { echo "nothing arrived for ${path}" >&2; exit 1; }
changed=no
if cmp -s ${path}.new ${path}; then
  rm -f ${path}.new
else
  chown ${GATEWAY_USER}:${GATEWAY_USER} ${path}.new
  mv -f ${path}.new ${path}
  changed=yes
fi
`;
}

export interface ServiceArgs {
  readonly hash: string;
  readonly nodeVersion: string;
  readonly unit: string;
  /** Template of the units of further accounts. */
  readonly accountUnit: string;
  readonly environment: string;
  /** `host:port` where the machine itself asks for health. */
  readonly healthAddress: string;
  readonly accounts: readonly NamedAccount[];
}

/**
 * Unit, environment, `current` link; restarts when one of them changed or the service does not run; waits until it
 * answers. On failure the journal's last lines are shown.
 */
export function serviceScript(args: ServiceArgs): string {
  const { hash, nodeVersion, unit, accountUnit, environment, healthAddress, accounts } = args;
  const { root, releases, current } = GATEWAY_PATHS;
  return script(`
${startedAndHealthy(nodePath(nodeVersion), healthAddress)}
${LINK_RELEASE}
changed=no
put() {
  cat > "$1.new"
  chmod "$2" "$1.new"
  if cmp -s "$1.new" "$1"; then rm -f "$1.new"; else mv -f "$1.new" "$1"; changed=yes; fi
}
# 253 and newer open the notify socket for the service; before, its messages come from a child process. Some kernels and
# containers refuse the mapping of users.
for_this_systemd() {
  set -- $(systemctl --version)
  if [ "\${2%%[!0-9]*}" -ge 253 ]; then notify='s/^NotifyAccess=all$/NotifyAccess=main/'; else notify='/^OpenFile=/d'; fi
  users=
  systemd-run --quiet --wait --collect --property=User=${GATEWAY_USER} --property=PrivateUsers=yes \\
    --property=ProtectProc=invisible /bin/true 2>/dev/null || users='/^PrivateUsers=/d'
  sed -e "$notify" -e "$users"
}
umask 077
put ${GATEWAY_PATHS.environment} 0600 <<'ENVIRONMENT_FILE'
${environment.trimEnd()}
ENVIRONMENT_FILE
${putUnit(GATEWAY_PATHS.unit, unit)}
${putUnit(GATEWAY_PATHS.accountUnit, accountUnit)}
if [ "$(readlink ${current} || true)" != releases/${hash} ]; then
  touch ${releases}/${hash}
  link_release ${hash}
  changed=yes
fi
systemctl daemon-reload
systemctl enable --quiet ${GATEWAY_UNIT}
if [ "$changed" = yes ] || ! systemctl is-active --quiet ${GATEWAY_UNIT}; then
  restart || failed "$why"
fi
healthy || failed "$why"
${keepAccounts(accounts)}
for old in $(ls -1t ${releases} | tail -n +${String(KEEP_RELEASES + 1)}); do
  [ "$old" = ${hash} ] || rm -rf "${releases}/$old"
done
for old in ${root}/node/*; do
  [ "$old" = ${root}/node/${nodeVersion} ] || rm -rf "$old"
done
echo "changed=$changed"
`);
}

/** Shell lines that write a unit file as this systemd can have it. */
function putUnit(path: string, text: string): string {
  return `for_this_systemd > ${path}.rendered <<'UNIT_FILE'
${text.trimEnd()}
UNIT_FILE
put ${path} 0644 < ${path}.rendered
rm -f ${path}.rendered`;
}

/** Takes everything away but the sessions: a login survives `destroy`. Where there is none, nothing stays. */
export function removeScript(): string {
  const { root, releases, current, sessions, credentials, environment, unit, accountUnit } = GATEWAY_PATHS;
  return `systemctl disable --now ${GATEWAY_UNIT} 2>/dev/null || true
systemctl stop '${ACCOUNT_UNITS}' || true
rm -f ${unit} ${accountUnit} ${folderOf(unit)}/multi-user.target.wants/${ACCOUNT_UNITS}
systemctl daemon-reload || true
systemctl reset-failed ${GATEWAY_UNIT} 2>/dev/null || true
rm -rf ${releases} ${current} ${root}/node ${STAGING} ${folderOf(credentials)} ${folderOf(environment)}
rmdir ${sessions} ${root} 2>/dev/null || true
[ -d ${sessions} ] || userdel ${GATEWAY_USER} 2>/dev/null || true
`;
}

function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/'));
}
