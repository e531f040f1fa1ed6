/** Series of a stack in which all is well, as promtool writes them: 4 hours at 15 s. */
export type Series = Readonly<Record<string, string>>;

const SAMPLES = 960;
const still = (value: number | string) => `${String(value)}x${String(SAMPLES)}`;
const growing = (by: number) => `0+${String(by)}x${String(SAMPLES)}`;
const bucket = (source: string, le: string) => `telegram_poll_duration_seconds_bucket{source="${source}",le="${le}"}`;
const polls = (source: string, by: number): Series =>
  Object.fromEntries([
    ...['0.005', '0.015', '0.05', '+Inf'].map((le) => [bucket(source, le), growing(by)]),
    [`telegram_poll_duration_seconds_count{source="${source}"}`, growing(by)],
  ]) as Series;

export const HEALTHY: Series = {
  ...Object.fromEntries(
    ['gateway', 'api', 'consumer', 'postgres', 'pgbouncer', 'redis', 'rabbitmq', 'node', 'prometheus'].map((job) => [
      `up{job="${job}",${job === 'gateway' ? 'account="default",' : ''}instance="${job}:1"}`,
      still(1),
    ]),
  ),
  'telegram_connection_state{job="gateway",account="default",instance="gateway:1"}': still(1),
  'telegram_gap_recovered_total{job="gateway",account="default",instance="gateway:1"}': still(0),
  'telegram_gap_too_long_total{job="gateway",account="default",instance="gateway:1"}': still(0),
  ...polls('cache', 100),
  ...polls('database', 10),
  'telegram_outbox_oldest_age_seconds{job="gateway",account="default"}': still(0),
  'telegram_messages_received_total{job="gateway",account="default",source="push"}': growing(5),
  pg_up: still(1),
  // 2 hours ago at the end: promtool's clock starts at 0.
  telegram_backup_last_success_timestamp_seconds: still(7_200),
  telegram_backup_wal_waiting: still(0),
  telegram_backup_wal_last_success_timestamp_seconds: still(7_200),
  telegram_backup_wal_gap: still(0),
  telegram_db_lock_waits_oldest_seconds: still(0),
  'telegram_db_work_failed{group="default"}': still(0),
  'telegram_db_work_oldest_pending_seconds{group="default"}': still(1),
  'pgbouncer_pools_client_maxwait_seconds{database="telegram_gateway",user="gateway_a"}': still(0),
  'pgbouncer_pools_client_waiting_connections{database="telegram_gateway",user="gateway_a"}': still(0),
  'redis_instance_info{job="redis",instance="r1",role="master"}': still(1),
  'redis_instance_info{job="redis",instance="r2",role="slave"}': still(1),
  'redis_connected_slaves{job="redis",instance="r1"}': still(1),
  'redis_master_repl_offset{job="redis",instance="r1"}': growing(1_000),
  'redis_connected_slave_offset_bytes{job="redis",instance="r1"}': growing(1_000),
  redis_sentinel_master_ckquorum_status: still(1),
  'redis_up{job="sentinel",instance="s1"}': still(1),
  telegram_cache_hits_total: growing(90),
  telegram_cache_misses_total: growing(10),
  telegram_messages_unroutable_total: still(0),
  'rabbitmq_detailed_queue_messages{queue="telegram.messages.dlq"}': still(0),
  'rabbitmq_detailed_queue_messages_ready{queue="telegram.consumer.default"}': still(10),
  rabbitmq_alarms_memory_used_watermark: still(0),
  rabbitmq_alarms_free_disk_space_watermark: still(0),
  prometheus_rule_evaluation_failures_total: still(0),
  prometheus_build_info: still(1),
  'alertmanager_notification_requests_failed_total{integration="webhook"}': still(7),
  'telegram_host_disk_available_bytes{job="gateway",account="default",instance="gateway:1"}': still(50),
  'telegram_host_disk_size_bytes{job="gateway",account="default",instance="gateway:1"}': still(100),
  'node_filesystem_avail_bytes{fstype="ext4"}': still(50),
  'node_filesystem_size_bytes{fstype="ext4"}': still(100),
  node_memory_MemAvailable_bytes: still(50),
  node_memory_MemTotal_bytes: still(100),
};

export interface AlertCase {
  /** Series that take the place of the healthy ones; null takes one away. */
  readonly fault: Readonly<Record<string, string | null>>;
  /** Minute at which the alert fires, from the fault's beginning at the start of the series. */
  readonly at: number;
  /** Others that rightly fire with it. @default none */
  readonly with?: readonly string[];
  /** The same not quite bad enough: nothing fires at that minute. */
  readonly silent: Readonly<Record<string, string | null>>;
}

