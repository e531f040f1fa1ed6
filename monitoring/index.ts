import type { DashboardId, Subject } from './catalogue.js';
import { mtprotoService } from './dashboards/mtproto-service.js';
import { overview } from './dashboards/overview.js';
import { rabbitmq as rabbitmqBoard } from './dashboards/rabbitmq.js';
import { redis as redisBoard } from './dashboards/redis.js';
import { slo as sloBoard } from './dashboards/slo.js';
import { timescaledb as timescaledbBoard } from './dashboards/timescaledb.js';
import { gateway } from './rules/gateway.js';
import { host } from './rules/host.js';
import { rabbitmq } from './rules/rabbitmq.js';
import { redis } from './rules/redis.js';
import type { RuleFile } from './rules/rule.js';
import { runtime } from './rules/runtime.js';
import { slo } from './rules/slo.js';
import { timescaledb } from './rules/timescaledb.js';
import type { Board } from './style.js';

/** Every dashboard, made anew at each call. */
export const BOARDS: Readonly<Record<DashboardId, () => Board>> = {
  overview,
  timescaledb: timescaledbBoard,
  redis: redisBoard,
  rabbitmq: rabbitmqBoard,
  'mtproto-service': mtprotoService,
  slo: sloBoard,
};

/** Every rule by its subject. */
export const RULES: Readonly<Record<Subject, RuleFile>> = {
  gateway,
  runtime,
  timescaledb,
  redis,
  rabbitmq,
  host,
  slo,
};
