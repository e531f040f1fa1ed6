import { MAKE_ROOM } from './disk-room.js';

/**
 * The closed table of this half's error codes: infrastructure program, embedded engine and commands. Each has a section of the
 * same name in `docs/errors.md`.
 */
export const STACK_ERRORS = {
  CONFIG: 'Correct the named keys in the stack file; docs/configuration.md lists them all.',
  PREFLIGHT: 'Mend what the lines above name, then run the same command again: nothing was created.',
  ENGINE_MISMATCH: 'Run `npm run destroy` with the engine that made the stack, then `npm run up` again.',
  RESOURCE_FAILED: 'Mend the cause named above and run `npm run up` again: it continues where it stopped.',
  PORT_TAKEN: 'Free the port, or choose another one in the stack file; then run the same command again.',
  DOCKER_MISSING: 'Install Docker: `sudo apt-get install docker.io`.',
  DOCKER_DOWN: 'Start Docker: `sudo systemctl start docker` (or `sudo dockerd` where there is no systemd).',
  NOT_UP: 'Run `npm run up` first.',
  BUILD_MISSING: 'Run `npm run build`.',
  USAGE: 'Run `npm run up -- --help` for what each command takes.',
  PULUMI_MISSING: 'Install the Pulumi CLI, or use `npm run up`, which has an engine of its own.',
  NO_RELEASE: 'Run `npm run rollback` for the releases on the gateway host.',
  ROLLBACK_FAILED:
    'See the lines above and `npm run logs -- gateway`; `npm run up` installs the release of the checkout.',
  INSTALL: 'Run the printed commands as root, then try again.',
  DOCKER_HOST: 'Unset DOCKER_HOST, or set telegram:docker.host in the stack file.',
  DISK_FULL: `Make room (\`df -h\`, \`docker system df\`, \`${MAKE_ROOM}\`) and run the same command again.`,
  PASSPHRASE_MISSING: 'Restore the passphrase file from a backup: without it no secret in the state can be read.',
  PASSPHRASE_WRONG: 'Restore the passphrase that the stack was made with.',
  STATE_DAMAGED: 'Restore the state file: the CLI keeps the one before beside it, with the ending .bak.',
  STATE_FOREIGN: 'Use the state folder of this stack, or `npm run destroy` the other stack first.',
  LOCKED: 'Wait until the other run has ended; if it was killed, run `npm run pulumi -- cancel --yes`.',
  INTERRUPTED: 'Run the command again: it goes on where it stopped.',
  BACKUP_OFF: 'Set `telegram:backup.enabled` to true in the stack file and run `npm run up`.',
  BACKUP_BUSY: 'Wait until it has ended: `npm run logs -- backup --follow`.',
  BACKUP_TARGET: 'See the lines above; correct `telegram:backupTarget` in the stack file and run `npm run up`.',
  BACKUP_FULL:
    'Make room in the target, or lower `telegram:backup.keepDays` and run `npm run up`; then `npm run backup`.',
  BACKUP_KEY: 'Give the key that they were made with: `telegram:backup.key`, as a secret; then `npm run up`.',
  BACKUP_FOREIGN: 'Restore them (`npm run restore -- --latest`), or name another target in `telegram:backupTarget`.',
  BACKUP_DAMAGED:
    'Restore an older one: `npm run backup -- list`, then `npm run restore -- --at <time>`; then make a full one: `npm run backup -- --full`.',
  BACKUP_FAILED: 'See the lines above and `npm run logs -- backup`.',
  RESTORE_REFUSED: 'Read what it would do, then say yes, or call it with `--yes`.',
  RESTORE_POINT: 'Run `npm run backup -- list` for the times that can be reached.',
  RESTORE_BUSY: 'Wait until it has ended.',
  RESTORE_FAILED:
    'See the lines above. Unless they say that the switch began, the data from before is untouched and serves again.',
  DRILL_FAILED:
    'Make a full backup (`npm run backup -- --full`) and drill again; `npm run backup -- check` reads every byte.',
  MIGRATE_SOURCE:
    'Mend what is named under telegram:source, then run `npm run migrate -- --plan`: nothing was changed.',
  MIGRATE_PREFLIGHT: 'Mend what the lines above name, then run the same command again.',
  MIGRATE_ROWS:
    'Correct the rows in the source, or run `npm run migrate -- --set-aside` to keep them in telegram_migration.refused.',
  MIGRATE_TARGET: 'Migrate into a stack that holds no messages yet: `npm run destroy`, `npm run up`.',
  MIGRATE_SESSION: 'See the message; the session of the old gateway was left where it is.',
  MIGRATE_RUNNING: 'Wait until the other run has ended.',
  MIGRATE_DIFFERENT: 'Find what else writes to the source, end it, and run `npm run migrate` again.',
  MIGRATE_ROLLBACK:
    'Mend the cause and run the same `npm run rollback` again: what was carried already is not repeated.',
  REGISTRY_UNREACHABLE: 'Run it again where the registry can be reached; behind a proxy, give it to the Docker engine.',
} as const;

export type StackErrorCode = keyof typeof STACK_ERRORS;

/** As a shell has it: a command that was interrupted by SIGINT. */
const INTERRUPTED_EXIT = 130;

/** An error meant for the person at the keyboard: what happened, why, and the command that mends it. */
export class UserError extends Error {
  readonly fix: string;

  constructor(
    readonly code: StackErrorCode,
    message: string,
    options: ErrorOptions & {
      readonly why?: string;
      readonly fix?: string;
      /** Lines below the message, such as the end of a container's log. */
      readonly details?: readonly string[];
    } = {},
  ) {
    super(message, options);
    this.name = 'UserError';
    this.why = options.why;
    this.fix = options.fix ?? STACK_ERRORS[code];
    this.details = options.details ?? [];
  }

  readonly why: string | undefined;
  readonly details: readonly string[];

  get exitCode(): number {
    return this.code === 'INTERRUPTED' ? INTERRUPTED_EXIT : 1;
  }

  /** The lines that a person reads. */
  get lines(): string[] {
    return [
      `✖ ${this.code} ${this.message}`,
      ...this.details.map((line) => `    ${line}`),
      ...(this.why ? [`  why:  ${this.why}`] : []),
      `  fix:  ${this.fix}`,
      `  docs: docs/errors.md#${this.code.toLowerCase()}`,
    ];
  }
}
