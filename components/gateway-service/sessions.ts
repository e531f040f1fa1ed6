/**
 * Logging in and out on a gateway host, as shell scripts: the bundle's own commands, with the unit's environment and as
 * its user, on the host's own address. POSIX sh, run as root; stdin is left to whoever answers.
 */
import { GATEWAY_PATHS, GATEWAY_UNIT, GATEWAY_USER } from '../../runtime/contract.js';
import { UNIT_NODE } from './shell.js';

export interface LoginArgs {
  /** With country code, digits and "+" only. @default asked for */
  readonly phone?: string;
  /** A QR code without asking for a number. @default false */
  readonly qr?: boolean;
  /** Also where a session is there already. @default asked, or refused without a terminal */
  readonly replace?: boolean;
  /** Longest that all may take, in seconds. */
  readonly timeoutS: number;
}

/** `as_service COMMAND…`: the bundle as the unit runs it. `environment` is read where the values are needed only. */
const AS_SERVICE = `set -eu
node=${UNIT_NODE}
if [ -z "$node" ] || [ ! -x "$node" ]; then
  echo 'the gateway is not installed on this host: run \`npm run up\` first' >&2
  exit 1
fi
cd ${GATEWAY_PATHS.root}
as_service() (
  set -a
  . ${GATEWAY_PATHS.environment}
  set +a
  exec setpriv --reuid=${GATEWAY_USER} --regid=${GATEWAY_USER} --init-groups "$node" ${GATEWAY_PATHS.current}/telegram.cjs "$@"
)
`;

const RESTART = `systemctl reset-failed ${GATEWAY_UNIT} 2>/dev/null || true
systemctl restart ${GATEWAY_UNIT}`;

/** A gateway that waits for a session finds it by itself; one that had another is restarted. */
export function loginScript({ phone, qr, replace, timeoutS }: LoginArgs): string {
  if (phone !== undefined && !/^\+?\d{5,15}$/.test(phone)) throw new RangeError(`"${phone}" is no phone number`);
  const words = ['login', '--timeout', String(timeoutS)];
  if (phone !== undefined) words.push('--phone', phone);
  if (qr) words.push('--qr');
  if (replace) words.push('--replace');
  return `${AS_SERVICE}
session=$(sed -n 's/^TELEGRAM_SESSION_FILE="\\(.*\\)"/\\1/p' ${GATEWAY_PATHS.environment})
before=none
[ ! -s "$session" ] || before=some
as_service ${words.join(' ')}
if [ "$before" = none ] && systemctl is-active --quiet ${GATEWAY_UNIT}; then
  echo 'the gateway finds the session by itself' >&2
else
  ${RESTART.replace('\n', '\n  ')}
  echo 'the gateway was restarted with the new session' >&2
fi
`;
}

export function sessionStatusScript(json: boolean): string {
  return `${AS_SERVICE}
as_service session status${json ? ' --json' : ''}
`;
}

/** The gateway is stopped meanwhile: two connections with one key would make Telegram revoke it. */
export function logoutScript(): string {
  return `${AS_SERVICE}
systemctl stop ${GATEWAY_UNIT}
code=0
as_service session logout || code=$?
${RESTART}
exit $code
`;
}
