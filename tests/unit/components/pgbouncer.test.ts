import { describe, expect, it } from '@jest/globals';
import { entries } from '../../../components/pgbouncer/pools.js';
import { pgbouncerIni, userlist } from '../../../components/pgbouncer/render.js';

const SETTINGS = {
  database: { host: '172.28.40.10', port: 5432 },
  tls: false,
  maxServerConnections: 20,
  maxClientConnections: 500,
  roles: ['gateway_b', 'gateway_a', 'pgb_stats_a', 'pgb_admin_b', 'pgb_admin_a', 'reader_a'],
};

describe('pgbouncerIni', () => {
  it('D2 pools transactions over at most 20 server connections and waits out a restart', () => {
    expect(pgbouncerIni(SETTINGS)).toBe(`; Rendered by components/pgbouncer. A change here is lost with the next \`up\`.

[databases]
; an entry a client: parts of the whole, so that no client can keep the others out
gateway = host=172.28.40.10 port=5432 dbname=telegram_gateway pool_size=6 max_db_connections=6
consumer = host=172.28.40.10 port=5432 dbname=telegram_gateway pool_size=6 max_db_connections=6
api = host=172.28.40.10 port=5432 dbname=telegram_gateway pool_size=4 max_db_connections=4
telegram_gateway = host=172.28.40.10 port=5432 dbname=telegram_gateway pool_size=2 max_db_connections=2
monitor = host=172.28.40.10 port=5432 dbname=telegram_gateway pool_size=2 max_db_connections=2

[pgbouncer]
listen_addr = 0.0.0.0
listen_port = 6432
unix_socket_dir =
auth_type = scram-sha-256
auth_file = /credentials/userlist.txt
admin_users = pgb_admin_a, pgb_admin_b
stats_users = pgb_stats_a

pool_mode = transaction
max_prepared_statements = 200
max_client_conn = 500
max_db_connections = 20
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
server_tls_sslmode = disable

; to the container's own log; the health probe connects every two seconds
log_connections = 0
log_disconnections = 0
log_pooler_errors = 1
log_stats = 0
`);
  });

  it('D14 verifies the certificate of an engine that is reached with TLS', () => {
    const ini = pgbouncerIni({ ...SETTINGS, database: { host: 'db.example.org', port: 5433 }, tls: true });
    expect(ini).toContain('telegram_gateway = host=db.example.org port=5433 dbname=telegram_gateway pool_size=');
    expect(ini).toContain(
      'server_tls_sslmode = verify-full\nserver_tls_ca_file = /etc/ssl/certs/ca-certificates.crt\n',
    );
    expect(pgbouncerIni({ ...SETTINGS, tls: true, ownAuthorities: true })).toContain(
      'server_tls_sslmode = verify-full\nserver_tls_ca_file = /etc/pgbouncer/authorities.pem\n',
    );
  });

  it('D2 has no comment behind a value: it would become part of it', () => {
    const values = pgbouncerIni(SETTINGS)
      .split('\n')
      .filter((line) => !line.startsWith(';'));
    expect(values.filter((line) => /[;#]/.test(line))).toEqual([]);
  });

  it('D2 does not depend on the order of the roles', () => {
    expect(pgbouncerIni({ ...SETTINGS, roles: [...SETTINGS.roles].reverse() })).toBe(pgbouncerIni(SETTINGS));
  });
});

describe('entries', () => {
  it.each([5, 6, 7, 9, 10, 15, 20, 33, 100])('D2 O5 %i server connections are shared out, none twice', (whole) => {
    const parts = entries(whole).map(({ connections }) => connections);
    expect(Math.min(...parts)).toBeGreaterThanOrEqual(1);
    expect(parts.reduce((sum, part) => sum + part, 0)).toBeLessThanOrEqual(whole);
  });

  it('D2 gateway and consumer have most, and what a part leaves over is little', () => {
    expect(entries(20).map(({ name, connections }) => `${name} ${String(connections)}`)).toEqual([
      'gateway 6',
      'consumer 6',
      'api 4',
      'telegram_gateway 2',
      'monitor 2',
    ]);
  });
});

describe('userlist', () => {
  it('D2 is one line a role, sorted', () => {
    const entries = [
      { role: 'gateway_b', verifier: 'SCRAM-SHA-256$4096:bbb=$b=:b=' },
      { role: 'api_a', verifier: 'SCRAM-SHA-256$4096:aaa=$a=:a=' },
    ];
    const text = '"api_a" "SCRAM-SHA-256$4096:aaa=$a=:a="\n"gateway_b" "SCRAM-SHA-256$4096:bbb=$b=:b="\n';
    expect(userlist(entries)).toBe(text);
    expect(userlist([...entries].reverse())).toBe(text);
  });
});
