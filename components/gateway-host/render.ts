/**
 * What a container needs so that systemd can be its PID 1, on cgroup v1 and v2, with AppArmor and without.
 *
 * The container gets a cgroup namespace of its own, in which `start-host` (images/gateway-host) makes the tree writable:
 * no path of the host is mounted, so nothing depends on which hierarchies the host has mounted, and nothing of its tree is
 * seen. Docker's default seccomp and AppArmor profiles deny the mounts that PrivateTmp= and ProtectSystem= need.
 */
export const SYSTEMD_CONTAINER = {
  cgroupnsMode: 'private',
  securityOpts: ['seccomp=unconfined', 'apparmor=unconfined', 'no-new-privileges:true'],
  stopSignal: 'SIGRTMIN+3',
  tmpfs: {
    '/run': 'rw,nosuid,nodev,mode=755,size=64m',
    '/run/lock': 'rw,nosuid,nodev,noexec,size=4m',
    '/tmp': 'rw,nosuid,nodev,size=64m',
  },
} as const;

/**
 * SYS_ADMIN: mounts of systemd. MKNOD: PrivateDevices=. SETFCAP and SYS_PTRACE: PrivateUsers=, which maps root into a user
 * namespace and finds the process behind ProtectProc=. SYS_CHROOT: sshd's separation. AUDIT_WRITE: sshd's terminals, which
 * `npm run login` needs. The rest is what root of a small machine does: owners, other users' processes, port 22.
 */
export const CAPABILITIES = [
  'CAP_AUDIT_WRITE',
  'CAP_CHOWN',
  'CAP_DAC_OVERRIDE',
  'CAP_FOWNER',
  'CAP_FSETID',
  'CAP_KILL',
  'CAP_MKNOD',
  'CAP_NET_BIND_SERVICE',
  'CAP_SETFCAP',
  'CAP_SETGID',
  'CAP_SETPCAP',
  'CAP_SETUID',
  'CAP_SYS_ADMIN',
  'CAP_SYS_CHROOT',
  'CAP_SYS_PTRACE',
] as const;

/** Where the image's sshd looks for its host key and for who may log in. */
export const KEYS_FOLDER = '/etc/ssh/stack-keys';

/** Files of the key volume. */
export function keyFiles<T>(keys: { readonly hostPrivateKey: T; readonly clientPublicKey: T }): Record<string, T> {
  return { ssh_host_ed25519_key: keys.hostPrivateKey, authorized_keys: keys.clientPublicKey };
}
