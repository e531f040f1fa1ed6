import type { SshLogin } from './config-schema.js';

/** An SSH login with all that it takes; without `privateKey` the SSH agent is asked. Holds a secret. */
export interface GatewayLogin extends SshLogin {
  /** Jump host. */
  readonly proxy?: SshLogin;
}

/** How a gateway machine of the configuration is reached. */
export function machineLogin(machine: SshLogin & { readonly jump?: SshLogin | undefined }): GatewayLogin {
  return { ...login(machine), ...(machine.jump && { proxy: login(machine.jump) }) };
}

/** Field by field: an unknown field would show the private key in the provider's error message. */
function login({ host, port, user, hostKey, privateKey }: SshLogin): SshLogin {
  return { host, port, user, hostKey, ...(privateKey && { privateKey }) };
}
