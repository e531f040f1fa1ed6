import { beforeAll, describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DASHBOARD_IDS, SUBJECTS } from '../../monitoring/catalogue.js';
import { RULES } from '../../monitoring/index.js';
import { resolved, selectorsOf } from '../../monitoring/promql.js';
import { alertsOf } from '../../monitoring/rules/rule.js';
import { ROOT } from '../../ops/stack-folder.js';
import { askStack } from '../support/api.js';
import { askPooler } from '../support/logins.js';
import { Prometheus, settled, type Sample } from '../support/prometheus.js';
import { examine } from '../support/doctor.js';
import { connection, container, docker, inside, TEST_PREFIX } from '../support/test-stack.js';
import { Traffic } from '../support/traffic.js';
import { WatchedChannel } from '../support/watched-channel.js';

const MINUTES = 60_000;
const none = (list: readonly unknown[]) => list.length === 0;

let prometheus: Prometheus;

interface Board {
  readonly panels: readonly { readonly title: string; readonly targets?: readonly Target[] }[];
}
/** What a panel asks: Prometheus with `expr`, the database with `rawSql`. */
interface Target {
  readonly expr?: string;
  readonly rawSql?: string;
}

/** What every panel asks, with `dashboard: panel: question` before it. */
function questions(kind: keyof Target): (readonly [where: string, question: string])[] {
  return DASHBOARD_IDS.flatMap((id) => {
    const { panels } = JSON.parse(readFileSync(join(ROOT, 'dashboards', `${id}.json`), 'utf8')) as Board;
    return panels.flatMap(({ title, targets = [] }) =>
      targets.flatMap(({ [kind]: text }) =>
        text === undefined ? [] : [[`dashboards/${id}.json: ${title}: ${text}`, resolved(text)] as const],
      ),
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

const hasValue = ({ value: [, text] }: Sample) => text !== 'NaN';

/** Those that match no series, or none as it is wanted. */
async function empty(
  list: readonly (readonly [where: string, expression: string])[],
  wanted: (sample: Sample) => boolean = () => true,
): Promise<string[]> {
  const answers = await Promise.all(
    list.map(async ([where, expression]) => !(await prometheus.query(expression)).some(wanted) && where),
  );
  return answers.filter((where) => where !== false);
}

describe('monitoring', () => {
  beforeAll(() => {
    prometheus = Prometheus.ofStack();
  });

  it(
    'M1 M3 Prometheus reads every part of the stack',
    async () => {
      const seen = await settled(
        () => prometheus.targets(),
        (all) => Object.values(all).every((error) => error === ''),
      );
      expect(Object.entries(seen).filter(([, error]) => error !== '')).toEqual([]);
      const jobs = Object.keys(seen).map((name) => name.split(' ')[0]);
      expect(jobs.sort()).toEqual([
        'alertmanager',
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
    'M1 O4 the doctor counts the targets, and says what was left out',
    async () => {
      const row = () => Promise.resolve(examine().report.checks.find(({ name }) => name === 'monitoring'));
      const seen = await settled(row, (found) => found?.ok === true);
      expect(seen).toMatchObject({ ok: true, detail: expect.stringMatching(/^16 targets answer/) as unknown });
    },
    4 * MINUTES,
  );

  it(
    'O4 the doctor counts targets of now, not one that Prometheus asked before it began again',
    async () => {
      const yml = '/etc/prometheus/prometheus.yml';
      const name = `gone-${String(Date.now())}`;
      const job = JSON.stringify({ job_name: name, static_configs: [{ targets: ['127.0.0.1:9090'] }] });
      // The container writes its own file anew when it starts, and Prometheus does not mark what it asked before as ended.
      await inside('prometheus', 'sh', '-c', `echo '- ${job}' | sed 's/^/  /' >> ${yml} && kill -HUP 1`);
      const gone = () => prometheus.value(`up{job="${name}"}`).catch(() => null);
      expect(await settled(gone, (up) => up === 1)).toBe(1);
      await docker('restart', '-t', '10', `${TEST_PREFIX}telegram-prometheus`);
      expect(await settled(gone, (up) => up === 1)).toBe(1);
      // For a minute its last answer counts as one of now: less is waited for.
      const row = () => Promise.resolve(examine().report.checks.find(({ name }) => name === 'monitoring'));
      const seen = await settled(row, (found) => found?.detail.startsWith('16 ') === true, MINUTES / 2);
      expect(seen).toMatchObject({ ok: true, detail: expect.stringMatching(/^16 targets answer/) as unknown });
    },
    3 * MINUTES,
  );

  it(
    'M12 every panel has series while messages flow; the incidents have theirs after a fault',
    async () => {
      // A share or a quantile of nothing has no value: all the while something is posted, and read.
      const channel = await WatchedChannel.make('monitoring');
      const traffic = new Traffic();
      traffic.client('posts', 1_000, () => channel.post(1));
      traffic.client('reads', 1_000, () => askStack('/v1/messages?limit=1'));
      try {
        const asked = questions('expr').filter(([, expression]) => !expression.includes('ALERTS'));
        expect(asked.length).toBeGreaterThan(80);
        // A consumer of a queue does not poll: its series are there, without a value.
        const polling = asked.filter(([, expression]) => /slo:polling|telegram_poll/.test(expression));
        const others = asked.filter((one) => !polling.includes(one));
        expect(await settled(() => empty(others, hasValue), none)).toEqual([]);
        expect(await settled(() => empty(polling), none)).toEqual([]);
      } finally {
        await traffic.stop();
      }
    },
    5 * MINUTES,
  );

  it('M12 every SQL panel is answered by the live database, as the login that Grafana has', async () => {
    const asked = questions('rawSql');
    const { user = '', password = '' } = connection('pgbouncer');
    const reader = { user, password };
    expect(asked.length).toBeGreaterThan(3);
    for (const [where, sql] of asked) {
      const rows = await askPooler('reader', reader, sql).catch((error: unknown) => {
        throw new Error(where, { cause: error });
      });
      // The others are empty where all is well, or nothing was counted yet.
      if (where.includes('Consumer groups')) expect(rows).toContainEqual(expect.objectContaining({ group: 'default' }));
    }
  });

  it(
    'M1 a Prometheus that is restarted has kept its samples, and goes on',
    async () => {
      const samples = () => prometheus.value('count_over_time(up{job="prometheus"}[1d])');
      const before = (await samples()) ?? 0;
      expect(before).toBeGreaterThan(0);
      await docker('restart', container('prometheus'));
      const after = await settled(
        () => samples().catch(() => null),
        (count) => (count ?? 0) > before,
      );
      expect(after).toBeGreaterThan(before);
    },
    4 * MINUTES,
  );

  it(
    'M12 every selector of every rule has series, but for a backup that was never made',
    async () => {
      // The test stack makes none.
      const asked = ruleSelectors().filter(([, selector]) => !selector.startsWith('telegram_backup_'));
      expect(asked.length).toBeGreaterThan(50);
      expect(await settled(() => empty(asked), none)).toEqual([]);
    },
    3 * MINUTES,
  );
});
