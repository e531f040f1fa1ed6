/** The closed table of the embedded engine's error codes. Each has a section of the same name in `docs/errors.md`. */
export const ENGINE_ERRORS = {
  ENGINE_STATE_DAMAGED: {
    exit: 1,
    fix: 'Restore the file from a backup; or remove the containers, networks and volumes by hand, delete the state folder and run `npm run up`.',
  },
  ENGINE_STATE_FOREIGN: {
    exit: 1,
    fix: 'Use the state folder of this stack, or `npm run destroy` the other stack first.',
  },
  ENGINE_KEY_MISSING: {
    exit: 1,
    fix: 'Restore the key file from a backup: without it the secrets in the state cannot be read.',
  },
  ENGINE_LOCKED: { exit: 1, fix: 'Wait until the other run has ended, or end it.' },
  ENGINE_UNKNOWN_TYPE: {
    exit: 1,
    fix: 'Use the Pulumi CLI for this program: the embedded engine does not know the type.',
  },
  ENGINE_UNSUPPORTED: { exit: 1, fix: 'Take the option out of the program, or use the Pulumi CLI.' },
  ENGINE_REFUSED: { exit: 1, fix: 'Undo the change, or run `npm run destroy` and then `npm run up`.' },
  ENGINE_NAME_TAKEN: { exit: 1, fix: 'Remove it, or give this stack another name.' },
  ENGINE_DOCKER_UNREACHABLE: { exit: 1, fix: 'Start Docker (`systemctl start docker`) and run the command again.' },
  ENGINE_RESOURCE_FAILED: { exit: 1, fix: 'Mend the cause and run `npm run up` again: it goes on where it stopped.' },
  SSH_UNREACHABLE: {
    exit: 1,
    fix: 'See that the machine runs, that its sshd listens, and that telegram:gateway.host and port (and jump) are right.',
  },
  SSH_TIMEOUT: {
    exit: 1,
    fix: 'See that the address is right and no firewall stands in between; a machine behind a bastion needs telegram:gateway.jump.',
  },
  SSH_LOGIN: {
    exit: 1,
    fix: 'Put the public key into ~/.ssh/authorized_keys of that login, or correct telegram:gateway.user and privateKey; `ssh-add -l` lists the keys of the agent.',
  },
  SSH_HOST_KEY: {
    exit: 1,
    fix: 'Compare with `ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub` on the machine itself. If it was installed anew, put that file into telegram:gateway.hostKey; if it was not, somebody stands in between.',
  },
  SSH_SUDO: {
    exit: 1,
    fix: "Let the login become root without a password, on the machine: `echo 'LOGIN ALL=(root) NOPASSWD: ALL' | sudo tee /etc/sudoers.d/telegram-gateway`.",
  },
  SSH_HOST_UNFIT: { exit: 1, fix: 'Use a machine with systemd 252 or newer (Debian 12, Ubuntu 24.04).' },
  ENGINE_INTERRUPTED: { exit: 130, fix: 'Run the command again: it goes on where it stopped.' },
} as const satisfies Record<string, { exit: number; fix: string }>;

export type EngineErrorCode = keyof typeof ENGINE_ERRORS;

export interface EngineErrorDetail extends ErrorOptions {
  /** Lines below the message: output of a build or command, log of a container. Already redacted. */
  readonly details?: readonly string[];
  /** Overrides the fix of the table where a more exact command is known. */
  readonly fix?: string;
}

/** What the embedded engine tells its user: what happened, and the command that mends it. */
export class EngineError extends Error {
  readonly details: readonly string[];
  readonly fix: string;

  constructor(
    readonly code: EngineErrorCode,
    message: string,
    detail: EngineErrorDetail = {},
  ) {
    super(message, detail.cause === undefined ? undefined : { cause: detail.cause });
    this.name = 'EngineError';
    this.details = detail.details ?? [];
    this.fix = detail.fix ?? ENGINE_ERRORS[code].fix;
  }

  get exitCode(): number {
    return ENGINE_ERRORS[this.code].exit;
  }
}

/** A resource could not be applied; the engine adds which one and takes the secrets out of the text. */
export class StepError extends Error {
  constructor(
    message: string,
    readonly details: readonly string[] = [],
    readonly code: EngineErrorCode = 'ENGINE_RESOURCE_FAILED',
  ) {
    super(message);
    this.name = 'StepError';
  }
}
