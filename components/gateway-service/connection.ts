import type { types } from '@pulumi/command';
import * as pulumi from '@pulumi/pulumi';

/** Where to log in over SSH. */
export interface SshTarget {
  readonly host: pulumi.Input<string>;
  /** @default 22 */
  readonly port?: number;
  /** Anybody but root needs sudo without a password. */
  readonly user: string;
  /** Public key line of the machine, `ssh-ed25519 AAAA…`; any other is refused. Never absent: without it any key is taken. */
  readonly hostKey: pulumi.Input<string>;
  /** OpenSSH private key, a secret. Without it the SSH agent of the person who runs the stack is asked. */
  readonly privateKey?: pulumi.Input<string> | undefined;
  /** Machine to go through. */
  readonly proxy?: SshTarget | undefined;
}

/** Failed dials before giving up: a machine that was just started needs a moment. */
const DIAL_ERRORS = 6;
const DIAL_TIMEOUT_S = 15;

/**
 * Written out field by field: an unknown field would show the private key in the provider's error message. Behind a jump host the
 * provider would shake hands again on a connection that is closed by then: all that it said of any failure, a wrong host
 * key among them, would be `EOF`. So it tries once there.
 */
export function sshConnection(target: SshTarget): types.input.remote.ConnectionArgs {
  if (!target.proxy) return endpoint(target);
  return { ...endpoint(target), dialErrorLimit: 0, proxy: endpoint(target.proxy) };
}

function endpoint({ host, port, user, hostKey, privateKey }: SshTarget): types.input.remote.ProxyConnectionArgs {
  return {
    host,
    port: port ?? 22,
    user,
    hostKey,
    ...(privateKey && { privateKey: pulumi.secret(privateKey) }),
    dialErrorLimit: DIAL_ERRORS,
    perDialTimeout: DIAL_TIMEOUT_S,
  };
}
