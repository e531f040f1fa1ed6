import type { RuleFile } from './rule.js';

export const timescaledb: RuleFile = {
  error: [
    {
      alert: 'DatabaseDown',
      severity: 'critical',
      expr: 'pg_up == 0 or absent(pg_up)',
      for: '30s',
      summary: 'The database does not answer its exporter: the gateway holds messages back, nothing is lost.',
      dashboard: 'timescaledb',
    },
    {
      alert: 'PoolerDown',
      severity: 'critical',
      expr: 'pgbouncer_up == 0',
      for: '30s',
      summary: 'PgBouncer does not answer: nothing is stored until it does. Nothing is lost.',
      dashboard: 'timescaledb',
    },
    {
      alert: 'BackupTooOld',
      severity: 'warning',
      expr: 'time() - min(telegram_backup_last_success_timestamp_seconds) > 26 * 3600',
      summary: 'A part of the stack was last backed up {{ $value | humanizeDuration }} ago; once a day is wanted.',
      dashboard: 'timescaledb',
    },
    {
      alert: 'BackupTooOld',
      severity: 'warning',
      expr: 'time() - min(telegram_backup_last_failure_timestamp_seconds unless telegram_backup_last_success_timestamp_seconds) >= 0',
      summary:
        'A part of the stack was never backed up: it was last tried {{ $value | humanizeDuration }} ago, and failed.',
      dashboard: 'timescaledb',
    },
    {
      alert: 'BackupArchiveStuck',
      severity: 'warning',
      expr: 'max(telegram_backup_wal_waiting) > 0 and time() - max(telegram_backup_wal_last_success_timestamp_seconds) > 600',
      for: '5m',
      summary:
        '{{ $value }} segments of changes wait for the target of the backup, and none has arrived for a quarter of an hour: a lost disk costs all since.',
      dashboard: 'timescaledb',
    },
    {
      alert: 'BackupArchiveGap',
      severity: 'warning',
      expr: 'max(telegram_backup_wal_gap) == 1',
      summary:
        'Changes were dropped while the target was away: from there on no moment can be gone back to until the next backup.',
      dashboard: 'timescaledb',
    },
  ],
  latency: [
    {
      alert: 'DatabaseLockWaits',
      severity: 'warning',
      expr: 'max(telegram_db_lock_waits_oldest_seconds) > 10',
      for: '1m',
      summary: 'A session has waited {{ $value | humanizeDuration }} for a lock.',
      dashboard: 'timescaledb',
    },
  ],
  saturation: [
    {
      alert: 'DatabaseConnectionPoolExhausted',
      severity: 'warning',
      expr: 'max by (database, user) (pgbouncer_pools_client_maxwait_seconds) > 1 or sum by (database, user) (pgbouncer_pools_client_waiting_connections) > 0',
      for: '30s',
      summary: 'Clients of {{ $labels.database }} wait for a connection of the pool.',
      dashboard: 'timescaledb',
    },
  ],
};
