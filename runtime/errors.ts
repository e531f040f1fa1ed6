/** The closed table of this half's error codes. Each has a section of the same name in `docs/errors.md`. */
export const RUNTIME_ERRORS = {
  CONFIG_INVALID: { exit: 64, status: 500, fix: 'Correct the named variables; docs/configuration.md lists them all.' },
  CREDENTIALS_UNREADABLE: {
    exit: 64,
    status: 500,
    fix: 'Run `npm run up`: it writes the credentials file again with the right owner and mode.',
  },
  SIMULATOR_IN_PRODUCTION: {
    exit: 64,
    status: 500,
    fix: 'Remove TELEGRAM_SIMULATOR_* from a production gateway.',
  },
  SESSION_MISSING: { exit: 0, status: 503, fix: 'Run `npm run login`.' },
  SESSION_INSECURE: {
    exit: 64,
    status: 503,
    fix: 'Give the session file mode 0600 and, if others could read it, log in anew.',
  },
  SESSION_IN_USE: { exit: 66, status: 503, fix: 'Stop the other gateway that holds this session.' },
  LEASE_LOST: {
    exit: 67,
    status: 503,
    fix: 'Decide which machine runs the gateway of this account, and stop the other one.',
  },
  TELEGRAM_AUTH_FATAL: { exit: 65, status: 503, fix: 'Run `npm run login` to make a new session.' },
  LOGIN_INPUT: {
    exit: 1,
    status: 500,
    fix: 'Run `npm run login` in a terminal, or give every answer as a line of stdin: number, code, password.',
  },
  LOGIN_REFUSED: { exit: 1, status: 500, fix: 'Do what Telegram says, then run `npm run login` again.' },
  MIGRATION_EDITED: {
    exit: 1,
    status: 500,
    fix: 'Restore the file as it was applied and put the change into a new numbered file.',
  },
  MIGRATION_MISSING: { exit: 1, status: 500, fix: 'Restore the applied file; applied files are never removed.' },
  MIGRATION_FAILED: {
    exit: 1,
    status: 500,
    fix: 'Correct the file and run `npm run up` again: nothing of it was kept.',
  },
  SERVICE_UNREACHABLE: { exit: 1, status: 503, fix: 'Run `npm run doctor` to see which part is down.' },
  API_INPUT: { exit: 1, status: 400, fix: 'Correct the named fields; /v1/openapi.json describes them all.' },
  API_CURSOR: { exit: 1, status: 400, fix: 'Begin again without a cursor, or keep the filter it came from.' },
  API_KEY: {
    exit: 1,
    status: 401,
    fix: 'Send `Authorization: Bearer <key>`; `npm run api-keys -- create <name>` makes one.',
  },
  API_NOT_FOUND: { exit: 1, status: 404, fix: 'See /v1/channels for what there is, /v1/openapi.json for the routes.' },
  API_CONFLICT: { exit: 1, status: 409, fix: 'Look at the channel first: its state does not allow this.' },
  API_TOO_LARGE: { exit: 1, status: 413, fix: 'Send a smaller body.' },
  API_MEDIA_TYPE: { exit: 1, status: 415, fix: 'Send the body as `application/json`.' },
  API_RATE: { exit: 1, status: 429, fix: 'Wait as many seconds as `Retry-After` says.' },
  API_INTERNAL: { exit: 1, status: 500, fix: 'Please report this, with the id of the request.' },
  API_BUSY: { exit: 1, status: 503, fix: 'Wait as many seconds as `Retry-After` says.' },
  API_QUERY_TIMEOUT: { exit: 1, status: 503, fix: 'Narrow the query by channel or time.' },
} as const satisfies Record<string, { exit: number; status: number; fix: string }>;

export type RuntimeErrorCode = keyof typeof RUNTIME_ERRORS;

/** An error that is meant for the operator: what happened, why, and the command that mends it. */
export class RuntimeError extends Error {
  constructor(
    readonly code: RuntimeErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = 'RuntimeError';
  }

  get fix(): string {
    return RUNTIME_ERRORS[this.code].fix;
  }

  get exitCode(): number {
    return RUNTIME_ERRORS[this.code].exit;
  }

  /** Of an answer of the API that says this. */
  get status(): number {
    return RUNTIME_ERRORS[this.code].status;
  }
}
