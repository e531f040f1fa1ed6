import { describe, expect, it } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import {
  credentialsScript,
  installScript,
  prepareScript,
  removeScript,
  serviceScript,
  sessionScript,
} from '../../../components/gateway-service/render.js';
import { namedAccounts } from '../../../components/gateway-service/named-accounts.js';
import { listReleasesScript, rollbackScript } from '../../../components/gateway-service/releases.js';
import { readinessScript } from '../../../components/gateway-service/readiness.js';
import {
  askableAddress,
  rootCommand,
  rootShell,
  startedAndHealthy,
} from '../../../components/gateway-service/shell.js';

const SERVICE_ARGS = {
  hash: '0123456789ab',
  nodeVersion: '24.21.0',
  unit: '[Unit]\nDescription=x\n',
  accountUnit: '[Unit]\nDescription=x of %i\n',
  environment: 'A="1"\n',
  healthAddress: '127.0.0.1:4006',
  accounts: [],
};
const SERVICE = serviceScript(SERVICE_ARGS);
const CREDENTIALS = credentialsScript({ epoch: 7, address: '127.0.0.1:4006' });
const INSTALL = installScript({
  hash: '0123456789ab',
  nodeVersion: '24.21.0',
  releaseArchive: 'release.tar.gz',
  nodeArchive: 'node.tar.gz',
});

describe('scripts of the gateway service', () => {
  it.each([
    ['prepare', prepareScript()],
    ['install', INSTALL],
    ['credentials', CREDENTIALS],
    ['session', sessionScript('/s')],
    ['service', SERVICE],
    ['service with accounts', serviceScript({ ...SERVICE_ARGS, accounts: namedAccounts(['a', 'b'], 4006) })],
    ['remove', removeScript()],
    ['readiness', readinessScript()],
    ['list of releases', listReleasesScript()],
    ['rollback', rollbackScript()],
    ['rollback to one', rollbackScript('0123456789ab')],
  ])('S3 %s is valid POSIX shell', (_, script) => {
    const { status, stderr } = spawnSync('sh', ['-n'], { input: script, encoding: 'utf8' });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  });

  it('S3 prepare makes the user, and folders that only their owners may read', () => {
    expect(prepareScript()).toBe(`set -eu
main() {
if ! id telegram-gateway >/dev/null 2>&1; then
  useradd --system --user-group --no-create-home --home-dir /opt/telegram-gateway --shell /usr/sbin/nologin telegram-gateway
fi
install -d -m 0755 /opt/telegram-gateway /opt/telegram-gateway/releases /opt/telegram-gateway/node /etc/telegram-gateway
install -d -m 0700 -o "\${SUDO_UID:-0}" -g "\${SUDO_GID:-0}" /opt/telegram-gateway/staging
install -d -m 0700 -o telegram-gateway -g telegram-gateway /opt/telegram-gateway/.session /opt/telegram-gateway/credentials
chown -R telegram-gateway:telegram-gateway /opt/telegram-gateway/.session /opt/telegram-gateway/credentials
}
main </dev/null
`);
  });

  it('S3 install unpacks under another name first, so that a release is complete or absent', () => {
    expect(INSTALL).toBe(`set -eu
main() {
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
unpack /opt/telegram-gateway/staging/node.tar.gz /opt/telegram-gateway/node/24.21.0 node
unpack /opt/telegram-gateway/staging/release.tar.gz /opt/telegram-gateway/releases/0123456789ab telegram.cjs
/opt/telegram-gateway/node/24.21.0/node --version >/dev/null || { echo "the shipped Node does not run here: $(uname -m)" >&2; exit 1; }
}
main </dev/null
`);
  });

  it('S4 credentials come from stdin into a 0600 file; a running service re-reads them and is waited for', () => {
    const file = '/opt/telegram-gateway/credentials/credentials.json';
    expect(CREDENTIALS).toBe(`set -eu
umask 077
cat > ${file}.new
[ -s ${file}.new ] || { echo "nothing arrived for ${file}" >&2; exit 1; }
changed=no
if cmp -s ${file}.new ${file}; then
  rm -f ${file}.new
else
  chown telegram-gateway:telegram-gateway ${file}.new
  mv -f ${file}.new ${file}
  changed=yes
fi
node=$(systemctl show --property ExecStart --value telegram-gateway.service | sed -n 's/^{ path=\\([^ ;]*\\).*/\\1/p')
systemctl reload 'telegram-gateway@*.service' 2>/dev/null || true
tries=0
while systemctl is-active --quiet telegram-gateway.service; do
  systemctl reload telegram-gateway.service || true
  "$node" -e 'fetch(process.argv[1], { signal: AbortSignal.timeout(2000) }).then((r) => process.exit(r.ok || r.status === 404 ? 0 : 1), () => process.exit(1))' http://127.0.0.1:4006/health/credentials/7 && exit 0
  tries=$((tries + 1))
  if [ "$tries" -ge 60 ]; then
    echo "telegram-gateway.service does not take over its new credentials, the former ones stay valid; its last lines:" >&2
    journalctl --unit telegram-gateway.service --lines 40 --no-pager --output cat >&2
    exit 1
  fi
  sleep 1
done
`);
  });

  it('S2 another session restarts the service', () => {
    expect(sessionScript('/opt/telegram-gateway/.session/default.session')).toContain(
      '[ "$changed" = no ] || ! systemctl is-active --quiet telegram-gateway.service || systemctl restart telegram-gateway.service\n',
    );
  });

  it('S1 S3 service changes files and link atomically and restarts only for a change', () => {
    expect(SERVICE).toContain(`put /etc/telegram-gateway/environment 0600 <<'ENVIRONMENT_FILE'
A="1"
ENVIRONMENT_FILE
for_this_systemd > /etc/systemd/system/telegram-gateway.service.rendered <<'UNIT_FILE'
[Unit]
Description=x
UNIT_FILE
put /etc/systemd/system/telegram-gateway.service 0644 < /etc/systemd/system/telegram-gateway.service.rendered
rm -f /etc/systemd/system/telegram-gateway.service.rendered
for_this_systemd > /etc/systemd/system/telegram-gateway@.service.rendered <<'UNIT_FILE'
[Unit]
Description=x of %i
UNIT_FILE
put /etc/systemd/system/telegram-gateway@.service 0644 < /etc/systemd/system/telegram-gateway@.service.rendered
rm -f /etc/systemd/system/telegram-gateway@.service.rendered
if [ "$(readlink /opt/telegram-gateway/current || true)" != releases/0123456789ab ]; then
  touch /opt/telegram-gateway/releases/0123456789ab
  link_release 0123456789ab
  changed=yes
fi
systemctl daemon-reload
systemctl enable --quiet telegram-gateway.service
if [ "$changed" = yes ] || ! systemctl is-active --quiet telegram-gateway.service; then
  restart || failed "$why"
fi
healthy || failed "$why"
`);
    expect(SERVICE).toContain(`link_release() {
  ln -sfn "releases/$1" /opt/telegram-gateway/current.new
  mv -T /opt/telegram-gateway/current.new /opt/telegram-gateway/current
}`);
  });

  it('S1 service waits for health with a bound and shows the journal when it gives up', () => {
    expect(SERVICE).toContain(`    why='has failed'
    if systemctl is-failed --quiet telegram-gateway.service; then return 1; fi
    why="does not answer $url"
    [ "$tries" -lt 60 ] || return 1
    sleep 1
`);
    expect(SERVICE).toContain('journalctl --unit telegram-gateway.service --lines 40 --no-pager --output cat >&2');
  });

  it('S1 S3 a start that systemd refuses has failed at once, whatever the units of further accounts say', () => {
    const script = `systemctl() { [ "$1" != restart ]; }\n${startedAndHealthy('node', '127.0.0.1:4006')}\nrestart || echo "$why"`;
    expect(spawnSync('sh', ['-euc', script], { encoding: 'utf8', timeout: 10_000 }).stdout).toBe('does not start\n');
  });

  it('S1 service keeps of the unit what this systemd and this kernel can do', () => {
    expect(SERVICE).toContain("notify='s/^NotifyAccess=all$/NotifyAccess=main/'; else notify='/^OpenFile=/d'");
    expect(SERVICE).toContain("--property=ProtectProc=invisible /bin/true 2>/dev/null || users='/^PrivateUsers=/d'");
    expect(SERVICE).toContain('sed -e "$notify" -e "$users"');
  });

  it('S3 service keeps five releases', () => {
    expect(SERVICE).toContain(`for old in $(ls -1t /opt/telegram-gateway/releases | tail -n +6); do
  [ "$old" = 0123456789ab ] || rm -rf "/opt/telegram-gateway/releases/$old"
done
`);
  });

  it('S2 remove leaves the sessions', () => {
    expect(removeScript()).toBe(`systemctl disable --now telegram-gateway.service 2>/dev/null || true
systemctl stop 'telegram-gateway@*.service' || true
rm -f /etc/systemd/system/telegram-gateway.service /etc/systemd/system/telegram-gateway@.service /etc/systemd/system/multi-user.target.wants/telegram-gateway@*.service
systemctl daemon-reload || true
systemctl reset-failed telegram-gateway.service 2>/dev/null || true
rm -rf /opt/telegram-gateway/releases /opt/telegram-gateway/current /opt/telegram-gateway/node /opt/telegram-gateway/staging /opt/telegram-gateway/credentials /etc/telegram-gateway
rmdir /opt/telegram-gateway/.session /opt/telegram-gateway 2>/dev/null || true
[ -d /opt/telegram-gateway/.session ] || userdel telegram-gateway 2>/dev/null || true
`);
  });
});

