import { describe, expect, it } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { CAPABILITIES, SYSTEMD_CONTAINER, keyFiles } from '../../../components/gateway-host/render.js';
import { changeOverScript, commandOf, healthOf } from '../../../components/runtime-service/render.js';

describe('runtime containers', () => {
  it('D7 D15 run the production bundle with a heap that fits the limit', () => {
    expect(commandOf('api', 192)).toEqual({
      entrypoint: ['/app/node', '--max-old-space-size=124', '/app/telegram.cjs'],
      command: ['api'],
    });
  });

  it('R10 the simulator is a bundle of its own', () => {
    expect(commandOf('simulator', 200)).toEqual({
      entrypoint: ['/app/node', '--max-old-space-size=130', '/app/simulator.cjs'],
      command: [],
    });
  });

  it('D7 are healthy while they live: readiness does not count', () => {
    expect(healthOf(4010)).toEqual(['/app/probe', '4010', '/health/live']);
  });
});

describe('telling a running container its new credentials', () => {
  const script = changeOverScript({ container: 'telegram-consumer', port: 4011, epoch: 7 });
  /** Runs the script with a `docker` that answers as given. */
  const run = (docker: string) =>
    spawnSync('sh', ['-c', `sleep() { :; }; docker() { ${docker}; }\n${script}`], {
      encoding: 'utf8',
      env: { PATH: process.env['PATH'], IMAGE: 'sha256:new' },
    });

  it('O5 asks until all of its connections use them', () => {
    const { status, stdout } = run(
      'case $1 in inspect) echo sha256:new ;; kill) ;; exec) echo "$@"; n=$((n + 1)); [ "$n" = 3 ] ;; esac',
    );
    const probe = 'exec telegram-consumer /app/probe 4011 /health/credentials/7\n';
    expect([status, stdout]).toEqual([0, probe.repeat(3)]);
  });

  it('O5 fails with the command that tells why when it never does', () => {
    const { status, stderr } = run('case $1 in inspect) echo sha256:new ;; kill) ;; exec) return 1 ;; esac');
    expect(status).toBe(1);
    expect(stderr).toContain('telegram-consumer does not take over its new credentials');
    expect(stderr).toContain('docker logs telegram-consumer');
  });

  it.each([
    ['does not exist', 'return 1'],
    ['does not run', 'case $1 in inspect) echo sha256:new ;; *) return 1 ;; esac'],
    ['is of another image and replaced next', 'case $1 in inspect) echo sha256:old ;; *) exit 9 ;; esac'],
  ])('O5 does not wait for one that %s', (_, docker) => {
    expect(run(docker).status).toBe(0);
  });
});

describe('the gateway host container', () => {
  it('S6 has a cgroup namespace of its own and mounts nothing of the host', () => {
    expect(SYSTEMD_CONTAINER).toEqual({
      cgroupnsMode: 'private',
      securityOpts: ['seccomp=unconfined', 'apparmor=unconfined', 'no-new-privileges:true'],
      stopSignal: 'SIGRTMIN+3',
      tmpfs: {
        '/run': 'rw,nosuid,nodev,mode=755,size=64m',
        '/run/lock': 'rw,nosuid,nodev,noexec,size=4m',
        '/tmp': 'rw,nosuid,nodev,size=64m',
      },
    });
  });

  it('S6 has the capabilities of a small machine and no more, sorted as the daemon reports them', () => {
    expect([...CAPABILITIES]).toEqual([...CAPABILITIES].sort());
    expect(CAPABILITIES).toHaveLength(15);
    for (const name of ['CAP_NET_ADMIN', 'CAP_SYS_MODULE', 'CAP_SYS_RAWIO', 'CAP_SYS_BOOT'])
      expect(CAPABILITIES).not.toContain(name);
  });

  it('S6 gives sshd one host key and one login', () => {
    expect(keyFiles({ hostPrivateKey: 'H', clientPublicKey: 'C' })).toEqual({
      ssh_host_ed25519_key: 'H',
      authorized_keys: 'C',
    });
  });
});