/** Bad for the first minute only. */
const briefly = (bad: number, good: number) => `${String(bad)}x3 ${String(good)}x${String(SAMPLES)}`;
export const GIVEN_UP = 'telegram_db_work_failed{group="default"}';
export const LETTERS = 'rabbitmq_detailed_queue_messages{queue="telegram.messages.dlq"}';
export const REDIS_EXPORTER = 'up{job="redis",instance="redis:1"}';
export const GATEWAY_DISK = 'telegram_host_disk_available_bytes{job="gateway",account="default",instance="gateway:1"}';
const DELIVERY = 'alertmanager_notification_requests_failed_total{integration="webhook"}';
const GATEWAY = 'up{job="gateway",account="default",instance="gateway:1"}';
const CONNECTION = 'telegram_connection_state{job="gateway",account="default",instance="gateway:1"}';
const PACE = bucket('database', '0.015');
const BUCKET_5 = bucket('database', '0.005');
export const MASTER = 'redis_instance_info{job="redis",instance="r1",role="master"}';
const SLAVE = 'redis_instance_info{job="redis",instance="r2",role="slave"}';

export const CASES: Readonly<Record<string, AlertCase>> = {
  TelegramGatewayDown: { fault: { [GATEWAY]: still(0) }, at: 2, silent: { [GATEWAY]: '1x5 0 1x960' } },
  TelegramDisconnected: {
    fault: { [CONNECTION]: still(0) },
    at: 3,
    with: ['AvailabilityBudgetBurning'],
    silent: { [CONNECTION]: '0x2 1x960' },
  },
  GapRecovered: {
    fault: { 'telegram_gap_recovered_total{job="gateway",account="default",instance="gateway:1"}': '0 5x960' },
    at: 2,
    silent: { 'telegram_gap_recovered_total{job="gateway",account="default",instance="gateway:1"}': still(7) },
  },
  GapTooLong: {
    fault: { 'telegram_gap_too_long_total{job="gateway",account="default",instance="gateway:1"}': '0 1x960' },
    at: 2,
    silent: { 'telegram_gap_too_long_total{job="gateway",account="default",instance="gateway:1"}': still(1) },
  },
  HighPollingLag: {
    // 90 % of what the database answers in time; with what the cache answers it is 99 %, and the budget lasts.
    fault: { [BUCKET_5]: growing(9), [PACE]: growing(9) },
    at: 8,
    silent: { [BUCKET_5]: growing(9), [PACE]: growing(9.6) },
  },
  OutboxAgeHigh: {
    fault: { 'telegram_outbox_oldest_age_seconds{job="gateway",account="default"}': still(6) },
    at: 2,
    silent: { 'telegram_outbox_oldest_age_seconds{job="gateway",account="default"}': still(4) },
  },
  TelegramGatewaySilent: {
    fault: { 'telegram_messages_received_total{job="gateway",account="default",source="push"}': '0+5x100 500x960' },
    at: 60,
    silent: { 'telegram_messages_received_total{job="gateway",account="default",source="push"}': '0+0.5x100 50x960' },
  },
  DatabaseDown: { fault: { pg_up: still(0) }, at: 2, silent: { pg_up: '0 1x960' } },
  PoolerDown: { fault: { pgbouncer_up: still(0) }, at: 2, silent: { pgbouncer_up: '0 1x960' } },
  BackupTooOld: {
    fault: { telegram_backup_last_success_timestamp_seconds: still(-26 * 3_600) },
    at: 2,
    silent: { telegram_backup_last_success_timestamp_seconds: still(-25 * 3_600) },
  },
  BackupArchiveStuck: {
    fault: { telegram_backup_wal_waiting: still(3), telegram_backup_wal_last_success_timestamp_seconds: still(-600) },
    at: 7,
    // Many wait, and they arrive.
    silent: {
      telegram_backup_wal_waiting: still(300),
      telegram_backup_wal_last_success_timestamp_seconds: growing(15),
    },
  },
  // What a backup has made up for since is no gap any more.
  BackupArchiveGap: {
    fault: { telegram_backup_wal_gap: still(1) },
    at: 2,
    silent: { telegram_backup_wal_gap: '1x3 0x960' },
  },
  DatabaseLockWaits: {
    fault: { telegram_db_lock_waits_oldest_seconds: still(20) },
    at: 3,
    silent: { telegram_db_lock_waits_oldest_seconds: still(9) },
  },
  DatabaseConnectionPoolExhausted: {
    fault: {
      'pgbouncer_pools_client_waiting_connections{database="telegram_gateway",user="gateway_a"}': still(3),
    },
    at: 2,
    silent: { 'pgbouncer_pools_client_maxwait_seconds{database="telegram_gateway",user="gateway_a"}': still(0.5) },
  },
  RedisClusterDown: { fault: { [MASTER]: null }, at: 2, silent: { [MASTER]: briefly(1, 1), [SLAVE]: null } },
  SentinelDown: {
    fault: { 'redis_up{job="sentinel",instance="s1"}': still(0) },
    at: 3,
    silent: { 'redis_up{job="sentinel",instance="s1"}': briefly(0, 1) },
  },
  RedisReplicaMissing: {
    fault: { 'redis_connected_slaves{job="redis",instance="r1"}': still(0) },
    at: 3,
    silent: { 'redis_connected_slaves{job="redis",instance="r1"}': briefly(0, 1) },
  },
  RedisReplicationLag: {
    fault: { 'redis_connected_slave_offset_bytes{job="redis",instance="r1"}': still(-2_000_000) },
    at: 3,
    silent: { 'redis_connected_slave_offset_bytes{job="redis",instance="r1"}': '-900000+1000x960' },
  },
  LowCacheHitRate: {
    fault: { telegram_cache_hits_total: growing(60), telegram_cache_misses_total: growing(40) },
    at: 15,
    silent: { telegram_cache_hits_total: growing(1), telegram_cache_misses_total: growing(4) },
  },
  UnroutableMessages: {
    fault: { telegram_messages_unroutable_total: '0 1x960' },
    at: 2,
    silent: { telegram_messages_unroutable_total: still(3) },
  },
  DeadLetters: {
    fault: { [GIVEN_UP]: still(1) },
    at: 3,
    silent: { [GIVEN_UP]: briefly(1, 0) },
  },
  WorkWaiting: {
    fault: { 'telegram_db_work_oldest_pending_seconds{group="default"}': still(90) },
    at: 7,
    silent: { 'telegram_db_work_oldest_pending_seconds{group="default"}': still(59) },
  },
  BrokerHoldsBack: {
    fault: { rabbitmq_alarms_memory_used_watermark: still(1) },
    at: 1,
    silent: { rabbitmq_alarms_memory_used_watermark: still(0) },
  },
  MessageQueueBuilding: {
    fault: { 'rabbitmq_detailed_queue_messages_ready{queue="telegram.consumer.default"}': still(1_001) },
    at: 3,
    silent: { 'rabbitmq_detailed_queue_messages_ready{queue="telegram.consumer.default"}': still(999) },
  },
  ScrapeTargetDown: {
    fault: { 'up{job="consumer",instance="consumer:1"}': still(0) },
    at: 3,
    silent: { 'up{job="consumer",instance="consumer:1"}': briefly(0, 1) },
  },
  PrometheusFailing: {
    // A disk that is full keeps no sample.
    fault: { prometheus_build_info: '1x4 _x960' },
    at: 4,
    silent: { prometheus_build_info: '1x4 _x4 1x960', prometheus_rule_evaluation_failures_total: still(4) },
  },
  AlertsNotDelivered: {
    fault: { [DELIVERY]: '0 1x960' },
    at: 2,
    silent: { [DELIVERY]: still(7) },
  },
  DiskSpaceLow: {
    fault: { 'node_filesystem_avail_bytes{fstype="ext4"}': still(9) },
    at: 7,
    silent: { 'node_filesystem_avail_bytes{fstype="ext4"}': still(11) },
  },
  HighMemoryUsage: {
    fault: { node_memory_MemAvailable_bytes: still(9) },
    at: 7,
    silent: { node_memory_MemAvailable_bytes: '9x10 50x960' },
  },
  AvailabilityBudgetBurning: {
    // Two minutes within the hour are over 2 % of the month: 14.4 times 0.1 % of an hour is 52 s.
    fault: { [CONNECTION]: '1x20 0x7 1x960' },
    at: 7,
    silent: { [CONNECTION]: '1x20 0x1 1x960' },
  },
  PollingBudgetBurning: {
    fault: { ...polls('cache', 0), [BUCKET_5]: growing(1), [PACE]: growing(1) },
    at: 10,
    with: ['HighPollingLag'],
    silent: { ...polls('cache', 0), [BUCKET_5]: growing(9.5), [PACE]: growing(9.7) },
  },
};