describe('going back to another release', () => {
  it('S3 takes the release that was installed before the current one', () => {
    expect(rollbackScript()).toContain(`to= seen=
for hash in $(ls -1t /opt/telegram-gateway/releases); do
  if [ -z "$to" ] && [ -n "$seen" ]; then to=$hash; fi
  if [ "$hash" = "$from" ]; then seen=yes; fi
done
`);
  });

  it('S3 a release that does not get healthy is left again', () => {
    expect(rollbackScript('0123456789ab')).toContain(`  link_release "$to"
  if ! { restart && healthy; }; then
    journal "release $to $why"
    link_release "$from"
    restart && healthy || journal "$why"
`);
  });

  it('S3 what is no hash never gets into the script', () => {
    expect(() => rollbackScript('$(reboot)')).toThrow('"$(reboot)" is no release');
  });
});

describe('running as root', () => {
  it('S1 health is asked for on loopback where the service listens everywhere', () => {
    expect([askableAddress('0.0.0.0', 4006), askableAddress('10.0.0.5', 4006)]).toEqual([
      '127.0.0.1:4006',
      '10.0.0.5:4006',
    ]);
  });

  it('S3 uses sudo for anybody else', () => {
    expect([rootShell('root'), rootShell('deploy')]).toEqual(['sh -s', 'sudo -n sh -s']);
    expect(rootCommand('deploy', 'echo hi')).toBe("sudo -n sh -c 'echo hi'");
  });

  it('S3 quotes a script so that the shell hands it on unchanged', () => {
    const { stdout } = spawnSync('sh', ['-c', rootCommand('root', `printf '%s|' "it's" '$HOME'`)], {
      encoding: 'utf8',
    });
    expect(stdout).toBe("it's|$HOME|");
  });
});
