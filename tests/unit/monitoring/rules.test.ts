import { describe, expect, it } from '@jest/globals';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { SUBJECTS } from '../../../monitoring/catalogue.js';
import { RULES } from '../../../monitoring/index.js';
import { alertsOf, runbookOf } from '../../../monitoring/rules/rule.js';
import { ROOT } from '../../../ops/stack-folder.js';
import { BY_BACKUP, unknownNames } from '../../support/metric-names.js';
import { HAS_PROMTOOL, promtool, testRules } from '../../support/promtool.js';
import { CASES, GATEWAY_DISK, GIVEN_UP, HEALTHY, LETTERS, MASTER, REDIS_EXPORTER, type Series } from './alert-cases.js';

const files = SUBJECTS.map((subject) => join(ROOT, 'dashboards', 'rules', `${subject}.yml`));
const alerts = SUBJECTS.flatMap((subject) => alertsOf(RULES[subject]));
const names = [...new Set(alerts.map(({ alert }) => alert))];
const severities = (wanted: readonly string[]) =>
  wanted.map((name) => alerts.find(({ alert }) => alert === name)?.severity);
const ifPromtool = HAS_PROMTOOL ? it : it.skip;
if (!HAS_PROMTOOL)
  process.stderr.write(
    '\nskipped: the tests of the rules, because there is no promtool (apt-get install prometheus)\n',
  );

