import exporters from '../../monitoring/exporters.json';
import { JOBS } from '../../monitoring/catalogue.js';
import { RULES } from '../../monitoring/index.js';
import { selectorsOf } from '../../monitoring/promql.js';
import { collectProcessMetrics, registry } from '../../runtime/metrics.js';

/** Made by Prometheus itself. */
const OWN = ['up', 'ALERTS'];
/** Written to a file by the scheduled backup: there is no series before the first one. */
export const BY_BACKUP = 'telegram_backup_last_success_timestamp_seconds';
/** The same, of a stack whose backup works; its own database is backed up with every change. */
export const OF_BACKUP = [
  BY_BACKUP,
  'telegram_backup_wal_waiting',
  'telegram_backup_wal_last_success_timestamp_seconds',
  'telegram_backup_wal_gap',
];

let known: Promise<ReadonlySet<string>> | undefined;

/** Every metric name that something of the stack serves: runtime, exporters (as recorded from live ones), recording rules. */
function declaredMetrics(): Promise<ReadonlySet<string>> {
  known ??= gather();
  return known;
}

async function gather(): Promise<ReadonlySet<string>> {
  return new Set([
    ...OWN,
    ...OF_BACKUP,
    'telegram_backup_last_failure_timestamp_seconds',
    ...(await runtimeMetrics()),
    ...Object.values(exporters).flat(),
    ...Object.values(RULES).flatMap(({ recordings }) => (recordings ?? []).map(({ record }) => record)),
  ]);
}

async function runtimeMetrics(): Promise<string[]> {
  collectProcessMetrics();
  const declared = await registry.getMetricsAsJSON();
  return declared.flatMap(({ name, type }) =>
    String(type) === 'histogram' ? ['_bucket', '_sum', '_count'].map((suffix) => name + suffix) : [name],
  );
}

/** One line for each metric that nothing serves and each job that does not exist; `where` is the file and what in it. */
export async function unknownNames(where: string, expression: string): Promise<string[]> {
  const declared = await declaredMetrics();
  const jobs = [...expression.matchAll(/job[!=]~?"([^"]*)"/g)].flatMap(([, names = '']) => names.split('|'));
  return [
    ...selectorsOf(expression)
      .filter(({ name }) => !declared.has(name))
      .map(({ name }) => `${where}: nothing serves ${name}, in ${expression}`),
    ...jobs
      .filter((job) => !JOBS.some((known) => known === job))
      .map((job) => `${where}: there is no job ${job}, in ${expression}`),
  ];
}
