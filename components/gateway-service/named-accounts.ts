import { ACCOUNT_UNITS } from '../../runtime/contract.js';
import { ALL_SETTINGS, placeOf, portsIn, settingsOf } from './accounts.js';
import { accountEnvironment } from './unit.js';

/** A further account that the configuration names, so that Prometheus and the status page look at its gateway. */
export interface NamedAccount {
  readonly name: string;
  /** Of its health and metrics, on the gateway host. */
  readonly port: number;
}

/** Each has the port after the one before it; `first` is the default account's. */
export function namedAccounts(names: readonly string[], first: number): NamedAccount[] {
  return names.map((name, n) => ({ name, port: first + 1 + n }));
}

/**
 * Shell that brings the accounts to the ports where they are looked for, and starts them: one without a session waits for its
 * login. An account that is not named and has one of these ports moves on to the next that is free. Whoever moves is stopped
 * before anybody starts. Needs `put FILE MODE`, which sets `changed`.
 */
export function keepAccounts(accounts: readonly NamedAccount[]): string {
  if (accounts.length === 0) return '';
  const units = accounts.map(({ name }) => placeOf(name).unit).join(' ');
  return `(
settle() {
  changed=no
  put "${accountEnvironment('$1')}" 0600
  [ "$changed" = no ] || systemctl stop "${ACCOUNT_UNITS.replace('*', '$1')}"
}
moved=
for file in ${accountEnvironment('*')}; do
  name=\${file##*/}
  name=\${name%.environment}
  case " ${accounts.map(({ name }) => name).join(' ')} " in *" $name "*) continue ;; esac
  port=$(${portsIn('"$file"')} || true)
  case " ${accounts.map(({ port }) => String(port)).join(' ')} " in *" \${port:-none} "*) ;; *) continue ;; esac
  if systemctl is-active --quiet "${ACCOUNT_UNITS.replace('*', '$name')}"; then moved="$moved ${ACCOUNT_UNITS.replace('*', '$name')}"; fi
  last=$({ ${portsIn(ALL_SETTINGS)} || true; echo ${String(accounts.at(-1)?.port)}; } | sort -n | tail -n 1)
  settle "$name" <<SETTINGS
${settingsOf('$name', '$((last + 1))')}
SETTINGS
done
${accounts.map(({ name, port }) => `settle ${name} <<'SETTINGS'\n${settingsOf(name, String(port))}\nSETTINGS`).join('\n')}
systemctl enable --quiet ${units}
systemctl start --no-block ${units} $moved
)`;
}