describe('rules', () => {
  it('M10 has the eight alerts at their severity', () => {
    expect(severities(['TelegramGatewayDown', 'HighPollingLag', 'RedisClusterDown'])).toEqual(
      Array(3).fill('critical'),
    );
    expect(
      severities([
        'DatabaseConnectionPoolExhausted',
        'MessageQueueBuilding',
        'LowCacheHitRate',
        'DiskSpaceLow',
        'HighMemoryUsage',
      ]),
    ).toEqual(Array(5).fill('warning'));
  });

  it('M11 has the alerts beyond', () => {
    const wanted = [
      'OutboxAgeHigh',
      'TelegramGatewaySilent',
      'GapRecovered',
      'BackupTooOld',
      'DeadLetters',
      'UnroutableMessages',
    ];
    expect(names).toEqual(expect.arrayContaining([...wanted, 'AvailabilityBudgetBurning', 'PollingBudgetBurning']));
    expect(alerts.filter(({ alert }) => alert === 'AvailabilityBudgetBurning').map(({ expr }) => expr)).toEqual([
      'slo:availability:error_ratio_1h > 0.0144 and slo:availability:error_ratio_5m > 0.0144',
      'slo:availability:error_ratio_6h > 0.006 and slo:availability:error_ratio_30m > 0.006',
      'slo:availability:error_ratio_1d > 0.003 and slo:availability:error_ratio_2h > 0.003',
      'slo:availability:error_ratio_3d > 0.001 and slo:availability:error_ratio_6h > 0.001',
    ]);
  });

  it.each(SUBJECTS)('M12 %s uses only metrics that something serves, of jobs that exist', async (subject) => {
    const { recordings = [] } = RULES[subject];
    const rules = [
      ...recordings.map(({ record, expr }) => ({ name: record, expr })),
      ...alertsOf(RULES[subject]).map(({ alert, expr }) => ({ name: alert, expr })),
    ];
    const found = rules.map(({ name, expr }) => unknownNames(`dashboards/rules/${subject}.yml: ${name}`, expr));
    expect((await Promise.all(found)).flat()).toEqual([]);
  });

  it.each(names)('M10-M11 %s leads to a section of the guide and a dashboard that exist', (name) => {
    const guide = readFileSync(join(ROOT, 'docs', 'guides', 'monitoring.md'), 'utf8');
    const anchors = [...guide.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => heading.toLowerCase());
    for (const alert of alerts.filter((one) => one.alert === name)) {
      expect(anchors).toContain(runbookOf(alert).split('#')[1]);
      expect(existsSync(join(ROOT, 'dashboards', `${alert.dashboard}.json`))).toBe(true);
      expect(alert.summary).toMatch(/[.]$/);
    }
    const section = guide.split(new RegExp(`^#+ ${name}$`, 'm'))[1]?.split(/^#/m)[0];
    for (const word of ['**Cause**', '**Check**', '**Cure**']) expect(section).toContain(word);
  });

  it('M10-M11 each alert has a case in which it fires and one in which it does not', () => {
    expect(Object.keys(CASES).sort()).toEqual([...names].sort());
  });

  ifPromtool('M10-M11 Prometheus accepts every rule file', () => {
    expect(promtool('check', 'rules', ...files)).toBe('');
  });

  ifPromtool('M10-M11 a stack in which all is well has no alert', () => {
    expect(firing(HEALTHY, 200, [])).toBe('');
  });

  ifPromtool.each(Object.entries(CASES))('M10-M11 %s fires, alone, and stays silent', (name, one) => {
    expect(firing(changed(one.fault), one.at, [name, ...(one.with ?? [])])).toBe('');
    expect(firing(changed(one.silent), one.at, [])).toBe('');
  });

  ifPromtool('M11 BackupTooOld is silent on a stack that never made a backup', () => {
    expect(firing(changed({ [BY_BACKUP]: null }), 200, [])).toBe('');
  });

  /** What an alert also sees, or leaves to another one. */
  const ALSO: readonly (readonly [what: string, fault: Readonly<Record<string, string | null>>, alert: string])[] = [
    ['letters whose work rows are gone', { [LETTERS]: '1x960', [GIVEN_UP]: null }, 'DeadLetters'],
    ['letters beside work rows, told once', { [LETTERS]: '1x960', [GIVEN_UP]: '1x960' }, 'DeadLetters'],
    [
      'a backup that never succeeded',
      { [BY_BACKUP]: null, 'telegram_backup_last_failure_timestamp_seconds{kind="database"}': '0x960' },
      'BackupTooOld',
    ],
    [
      'the disk of a further Docker host, while the home host has room',
      {
        'node_filesystem_avail_bytes{docker_host="data",fstype="ext4"}': '9x960',
        'node_filesystem_size_bytes{docker_host="data",fstype="ext4"}': '100x960',
      },
      'DiskSpaceLow',
    ],
    ['the disk of a gateway on a machine of its own', { [GATEWAY_DISK]: '9x960' }, 'DiskSpaceLow'],
    [
      'a Redis exporter that is down, whatever Redis does',
      { [REDIS_EXPORTER]: '0x960', [MASTER]: null },
      'ScrapeTargetDown',
    ],
    [
      'rules that Prometheus cannot evaluate',
      { prometheus_rule_evaluation_failures_total: '0+1x960' },
      'PrometheusFailing',
    ],
  ];
  ifPromtool.each(ALSO)('M10-M11 %s', (_what, fault, alert) => {
    expect(firing(changed(fault), 8, [alert])).toBe('');
  });

  const low = (metric: string, on: string) => ({ [`${metric}${on && `{docker_host="${on}"}`}`]: '9x960' });
  const full = (metric: string, on: string) => ({ [`${metric}${on && `{docker_host="${on}"}`}`]: '100x960' });
  const twoHosts = {
    ...low('node_filesystem_avail_bytes', 'data'),
    ...full('node_filesystem_size_bytes', 'data'),
    ...low('node_memory_MemAvailable_bytes', 'data'),
    ...full('node_memory_MemTotal_bytes', 'data'),
    ...low('node_memory_MemAvailable_bytes', ''),
    ...full('node_memory_MemTotal_bytes', ''),
    ...low(GATEWAY_DISK, ''),
    [GATEWAY_DISK.replace('available', 'size')]: '100x960',
  };
  ifPromtool.each([
    [
      'DiskSpaceLow',
      [
        [{ docker_host: 'data' }, 'The Docker host data has 9% of its disk left.'],
        [{ instance: 'gateway:1' }, 'The host of gateway gateway:1 has 9% of its disk left.'],
      ],
    ],
    [
      'HighMemoryUsage',
      [
        [{ docker_host: 'data' }, 'The Docker host data has 9% of its memory left.'],
        [{}, 'The Docker host has 9% of its memory left.'],
      ],
    ],
  ] as const)('D14 M10 %s names each Docker host that it is of', (name, wanted) => {
    const alert = alertsOf(RULES.host).find((one) => one.alert === name);
    const input_series = Object.entries(twoHosts).map(([series, values]) => ({ series, values }));
    const exp_alerts = wanted.map(([labels, summary]) => ({
      exp_labels: { ...labels, severity: 'warning', subject: 'host' },
      exp_annotations: {
        summary,
        runbook_url: alert && runbookOf(alert),
        dashboard_url: '/d/overview',
        dashboard: 'Telegram / Overview',
      },
    }));
    const said = testRules({
      rule_files: files,
      evaluation_interval: '15s',
      tests: [{ interval: '15s', input_series, alert_rule_test: [{ alertname: name, eval_time: '7m', exp_alerts }] }],
    });
    expect(said).toBe('');
  });

  ifPromtool('R13 M10 the gateway of a further account is told by its name, and counts for the objective', () => {
    const second = { 'up{job="gateway",account="second",instance="gateway:2"}': '0x960' };
    expect(firing(changed(second), 8, ['TelegramGatewayDown', 'AvailabilityBudgetBurning'])).toBe('');
    const [alert] = alertsOf(RULES.gateway);
    const labels = {
      job: 'gateway',
      account: 'second',
      instance: 'gateway:2',
      severity: 'critical',
      subject: 'gateway',
    };
    const said = testRules({
      rule_files: files,
      evaluation_interval: '15s',
      tests: [
        {
          interval: '15s',
          input_series: Object.entries(second).map(([series, values]) => ({ series, values })),
          alert_rule_test: [
            {
              alertname: alert?.alert,
              eval_time: '2m',
              exp_alerts: [
                {
                  exp_labels: labels,
                  exp_annotations: {
                    summary: 'The gateway of account second (gateway:2) does not answer: nothing is received.',
                    runbook_url: 'docs/guides/monitoring.md#telegramgatewaydown',
                    dashboard_url: '/d/mtproto-service',
                    dashboard: 'Telegram / MTProto service',
                  },
                },
              ],
            },
          ],
        },
      ],
    });
    expect(said).toBe('');
  });

  ifPromtool('M10-M11 a test that expects another alert fails', () => {
    expect(firing(HEALTHY, 2, ['DiskSpaceLow'])).toContain('DiskSpaceLow');
  });
});

function changed(by: Readonly<Record<string, string | null>>): Series {
  const all = { ...HEALTHY, ...by };
  return Object.fromEntries(Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== null));
}

/** What promtool says unless exactly these alerts fire at that minute, all rule files loaded. */
function firing(series: Series, minute: number, expected: readonly string[]): string {
  return testRules({
    rule_files: files,
    evaluation_interval: '15s',
    tests: [
      {
        interval: '15s',
        input_series: Object.entries(series).map(([name, values]) => ({ series: name, values })),
        promql_expr_test: [
          {
            expr: 'count by (alertname) (ALERTS{alertstate="firing"}) > bool 0',
            eval_time: `${String(minute)}m`,
            exp_samples: expected.map((alertname) => ({ labels: `{alertname="${alertname}"}`, value: 1 })),
          },
        ],
      },
    ],
  });
}
