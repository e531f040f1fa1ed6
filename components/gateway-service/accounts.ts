import { ACCOUNT_UNITS, GATEWAY_PATHS, GATEWAY_UNIT } from '../../runtime/contract.js';
import { accountEnvironment } from './unit.js';

/** Of a further account: in the database, in the logs, and in the names of its files. */
export const ACCOUNT_NAME = /^(?!default$)[A-Za-z0-9_-]{1,32}$/;

/** The unit of one account's gateway, and the files with its environment, of which the last word counts. */
export interface AccountPlace {
  readonly unit: string;
  readonly environment: readonly [first: string, ...further: string[]];
}

/** Of a further account; without a name, of the default one. */
export function placeOf(account?: string): AccountPlace {
  if (account === undefined) return { unit: GATEWAY_UNIT, environment: [GATEWAY_PATHS.environment] };
  if (!ACCOUNT_NAME.test(account)) throw new RangeError(`"${account}" is no name of a further account`);
  return {
    unit: ACCOUNT_UNITS.replace('*', account),
    environment: [GATEWAY_PATHS.environment, accountEnvironment(account)],
  };
}

/** Shell words: the ports that these files name, one a line. */
export const portsIn = (files: string) =>
  `sed -n 's/^TELEGRAM_LISTEN_PORT="\\{0,1\\}\\([0-9]\\{1,5\\}\\).*/\\1/p' ${files} 2>/dev/null`;

/** Every file of this host that names the port of an account. */
export const ALL_SETTINGS = `${GATEWAY_PATHS.environment} ${accountEnvironment('*')}`;

/** What a further account has of its own. Both may be shell words. */
export const settingsOf = (account: string, port: string) =>
  `TELEGRAM_SESSION_FILE="${GATEWAY_PATHS.sessions}/${account}.session"
TELEGRAM_LISTEN_PORT="${port}"`;

/** Shell that makes the settings of a further account where there are none: a session of its own, and the next port. */
export function makeAccount(account: string): string {
  const file = accountEnvironment(account);
  return `if [ ! -e ${file} ]; then
  last=$(${portsIn(ALL_SETTINGS)} | sort -n | tail -n 1)
  cat > ${file}.new <<SETTINGS
${settingsOf(account, '$((last + 1))')}
SETTINGS
  mv ${file}.new ${file}
fi
`;
}

/** Shell that ends where a further account was never logged in here. */
export function mustExist(account?: string): string {
  if (account === undefined) return '';
  return `if [ ! -e ${accountEnvironment(account)} ]; then
  echo 'there is no account "${account}" on this host; \`npm run login -- --account ${account}\` makes it' >&2
  exit 1
fi
`;
}

/** Shell that names every further account whose gateway is to run, one a line. */
export function listAccounts(): string {
  return `for wanted in /etc/systemd/system/multi-user.target.wants/${ACCOUNT_UNITS}; do
  [ -L "$wanted" ] || continue
  account=\${wanted##*@}
  echo "\${account%.service}"
done
`;
}
