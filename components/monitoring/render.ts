import { stringify } from 'yaml';
import { DATABASE, SCHEMA } from '../../runtime/contract.js';
import type { Address } from '../endpoint.js';

/** Seconds between two scrapes and two evaluations; the availability records count on it. */
export const SCRAPE_S = 15;

/** Container with the exporter of a Docker host's own figures; the home host has no name. */
export function nodeExporterOn(on: string): string {
  return ['telegram-node-exporter', ...(on === '' ? [] : [on])].join('-');
}

export interface ScrapeTarget extends Address {
  /** Of all its series. @default none */
  readonly labels?: Readonly<Record<string, string>>;
}

/** One thing that Prometheus asks. */
export interface ScrapeJob {
  readonly job: string;
  readonly targets: readonly ScrapeTarget[];
  /** @default /metrics */
  readonly path?: string;
  readonly params?: Readonly<Record<string, readonly string[]>>;
  /** Exporter that is asked about the targets, which then are URLs of this scheme and user. */
  readonly through?: { readonly exporter: Address; readonly urlPrefix: string };
}

export interface PrometheusValues {
  readonly jobs: readonly ScrapeJob[];
  readonly ruleFiles: readonly string[];
  readonly alertmanager: Address | null;
}

const at = ({ host, port }: Address) => `${host}:${String(port)}`;

/** prometheus.yml. Targets are the stack's own endpoints; `instance` is what was asked about, not the exporter. */
export function prometheusYml({ jobs, ruleFiles, alertmanager }: PrometheusValues): string {
  return stringify(
    {
      global: {
        scrape_interval: `${String(SCRAPE_S)}s`,
        scrape_timeout: '10s',
        evaluation_interval: `${String(SCRAPE_S)}s`,
        external_labels: { cluster: 'telegram-stack' },
      },
      rule_files: ruleFiles,
      ...(alertmanager && { alerting: { alertmanagers: [{ static_configs: [{ targets: [at(alertmanager)] }] }] } }),
      scrape_configs: jobs.map(scrapeConfig),
    },
    { lineWidth: 0 },
  );
}

function scrapeConfig({ job, targets, path, params, through }: ScrapeJob) {
  return {
    job_name: job,
    ...(path !== undefined && { metrics_path: path }),
    ...(params && { params }),
    static_configs: staticConfigs(targets),
    ...(through && {
      metrics_path: '/scrape',
      relabel_configs: [
        { source_labels: ['__address__'], target_label: 'instance' },
        { source_labels: ['__address__'], target_label: '__param_target', replacement: `${through.urlPrefix}$1` },
        { target_label: '__address__', replacement: at(through.exporter) },
      ],
    }),
  };
}

/** Targets without labels stand together. */
function staticConfigs(targets: readonly ScrapeTarget[]) {
  const plain = targets.filter(({ labels }) => !labels);
  return [
    ...(plain.length > 0 ? [{ targets: plain.map(at) }] : []),
    ...targets.filter(({ labels }) => labels).map((target) => ({ targets: [at(target)], labels: target.labels })),
  ];
}

/** The families of RabbitMQ's detailed page that dashboards and rules use: everything else costs one series a queue each. */
export const QUEUE_PARAMS = { vhost: ['telegram'], family: ['queue_coarse_metrics', 'queue_consumer_count'] } as const;

/**
 * Statements by their first words, so that the text is short and carries no values; the twenty that cost most. Statements about
 * roles are left out: they are kept as they were given, with a verifier in them, by a server that does not let its administrator
 * switch that off.
 */
const STATEMENTS = `select left(regexp_replace(query, '\\s+', ' ', 'g'), 80) as statement,
  sum(calls) as calls_total, sum(total_exec_time) / 1000 as seconds_total
from pg_stat_statements s join pg_database d on d.oid = s.dbid
where d.datname = '${DATABASE}' and query !~* '\\y(role|user|password)\\y' group by 1 order by 3 desc limit 20`;

/** A hypertable with all of its chunks is one relation. */
const RELATIONS = `select coalesce(p.relname, c.relname) as relation,
  sum(pg_table_size(c.oid)) as table_bytes, sum(pg_indexes_size(c.oid)) as index_bytes
from pg_class c left join pg_inherits i on i.inhrelid = c.oid left join pg_class p on p.oid = i.inhparent
where c.relkind = 'r' and (c.relnamespace = '${SCHEMA}'::regnamespace or p.relnamespace = '${SCHEMA}'::regnamespace)
group by 1`;

