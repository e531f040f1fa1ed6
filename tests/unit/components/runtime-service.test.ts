import { describe, expect, it } from '@jest/globals';
import { CAPABILITIES, SYSTEMD_CONTAINER, keyFiles } from '../../../components/gateway-host/render.js';
import { commandOf, healthOf } from '../../../components/runtime-service/render.js';

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
