import { describe, expect, it } from '@jest/globals';
import { poolSize } from '../../../components/pgbouncer/pools.js';
import { pgbouncerIni, userlist } from '../../../components/pgbouncer/render.js';
import { DATABASE_CLIENTS } from '../../../runtime/contract.js';

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
telegram_gateway = host=172.28.40.10 port=5432 dbname=telegram_gateway

[users]
; parts of the whole, so that no client can keep the others out
gateway_a = pool_size=6
gateway_b = pool_size=6
reader_a = pool_size=2

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
default_pool_size = 2
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
server_idle_timeout = 300
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
    expect(ini).toContain('telegram_gateway = host=db.example.org port=5433 dbname=telegram_gateway\n');
    expect(ini).toContain(
      'server_tls_sslmode = verify-full\nserver_tls_ca_file = /etc/ssl/certs/ca-certificates.crt\n',
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

describe('poolSize', () => {
  it('D2 shares the server connections out so that the active slots of all clients fit at once', () => {
    const sizes = DATABASE_CLIENTS.map((client) => poolSize(`${client}_a`, 20));
    expect(sizes).toEqual([6, 6, 4, 2, 2]);
    for (const whole of [10, 15, 20, 33, 100]) {
      const sum = DATABASE_CLIENTS.reduce((total, client) => total + poolSize(`${client}_b`, whole), 0);
      expect(sum).toBeLessThanOrEqual(whole);
    }
  });

  it('D2 gives every role one connection, however few there are', () => {
    expect(poolSize('monitor_a', 4)).toBe(1);
    expect(poolSize('somebody', 20)).toBe(2);
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