const LOCK_WAITS = `select count(*) as sessions,
  coalesce(extract(epoch from max(now() - state_change)), 0) as oldest_seconds
from pg_stat_activity where wait_event_type = 'Lock'`;

const WORK = `select group_name as "group", pending, failed,
  coalesce(oldest_pending_seconds, 0) as oldest_pending_seconds
from ${SCHEMA}.message_processing_stats where active`;

const label = (description: string) => ({ usage: 'LABEL', description });
const gauge = (description: string) => ({ usage: 'GAUGE', description });
const counter = (description: string) => ({ usage: 'COUNTER', description });

/** Custom queries of the PostgreSQL exporter. Every series is named after its query and its column. */
export function customQueriesYml(): string {
  return stringify(
    {
      telegram_db_statement: {
        query: STATEMENTS,
        metrics: [
          { statement: label('First words of the statement.') },
          { calls_total: counter('Times it ran.') },
          { seconds_total: counter('Time it took, in seconds.') },
        ],
      },
      telegram_db_relation: {
        query: RELATIONS,
        metrics: [
          { relation: label('Table, or hypertable with its chunks.') },
          { table_bytes: gauge('Size of the rows.') },
          { index_bytes: gauge('Size of the indexes.') },
        ],
      },
      telegram_db_lock_waits: {
        query: LOCK_WAITS,
        metrics: [
          { sessions: gauge('Sessions that wait for a lock.') },
          { oldest_seconds: gauge('Age of the oldest wait, in seconds.') },
        ],
      },
      telegram_db_work: {
        query: WORK,
        metrics: [
          { group: label('Consumer group.') },
          { pending: gauge('Events that wait for the group.') },
          { failed: gauge('Events that the group gave up.') },
          { oldest_pending_seconds: gauge('How long the oldest has waited, in seconds.') },
        ],
      },
    },
    { lineWidth: 0 },
  );
}

/** Alertmanager with one receiver; whoever is paged for the cause is not paged for the budget that it burns. */
export function alertmanagerYml(): string {
  return stringify({
    route: {
      receiver: 'webhook',
      group_by: ['alertname', 'subject'],
      group_wait: '10s',
      group_interval: '1m',
      repeat_interval: '4h',
    },
    receivers: [{ name: 'webhook', webhook_configs: [{ url_file: '/credentials/webhook', send_resolved: true }] }],
    inhibit_rules: [
      {
        source_matchers: ['alertname = TelegramGatewayDown'],
        target_matchers: ['alertname =~ "OutboxAgeHigh|TelegramDisconnected"'],
        equal: ['account'],
      },
      {
        source_matchers: ['alertname = TelegramGatewayDown'],
        target_matchers: ['alertname = AvailabilityBudgetBurning'],
      },
    ],
  });
}

/**
 * Goes before the command of an exporter that reads its login at start only: a hang-up starts the process anew while the
 * container stays; an exporter that ends by itself ends the container.
 */
export const SUPERVISE = [
  '/bin/sh',
  '-c',
  `trap 'again=1; kill "$child"' HUP
trap 'kill "$child"; exit 0' TERM INT
while :; do
  again=
  "$@" &
  child=$!
  wait "$child"
  status=$?
  [ -n "$again" ] || exit "$status"
  wait "$child"
done`,
  'sh',
];

/** Logins of the exporters, by the slot in use. */
export interface ExporterLogins {
  readonly database: { readonly user: string; readonly password: string };
  readonly pooler: { readonly address: Address; readonly user: string; readonly password: string };
  readonly redis: { readonly nodes: readonly Address[]; readonly user: string; readonly password: string };
  readonly sentinels: { readonly nodes: readonly Address[]; readonly password: string };
}

/** Secret files of the exporters, each in the form that its exporter reads. */
export function exporterFiles({ database, pooler, redis, sentinels }: ExporterLogins): Record<string, string> {
  const passwords = [
    ...redis.nodes.map((node) => [`redis://${redis.user}@${at(node)}`, redis.password]),
    ...sentinels.nodes.map((node) => [`redis://${at(node)}`, sentinels.password]),
  ];
  return {
    'postgres-user': database.user,
    'postgres-password': database.password,
    'pgbouncer-user': pooler.user,
    'pgbouncer.pgpass': `${pooler.address.host}:${String(pooler.address.port)}:*:${pooler.user}:${pooler.password}\n`,
    'redis.json': JSON.stringify(Object.fromEntries(passwords)),
  };
}
