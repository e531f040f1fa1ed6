/** The dashboards by their file name, which is their uid too: title, and the question that each answers. */
export const DASHBOARDS = {
  overview: { title: 'Telegram / Overview', question: 'Does the whole path work, and which part does not?' },
  timescaledb: { title: 'Telegram / TimescaleDB', question: 'What do the database and its pool spend their time on?' },
  redis: { title: 'Telegram / Redis', question: 'Does the cache answer, and do replica and Sentinels follow?' },
  rabbitmq: { title: 'Telegram / RabbitMQ', question: 'Do events reach their handlers, or do they pile up?' },
  'mtproto-service': {
    title: 'Telegram / MTProto service',
    question: 'Does the gateway receive, and what does it use?',
  },
  slo: { title: 'Telegram / SLO', question: 'Was the service as good as promised, and what went wrong when?' },
} as const;

export type DashboardId = keyof typeof DASHBOARDS;
export const DASHBOARD_IDS = Object.keys(DASHBOARDS) as DashboardId[];

/** Rule files by subject. */
export const SUBJECTS = ['gateway', 'runtime', 'timescaledb', 'redis', 'rabbitmq', 'host', 'slo'] as const;
export type Subject = (typeof SUBJECTS)[number];

/** Names of the scrape jobs, as the component renders them and as expressions use them. */
export const JOBS = [
  'gateway',
  'api',
  'consumer',
  'simulator',
  'postgres',
  'pgbouncer',
  'redis',
  'sentinel',
  'rabbitmq',
  'rabbitmq-queues',
  'node',
  'prometheus',
  'alertmanager',
  'grafana',
] as const;
