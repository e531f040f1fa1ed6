/** Why there is no SSH connection, so that whoever reads it knows what to mend. */
import { createHash } from 'node:crypto';
import { StepError, type EngineErrorCode } from '../errors.js';

export interface Hop {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  /** What the login was tried with. */
  readonly login: 'key' | 'agent' | 'nothing';
  readonly timeoutS: number;
}

/** A failed dial. `final`: trying again cannot help, and might lock the login out. */
export class DialError extends StepError {
  constructor(
    message: string,
    code: EngineErrorCode,
    readonly final: boolean,
    details: readonly string[] = [],
  ) {
    super(message, details, code);
  }
}

/** As much of an error of the SSH library or of the socket as tells what happened. */
interface Cause {
  readonly message: string;
  readonly code?: unknown;
  readonly level?: unknown;
  readonly reason?: unknown;
}

function causeOf(error: unknown): Cause {
  return typeof error === 'object' && error !== null && 'message' in error
    ? (error as Cause)
    : { message: String(error) };
}

const SOCKET: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'the connection is refused: nothing listens there',
  ENOTFOUND: 'there is no machine of that name',
  EAI_AGAIN: 'the name cannot be looked up now',
  EHOSTUNREACH: 'there is no way to that machine',
  ENETUNREACH: 'there is no way to that network',
  ECONNRESET: 'the connection was cut',
};

const LOGIN: Readonly<Record<Hop['login'], string>> = {
  key: 'it was tried with the private key of the configuration',
  agent: 'it was tried with the keys of the SSH agent (SSH_AUTH_SOCK)',
  nothing: 'there is neither a private key in the configuration nor an SSH agent (SSH_AUTH_SOCK)',
};

/** RFC 4254: reasons for which a jump host opens no channel. */
const PROHIBITED = 1;

export function explainDial(hop: Hop, error: unknown): DialError {
  if (error instanceof DialError) return error;
  const cause = causeOf(error);
  const where = `${hop.user}@${hop.host}:${String(hop.port)}`;
  if (cause.level === 'client-timeout' || cause.code === 'ETIMEDOUT')
    return new DialError(`${where} does not answer within ${String(hop.timeoutS)} s`, 'SSH_TIMEOUT', false);
  if (cause.level === 'client-authentication')
    return new DialError(`${hop.host}:${String(hop.port)} does not let ${hop.user} in`, 'SSH_LOGIN', true, [
      LOGIN[hop.login],
    ]);
  if (cause.level === 'handshake' && cause.message.includes('host key'))
    return new DialError(
      `${hop.host}:${String(hop.port)} has no host key of the kind that is pinned`,
      'SSH_HOST_KEY',
      true,
    );
  const why = SOCKET[String(cause.code)] ?? cause.message;
  return new DialError(`${where} cannot be reached: ${why}`, 'SSH_UNREACHABLE', false);
}

/** The jump host was reached and does not open the way to the machine behind it. */
export function explainJump(hop: Hop, jump: Hop, error: unknown): DialError {
  const { message, reason } = causeOf(error);
  const why =
    reason === PROHIBITED
      ? 'it does not forward (AllowTcpForwarding of its sshd)'
      : message.replace('(SSH) Channel open failure: ', '');
  return new DialError(
    `${hop.host}:${String(hop.port)} cannot be reached through the jump host ${jump.host}:${String(jump.port)}: ${why}`,
    'SSH_UNREACHABLE',
    reason === PROHIBITED,
  );
}

export function wrongHostKey({ host, port }: Hop, pinned: Buffer, shown: Buffer): DialError {
  return new DialError(`the host key of ${host}:${String(port)} is not the one that is pinned`, 'SSH_HOST_KEY', true, [
    `pinned: ${fingerprint(pinned)}`,
    `shown:  ${fingerprint(shown)}`,
  ]);
}

/** As `ssh-keygen -l` writes it. */
export function fingerprint(key: Buffer): string {
  return `SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`;
}
