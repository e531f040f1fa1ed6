import type { QueryResultRow } from 'pg';
import { sqlOn } from '../../ops/sql.js';
import { DATABASE } from '../../runtime/contract.js';
import { Balancer } from './balancer.js';
import { HOST, PASSWORD, PREFIX, runEngine, TLS_FILES } from './external-place.js';
import type { Authority } from './issued.js';
import { oldLayout } from './old-layout.js';
import { waitFor } from './services.js';
import { docker } from './test-stack.js';

/** One address leads to the primary, whichever of the two it is. */
const PORT = 5432;
const NODES = { primary: PORT + 1, standby: PORT + 2 } as const;
type Node = keyof typeof NODES;
const BOUND_MS = 5 * 60_000;
/** Of the old layout, and over how many days its messages are spread. */
export const SHARED = 'shared';
const DAYS = 5;
const ADMIN = { user: 'dba', password: PASSWORD } as const;

const INIT = `echo ${PASSWORD} >/tmp/password
  initdb --pgdata=/tmp/data.new --username=dba --pwfile=/tmp/password --auth=scram-sha-256 --encoding=UTF8 --locale=C
  echo 'CREATE DATABASE ${DATABASE}' | postgres --single -D /tmp/data.new postgres
  echo 'local all all scram-sha-256' >/tmp/data.new/pg_hba.conf
  echo 'hostssl all,replication all all scram-sha-256' >>/tmp/data.new/pg_hba.conf`;
const COPY = `pg_basebackup --pgdata=/tmp/data.new --write-recovery-conf --checkpoint=fast \\
    --dbname='host=${HOST} port=${String(NODES.primary)} user=dba password=${PASSWORD} sslmode=verify-full sslrootcert=/tmp/tls/authority.pem application_name=standby'`;

/** Nothing is confirmed before the standby has it as well: what survives the primary is all of it. */
const script = (make: string, synchronous: string) => `${TLS_FILES}
if [ ! -e /tmp/data ]; then
  ${make}
  mv /tmp/data.new /tmp/data
fi
exec postgres -D /tmp/data -c listen_addresses='*' -c unix_socket_directories=/tmp -c fsync=off \\
  -c shared_preload_libraries=timescaledb -c timescaledb.telemetry_level=off \\
  -c ssl=on -c ssl_cert_file=/tmp/tls/server.pem -c ssl_key_file=/tmp/tls/server.key \\
  -c synchronous_standby_names='${synchronous}'`;

/** TimescaleDB that no stack made, with a standby, over TLS alone. */
export class ExternalDatabase {
  #balancer: Balancer | null = null;

  constructor(private readonly authority: Authority) {}

  /** As a stack file names it. */
  get key(): object {
    return { kind: 'external', host: HOST, port: PORT, adminUser: 'dba', adminPassword: PASSWORD, maxConnections: 100 };
  }

  async start(): Promise<void> {
    this.#balancer = await Balancer.start(HOST, PORT, Object.values(NODES));
    await this.#run('primary', script(INIT, 'standby'));
    await waitFor('an external database', () => this.#answers('select 1', [1]), BOUND_MS);
    await this.#run('standby', script(COPY, ''));
    const inStep = "select count(*)::int from pg_stat_replication where sync_state = 'sync'";
    await waitFor('its standby', () => this.#answers(inStep, [1]), BOUND_MS);
  }

  async stop(): Promise<void> {
    await this.#balancer?.close();
    this.#balancer = null;
  }

  /** The primary dies, the standby is told to take its place; connections find it by themselves. */
  async failOver(): Promise<void> {
    await docker('kill', `${PREFIX}primary`);
    await this.sql('select pg_promote()');
  }

  /** A database of the old layout on the same server, with so many messages, as a stack file names it. */
  async oldLayout(rows: number) {
    await this.sql(`create database ${SHARED}`);
    for (const text of oldLayout(rows, DAYS)) await this.sql(text, SHARED);
    return { ...ADMIN, host: HOST, port: PORT, database: SHARED, tls: true, sessions: '/nowhere', container: 'nobody' };
  }

  /** Rows of one statement, as the engine's own administrator. */
  async sql<R extends QueryResultRow>(text: string, database: string = DATABASE): Promise<R[]> {
    const at = { ...ADMIN, host: HOST, port: PORT, database, ssl: { ca: this.authority.certificate } };
    return sqlOn({ ...at, query_timeout: 90_000 })<R>(text);
  }

  #run(node: Node, text: string): Promise<void> {
    return runEngine({ name: node, like: 'timescaledb', script: text, ports: [NODES[node], PORT] }, this.authority);
  }

  /** Whether the one row that a statement gives holds these values. */
  async #answers(text: string, values: readonly unknown[]): Promise<boolean> {
    const [row] = await this.sql(text).catch(() => []);
    return JSON.stringify(Object.values(row ?? {})) === JSON.stringify(values);
  }
}
