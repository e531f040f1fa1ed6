/**
 * Logging in and out on a gateway host, as shell scripts: the bundle's own commands, with the unit's environment and as
 * its user, on the host's own address. POSIX sh, run as root; stdin is left to whoever answers.
 */
import { GATEWAY_PATHS, GATEWAY_USER } from '../../runtime/contract.js';
import { makeAccount, mustExist, placeOf, type AccountPlace } from './accounts.js';
import { UNIT_NODE } from './shell.js';

export interface LoginArgs {
  /** A further account, whose unit is made with it. @default the default one */
  readonly account?: string;
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
const asService = ({ environment }: AccountPlace) => `set -eu
node=${UNIT_NODE}
if [ -z "$node" ] || [ ! -x "$node" ]; then
  echo 'the gateway is not installed on this host: run \`npm run up\` first' >&2
  exit 1
fi
cd ${GATEWAY_PATHS.root}
as_service() (
  set -a
  ${environment.map((file) => `. ${file}`).join('\n  ')}
  set +a
  exec setpriv --reuid=${GATEWAY_USER} --regid=${GATEWAY_USER} --init-groups "$node" ${GATEWAY_PATHS.current}/telegram.cjs "$@"
)
`;

const restart = ({ unit }: AccountPlace) => `systemctl reset-failed ${unit} 2>/dev/null || true
systemctl restart ${unit}`;

/** A gateway that waits for a session finds it by itself; one that had another is restarted. */
export function loginScript({ account, phone, qr, replace, timeoutS }: LoginArgs): string {
  if (phone !== undefined && !/^\+?\d{5,15}$/.test(phone)) throw new RangeError(`"${phone}" is no phone number`);
  const words = ['login', '--timeout', String(timeoutS)];
  if (phone !== undefined) words.push('--phone', phone);
  if (qr) words.push('--qr');
  if (replace) words.push('--replace');
  const place = placeOf(account);
  const further =
    account === undefined
      ? { make: '', enable: '' }
      : { make: makeAccount(account), enable: `systemctl enable --quiet ${place.unit}\n` };
  return `${asService(place)}
${further.make}session=$(sed -n 's/^TELEGRAM_SESSION_FILE="\\(.*\\)"/\\1/p' ${place.environment.at(-1) ?? ''})
before=none
[ ! -s "$session" ] || before=some
as_service ${words.join(' ')}
${further.enable}if [ "$before" = none ] && systemctl is-active --quiet ${place.unit}; then
  echo 'the gateway finds the session by itself' >&2
else
  ${restart(place).replace('\n', '\n  ')}
  echo 'the gateway was restarted with the new session' >&2
fi
`;
}

export function sessionStatusScript(json: boolean, account?: string): string {
  return `${asService(placeOf(account))}${mustExist(account)}
as_service session status${json ? ' --json' : ''}
`;
}

/** The gateway is stopped meanwhile: two connections with one key would make Telegram revoke it. */
export function logoutScript(account?: string): string {
  const place = placeOf(account);
  return `${asService(place)}${mustExist(account)}
systemctl stop ${place.unit}
code=0
as_service session logout || code=$?
${restart(place)}
exit $code
`;
}
