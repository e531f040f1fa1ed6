import { describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from 'pg';
import { DASHBOARD_IDS, SUBJECTS } from '../../monitoring/catalogue.js';
import { RULES } from '../../monitoring/index.js';
import { resolved, selectorsOf } from '../../monitoring/promql.js';
import { alertsOf } from '../../monitoring/rules/rule.js';
import { ROOT } from '../../ops/stack-folder.js';
import { BY_BACKUP } from '../support/metric-names.js';
import { firingAlerts, holding, query, settled, targets } from '../support/prometheus.js';
import { connection, docker, inside, smoke, TEST_PREFIX } from '../support/test-stack.js';

const MINUTES = 60_000;
const none = (list: readonly unknown[]) => list.length === 0;
const is = (wanted: string) => (names: readonly string[]) => names.join() === wanted;

interface Board {
  readonly panels: readonly { readonly title: string; readonly targets?: readonly { readonly expr: string }[] }[];
}

/** `dashboard: panel: expression` of every panel. */
function panelExpressions(): (readonly [where: string, expression: string])[] {
  return DASHBOARD_IDS.flatMap((id) => {
    const { panels } = JSON.parse(readFileSync(join(ROOT, 'dashboards', `${id}.json`), 'utf8')) as Board;
    return panels.flatMap(({ title, targets: asked = [] }) =>
      asked.map(({ expr }) => [`dashboards/${id}.json: ${title}: ${expr}`, resolved(expr)] as const),
    );
  });
}

function ruleSelectors(): (readonly [where: string, selector: string])[] {
  return SUBJECTS.flatMap((subject) => {
    const { recordings = [] } = RULES[subject];
    const expressions = [...recordings, ...alertsOf(RULES[subject])].map(({ expr }) => expr);
    return [...new Set(expressions.flatMap((expr) => selectorsOf(expr).map(({ text }) => text)))].map(
      (text) => [`dashboards/rules/${subject}.yml: ${text}`, text] as const,
    );
  });
}

/** Those that match no series. */
async function empty(list: readonly (readonly [where: string, expression: string])[]): Promise<string[]> {
  const answers = await Promise.all(list.map(async ([where, expression]) => none(await query(expression)) && where));
  return answers.filter((where) => where !== false);
}

describe('monitoring', () => {
  it(
    'M1 M3 Prometheus reads every part of the stack',
    async () => {
      const seen = await settled(targets, (all) => Object.values(all).every((error) => error === ''));
      expect(Object.entries(seen).filter(([, error]) => error !== '')).toEqual([]);
      const jobs = Object.keys(seen).map((name) => name.split(' ')[0]);
      expect(jobs.sort()).toEqual([
        'api',
        'consumer',
        'gateway',
        'node',
        'pgbouncer',
        'postgres',
        'prometheus',
        'rabbitmq',
        'rabbitmq-queues',
        'redis',
        'redis',
        'sentinel',
        'sentinel',
        'sentinel',
        'simulator',
      ]);
    },
    3 * MINUTES,
  );

  it(
    'M12 every panel has series while messages flow; the incidents have theirs after the fault below',
    async () => {
      smoke(50);
      const asked = panelExpressions().filter(([, expression]) => !expression.includes('ALERTS'));
      expect(asked.length).toBeGreaterThan(80);
      expect(await settled(() => empty(asked), none)).toEqual([]);
    },
    5 * MINUTES,
  );

  it(
    'M12 every selector of every rule has series, but for a backup that was never made',
    async () => {
      const asked = ruleSelectors().filter(([, selector]) => selector !== BY_BACKUP);
      expect(asked.length).toBeGreaterThan(50);
      expect(await settled(() => empty(asked), none)).toEqual([]);
    },
    3 * MINUTES,
  );

  it(
    'M10 clients that wait for a connection of the pool are seen, and nothing else',
    async () => {
      const { host, port, user, password } = connection('pgbouncer');
      const clients = Array.from(
        { length: 12 },
        () => new Client({ host, port, user, password, database: 'telegram_gateway' }),
      );
      try {
        await Promise.all(clients.map((client) => client.connect()));
        // Cut off at the end: whoever still waits is no fault.
        for (const client of clients) void client.query('select pg_sleep(60)').catch(() => undefined);
        expect(await settled(holding, is('DatabaseConnectionPoolExhausted'), MINUTES)).toEqual([
          'DatabaseConnectionPoolExhausted',
        ]);
      } finally {
        for (const client of clients) client.on('error', () => undefined);
        await Promise.all(clients.map((client) => client.end().catch(() => undefined)));
      }
      expect(await settled(holding, none)).toEqual([]);
    },
    4 * MINUTES,
  );

  it(
    'M11 a replica that is gone is seen, and nothing else',
    async () => {
      const [replica] = await query('redis_instance_info{job="redis",role="slave"}');
      const part = replica?.metric['instance']?.includes('.20:') ? 'redis-master' : 'redis-replica';
      await docker('stop', `${TEST_PREFIX}telegram-${part}`);
      try {
        expect(await settled(holding, is('RedisReplicaMissing'))).toEqual(['RedisReplicaMissing']);
      } finally {
        await docker('start', `${TEST_PREFIX}telegram-${part}`);
      }
      expect(await settled(holding, none)).toEqual([]);
    },
    5 * MINUTES,
  );

  it(
    'M10 M9 a gateway that stops fires its alert, alone, which clears, and stands in the incidents timeline',
    async () => {
      expect(await settled(firingAlerts, none)).toEqual([]);
      await inside('gateway-host', 'systemctl', 'stop', 'telegram-gateway');
      try {
        expect(await settled(firingAlerts, is('TelegramGatewayDown'))).toEqual(['TelegramGatewayDown']);
        const incidents = panelExpressions().filter(([, expression]) => expression.includes('ALERTS'));
        expect(incidents).toHaveLength(1);
        expect(await empty(incidents)).toEqual([]);
      } finally {
        await inside('gateway-host', 'systemctl', 'start', 'telegram-gateway');
      }
      expect(
        await settled(
          async () => (await firingAlerts()).includes('TelegramGatewayDown'),
          (fires) => !fires,
        ),
      ).toBe(false);
    },
    6 * MINUTES,
  );
});
