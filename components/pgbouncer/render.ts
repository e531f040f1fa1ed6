import { DATABASE, PORTS } from '../../runtime/contract.js';
import type { Address } from '../endpoint.js';
import { entries } from './pools.js';

export interface PgBouncerSettings {
  readonly database: Address;
  /** Connect to the database with TLS and verify its certificate. */
  readonly tls: boolean;
  /** Verify with the authorities of `AUTHORITIES_PATH` instead of the image's. @default false */
  readonly ownAuthorities?: boolean;
  readonly maxServerConnections: number;
  readonly maxClientConnections: number;
  /** Every login; those named `pgb_admin…` and `pgb_stats…` may use the console. */
  readonly roles: readonly string[];
}

export interface UserlistEntry {
  readonly role: string;
  /** The text that PostgreSQL stores for the role; the two must not differ in a byte. */
  readonly verifier: string;
}

export const USERLIST_PATH = '/credentials/userlist.txt';
/** Roots of the image, for a database that is reached with TLS. */
const CA_BUNDLE = '/etc/ssl/certs/ca-certificates.crt';
/** Authorities of the config, which then take the place of those. */
export const AUTHORITIES_PATH = '/etc/pgbouncer/authorities.pem';

/**
 * The whole `pgbouncer.ini`. It names no user and keeps no connection open in advance: PgBouncer knows verifiers only, and
 * can log in to the server only with what a client has just proved. Comments stand on lines of their own, elsewhere they
 * would be part of a value.
 */
export function pgbouncerIni(settings: PgBouncerSettings): string {
  const { database, maxServerConnections, maxClientConnections } = settings;
  const roles = [...settings.roles].sort();
  const console_ = (name: string) => roles.filter((role) => role.startsWith(name)).join(', ');
  const target = `host=${database.host} port=${String(database.port)} dbname=${DATABASE}`;
  const databases = entries(maxServerConnections).map(
    ({ name, connections: n }) => `${name} = ${target} pool_size=${String(n)} max_db_connections=${String(n)}`,
  );
  const authorities = settings.ownAuthorities ? AUTHORITIES_PATH : CA_BUNDLE;
  const tls = settings.tls ? `verify-full\nserver_tls_ca_file = ${authorities}` : 'disable';
  return `; Rendered by components/pgbouncer. A change here is lost with the next \`up\`.

[databases]
; an entry a client: parts of the whole, so that no client can keep the others out
${databases.join('\n')}

[pgbouncer]
listen_addr = 0.0.0.0
listen_port = ${String(PORTS.pgbouncer)}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = ${USERLIST_PATH}
admin_users = ${console_('pgb_admin')}
stats_users = ${console_('pgb_stats')}

pool_mode = transaction
max_prepared_statements = 200
max_client_conn = ${String(maxClientConnections)}
max_db_connections = ${String(maxServerConnections)}
min_pool_size = 0
reserve_pool_size = 0
; without "options" anybody who reaches the port can make it spin (CVE-2026-107349)
ignore_startup_parameters = extra_float_digits,options

; a restart of the server is waited out, for at most query_wait_timeout
server_login_retry = 1
server_connect_timeout = 3
query_wait_timeout = 10
server_check_delay = 5
server_lifetime = 1800
; after a rotation, what was made with the former login ends by itself
server_idle_timeout = 60
client_login_timeout = 10
tcp_keepalive = 1
tcp_user_timeout = 5000
dns_max_ttl = 1
server_tls_sslmode = ${tls}

; to the container's own log; the health probe connects every two seconds
log_connections = 0
log_disconnections = 0
log_pooler_errors = 1
log_stats = 0
`;
}

/** The user list, sorted, so that the order of the roles never makes a difference. */
export function userlist(entries: readonly UserlistEntry[]): string {
  return [...entries]
    .sort((one, other) => (one.role < other.role ? -1 : 1))
    .map(({ role, verifier }) => `"${role}" "${verifier}"\n`)
    .join('');
}

/**
 * Health without a password: asks for TLS, as every PostgreSQL client may before it logs in, and wants the one-byte
 * answer. It shows that the event loop turns; whether the database behind answers is not asked, because PgBouncer
 * outlives its restarts.
 */
export const HEALTH_PROBE = [
  'bash',
  '-c',
  [
    `exec 3<>/dev/tcp/127.0.0.1/${String(PORTS.pgbouncer)}`,
    `printf '\\0\\0\\0\\10\\4\\322\\26\\57' >&3`,
    'read -r -t 3 -N 1 answer <&3',
    '[ "$answer" = N ]',
  ].join(' && '),
] as const;
