import { PORTS } from '../../runtime/contract.js';

export interface PostgresLimits {
  readonly cpus: number;
  readonly memoryMb: number;
  readonly maxConnections: number;
}

/** How WAL leaves the database for the backup, and how the backup gets in. */
export interface Archiving {
  /** A change is handed over after so many seconds at most: what a lost disk can cost. */
  readonly recoveryPointS: number;
  /** WAL that may wait while the target is away, in MiB; beyond that it is dropped and the database goes on. */
  readonly waitingMb: number;
}

/** Socket on the data volume, for the backup that shares it. */
const BACKUP_SOCKET = '/var/lib/postgresql/data/socket';

/** Background workers of TimescaleDB: launcher, scheduler of one database, and policies at once. */
const TIMESCALE_WORKERS = 8;
const AUTOVACUUM_WORKERS = 2;

/**
 * How the memory limit is spent, in MiB: a quarter for shared buffers; a quarter for sorting and hashing, shared out
 * over every connection that is allowed; the other half for the page cache, the processes and maintenance.
 */
export function memoryPlan({ memoryMb, maxConnections }: PostgresLimits) {
  const quarter = Math.floor(memoryMb / 4);
  return {
    sharedBuffersMb: quarter,
    /** What a plan may hope to find in memory: the shared buffers and most of what the page cache gets. */
    effectiveCacheMb: Math.floor(memoryMb * 0.6),
    /** Per sort or hash, in KiB: between 1 MiB and 32 MiB. */
    workMemKb: clamp(Math.floor((quarter * 1024) / maxConnections), 1024, 32 * 1024),
    /** Per vacuum or index build; `AUTOVACUUM_WORKERS` + 1 of them may run. */
    maintenanceMb: clamp(Math.floor(memoryMb / 16), 32, 512),
    /** `/dev/shm`, where parallel queries share their hash tables; counts against the limit when it is used. */
    shmMb: clamp(Math.floor(memoryMb / 8), 64, 1024),
  } as const;
}

/** The whole `postgresql.conf`; nothing is inherited from the image. */
export function postgresqlConf(limits: PostgresLimits, archiving: Archiving | null = null): string {
  const memory = memoryPlan(limits);
  const parallel = Math.max(1, Math.floor(limits.cpus));
  return `# Rendered by components/timescale. A change here is lost with the next \`up\`.

# Connections
listen_addresses = '*'
port = ${String(PORTS.postgres)}
unix_socket_directories = '/var/run/postgresql${archiving ? `,${BACKUP_SOCKET}` : ''}'
max_connections = ${String(limits.maxConnections)}
superuser_reserved_connections = 3
password_encryption = 'scram-sha-256'
tcp_keepalives_idle = 60
tcp_keepalives_interval = 10
tcp_keepalives_count = 6

# Memory: ${String(limits.memoryMb)} MiB in all
shared_buffers = ${String(memory.sharedBuffersMb)}MB
effective_cache_size = ${String(memory.effectiveCacheMb)}MB
work_mem = ${String(memory.workMemKb)}kB
maintenance_work_mem = ${String(memory.maintenanceMb)}MB
dynamic_shared_memory_type = posix
huge_pages = off

# Workers: ${String(limits.cpus)} CPUs
shared_preload_libraries = 'timescaledb,pg_stat_statements'
timescaledb.max_background_workers = ${String(TIMESCALE_WORKERS)}
timescaledb.telemetry_level = off
max_worker_processes = ${String(TIMESCALE_WORKERS + parallel + 3)}
max_parallel_workers = ${String(parallel)}
max_parallel_workers_per_gather = ${String(Math.floor(parallel / 2))}
max_parallel_maintenance_workers = ${String(Math.floor(parallel / 2))}
jit = off

# A commit is on disk when it is answered: nothing is lost by a crash of the server or the machine
fsync = on
synchronous_commit = on
full_page_writes = on
wal_level = replica
wal_compression = lz4
min_wal_size = 256MB
max_wal_size = ${String(clamp(limits.memoryMb, 1024, 8192))}MB
checkpoint_timeout = 15min
checkpoint_completion_target = 0.9
${archiving ? archivingConf(archiving) : ''}
# Planner: storage without a seek penalty; every chunk of a hypertable takes a lock
random_page_cost = 1.1
effective_io_concurrency = 200
max_locks_per_transaction = 256

# The queue tables are small and hot: vacuum looks often and in small steps
autovacuum_max_workers = ${String(AUTOVACUUM_WORKERS)}
autovacuum_naptime = 15s
autovacuum_vacuum_scale_factor = 0.05
autovacuum_analyze_scale_factor = 0.05

# Statistics
pg_stat_statements.max = 2000
pg_stat_statements.track = top
track_io_timing = on

# Log to the container's own; values of parameters are message texts and stay out of it
log_destination = 'stderr'
logging_collector = off
log_line_prefix = '%m [%p] %q%u@%d '
log_timezone = 'UTC'
log_min_duration_statement = 1s
log_parameter_max_length = 0
log_parameter_max_length_on_error = 0
log_lock_waits = on
log_temp_files = 10MB
log_autovacuum_min_duration = 10s
log_checkpoints = on

# Locale
timezone = 'UTC'
datestyle = 'iso, ymd'
lc_messages = 'C'
default_text_search_config = 'pg_catalog.simple'
`;
}

function archivingConf({ recoveryPointS, waitingMb }: Archiving): string {
  return `
# Every change goes to the backup, a segment at a time or when it is old
archive_mode = on
archive_command = 'sh /telegram/pgbackrest-spool.sh "%p" "%f" ${String(waitingMb)}'
archive_timeout = ${String(recoveryPointS)}s
`;
}

/**
 * Who may connect: everybody by password, from the given networks alone: the stack's own, from whose gateway address a port
 * that is published on loopback arrives, and those from which other Docker hosts come. The health probe comes over loopback and leaves when it is asked for a password.
 * "all" does not take in replication. The backup has the data files anyway: its user, and it alone, comes over the socket.
 */
export function pgHbaConf(networks: readonly string[], archiving = false): string {
  const column = (address: string) => address.padEnd(18);
  return `# Rendered by components/timescale. The first line that fits decides.
# TYPE  DATABASE  USER  ${column('ADDRESS')}  METHOD
${archiving ? `local   all       postgres  ${column('').slice(4)}  peer\n` : ''}local   all       all   ${column('')}  reject
host    all       all   ${column('127.0.0.1/32')}  scram-sha-256
${networks.map((network) => `host    all       all   ${column(network)}  scram-sha-256\n`).join('')}host    all       all   ${column('all')}  reject
`;
}

function clamp(value: number, least: number, most: number): number {
  return Math.min(most, Math.max(least, value));
}
