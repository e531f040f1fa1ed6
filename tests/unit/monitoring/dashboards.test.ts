import { describe, expect, it } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DASHBOARD_IDS, type DashboardId } from '../../../monitoring/catalogue.js';
import { ROOT } from '../../../ops/stack-folder.js';
import { unknownNames } from '../../support/metric-names.js';

interface Panel {
  readonly id?: number;
  readonly type: string;
  readonly title: string;
  readonly description?: string;
  readonly datasource?: { readonly uid: string };
  readonly gridPos: { readonly x: number; readonly w: number };
  readonly fieldConfig?: { readonly defaults: { readonly unit?: string } };
  readonly links?: readonly { readonly url: string; readonly keepTime: boolean }[];
  readonly targets?: readonly Target[];
}
/** What is asked: of Prometheus with `expr`, of the database with `rawSql`. */
interface Target {
  readonly refId: string;
  readonly expr?: string;
  readonly legendFormat?: string;
  readonly rawSql?: string;
}
interface Board {
  readonly uid: string;
  readonly tags: readonly string[];
  readonly editable: boolean;
  readonly links: readonly { readonly type: string; readonly tags: readonly string[]; readonly keepTime: boolean }[];
  readonly panels: readonly Panel[];
}

const board = (id: DashboardId) => JSON.parse(readFileSync(join(ROOT, 'dashboards', `${id}.json`), 'utf8')) as Board;
const panelsOf = (id: DashboardId) => board(id).panels.filter(({ type }) => type !== 'row');

/** What the contract names, by words of a panel's title. */
const WANTED: readonly (readonly [row: string, id: DashboardId, panels: readonly string[]])[] = [
  [
    'M4',
    'overview',
    [
      'Message rate',
      'End-to-end latency',
      'Queue depth',
      'Error rate',
      'Gateway',
      'TimescaleDB',
      'PgBouncer',
      'Redis',
      'Sentinels',
      'RabbitMQ',
      'Consumer and API',
    ],
  ],
  [
    'M5',
    'timescaledb',
    [
      'Query latency',
      'Mean time by statement',
      'Connections of the pool',
      'Cache hit rate',
      'Lock waits',
      'Table sizes',
      'Index sizes',
    ],
  ],
  ['M6', 'redis', ['Hits and misses', 'Memory', 'Evictions', 'Replication lag', 'Commands']],
  ['M7', 'rabbitmq', ['Ready', 'Unacknowledged', 'Publish rate', 'Deliver rate', 'Consumers', 'Queue depth']],
  ['M8', 'mtproto-service', ['CPU', 'RAM', 'Network I/O', 'Connection state', 'Reception rate']],
  ['M9', 'slo', ['Availability', 'Polling latency', 'Error budget left', 'Incidents timeline']],
];

/** Grafana's linter, where the machine has it: `go install .` in a checkout of github.com/grafana/dashboard-linter v0.2.0. */
const HAS_LINTER = spawnSync('dashboard-linter', ['lint', '--help'], { timeout: 60_000 }).status === 0;
const ifLinter = HAS_LINTER ? it : it.skip;
if (!HAS_LINTER)
  process.stderr.write('\nskipped: what dashboard-linter says of the dashboards, because it is not installed\n');

describe('dashboards', () => {
  it.each(WANTED)('%s %s shows what the contract names', (_row, id, wanted) => {
    expect(panelsOf(id).map(({ title }) => title)).toEqual(expect.arrayContaining([...wanted]));
  });

  it.each(DASHBOARD_IDS)('M4-M9 %s asks only for metrics that something serves, of jobs that exist', async (id) => {
    const asked = panelsOf(id).flatMap(({ title, targets }) =>
      (targets ?? []).map(({ expr = '' }) => unknownNames(`dashboards/${id}.json: ${title}`, expr)),
    );
    expect((await Promise.all(asked)).flat()).toEqual([]);
  });

  it.each(DASHBOARD_IDS)('M4-M9 %s is of one style: unit, explanation, datasource, legend, no two ids alike', (id) => {
    const panels = panelsOf(id);
    for (const panel of panels) {
      expect([panel.title, panel.fieldConfig?.defaults.unit]).toEqual([panel.title, expect.stringMatching(/./)]);
      expect(panel.description).toMatch(/^[^a-z].*[.]$/);
      const sql = panel.targets?.some(({ rawSql }) => rawSql);
      expect(panel.datasource?.uid).toBe(sql ? 'timescaledb' : '${datasource}');
      expect(panel.gridPos.x + panel.gridPos.w).toBeLessThanOrEqual(24);
      expect(panel.targets?.length).toBeGreaterThan(0);
      expect(new Set(panel.targets?.map(({ refId }) => refId)).size).toBe(panel.targets?.length);
      for (const { legendFormat, rawSql } of panel.targets ?? []) expect(legendFormat ?? rawSql).toMatch(/./);
    }
    expect(new Set(panels.map((panel) => panel.id)).size).toBe(panels.length);
    expect(new Set(panels.map((panel) => panel.title)).size).toBe(panels.length);
  });

  it.each(DASHBOARD_IDS)('M4-M9 %s leads to the other dashboards and keeps the time range', (id) => {
    const { uid, tags, links, editable } = board(id);
    expect({ uid, tags, editable }).toEqual({ uid: id, tags: ['telegram'], editable: false });
    expect(links).toEqual([expect.objectContaining({ type: 'dashboards', tags: ['telegram'], keepTime: true })]);
    for (const { url, keepTime } of panelsOf(id).flatMap((panel) => panel.links ?? [])) {
      expect(DASHBOARD_IDS.map((known) => `/d/${known}`)).toContain(url);
      expect(keepTime).toBe(true);
    }
  });

  it('M4 drills down from the health of each part of the stack', () => {
    const leads = new Set(panelsOf('overview').flatMap(({ links }) => (links ?? []).map(({ url }) => url)));
    expect(leads).toEqual(new Set(DASHBOARD_IDS.filter((id) => id !== 'overview').map((id) => `/d/${id}`)));
  });

  ifLinter.each(DASHBOARD_IDS)(
    'M4-M9 %s passes Grafana’s own linter, but for what dashboards/.lint leaves out',
    (id) => {
      const file = join(ROOT, 'dashboards', `${id}.json`);
      const linted = spawnSync('dashboard-linter', ['lint', '--strict', file], { encoding: 'utf8', timeout: 60_000 });
      expect(linted.status === 0 ? '' : linted.stdout + linted.stderr).toBe('');
    },
  );

  it('M12 a misspelt metric is named with its file and expression', async () => {
    expect(
      await unknownNames('dashboards/x.json: Rate', 'rate(telegram_mesages_stored_total{job="gatway"}[5m])'),
    ).toEqual([
      'dashboards/x.json: Rate: nothing serves telegram_mesages_stored_total, in rate(telegram_mesages_stored_total{job="gatway"}[5m])',
      'dashboards/x.json: Rate: there is no job gatway, in rate(telegram_mesages_stored_total{job="gatway"}[5m])',
    ]);
  });
});
