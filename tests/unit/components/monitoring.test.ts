import { describe, expect, it } from '@jest/globals';
import { parse } from 'yaml';
import { GRAFANA_ENVIRONMENT, grafanaFiles, retell } from '../../../components/monitoring/grafana-render.js';
import { alertmanagerYml, exporterFiles, prometheusYml } from '../../../components/monitoring/render.js';

const at = (host: string, port: number) => ({ host, port });

describe('prometheus.yml', () => {
  const yml = prometheusYml({
    jobs: [
      {
        job: 'gateway',
        targets: [
          { ...at('10.0.0.1', 4006), labels: { account: 'default' } },
          { ...at('10.0.0.1', 4007), labels: { account: 'second' } },
        ],
      },
      {
        job: 'redis',
        targets: [at('10.0.0.2', 6379)],
        through: { exporter: at('10.0.0.3', 9121), urlPrefix: 'redis://reader@' },
      },
    ],
    ruleFiles: ['/etc/prometheus/rules/gateway.yml'],
    alertmanager: at('10.0.0.4', 9093),
  });

  it('M1 has the label of the stack, the rules and the one who is told', () => {
    expect(parse(yml)).toMatchObject({
      global: { scrape_interval: '15s', evaluation_interval: '15s', external_labels: { cluster: 'telegram-stack' } },
      rule_files: ['/etc/prometheus/rules/gateway.yml'],
      alerting: { alertmanagers: [{ static_configs: [{ targets: ['10.0.0.4:9093'] }] }] },
    });
  });

  it('M3 R13 asks the Redis exporter about each node, which stays the instance; each gateway has its account', () => {
    const { scrape_configs: jobs } = parse(yml) as { scrape_configs: unknown[] };
    expect(jobs).toEqual([
      {
        job_name: 'gateway',
        static_configs: [
          { targets: ['10.0.0.1:4006'], labels: { account: 'default' } },
          { targets: ['10.0.0.1:4007'], labels: { account: 'second' } },
        ],
      },
      {
        job_name: 'redis',
        static_configs: [{ targets: ['10.0.0.2:6379'] }],
        metrics_path: '/scrape',
        relabel_configs: [
          { source_labels: ['__address__'], target_label: 'instance' },
          { source_labels: ['__address__'], target_label: '__param_target', replacement: 'redis://reader@$1' },
          { target_label: '__address__', replacement: '10.0.0.3:9121' },
        ],
      },
    ]);
  });
});

describe('alertmanager.yml', () => {
  it('M10 posts to the address in a file, and pages nobody twice for one cause', () => {
    const { route, receivers, inhibit_rules: inhibited } = parse(alertmanagerYml()) as Record<string, unknown>;
    expect(route).toMatchObject({ receiver: 'webhook', group_wait: '10s', group_interval: '1m' });
    expect(receivers).toEqual([
      { name: 'webhook', webhook_configs: [{ url_file: '/credentials/webhook', send_resolved: true }] },
    ]);
    expect(inhibited).toMatchObject([
      { target_matchers: ['alertname =~ "OutboxAgeHigh|TelegramDisconnected"'], equal: ['account'] },
      { target_matchers: ['alertname = AvailabilityBudgetBurning'] },
    ]);
  });
});

describe('logins of the exporters', () => {
  it('M3 O5 come in the form that each of them reads', () => {
    const login = { user: 'u_a', password: 'p' };
    expect(
      exporterFiles({
        database: login,
        pooler: { ...login, address: at('10.0.0.5', 6432) },
        redis: { ...login, nodes: [at('10.0.0.2', 6379)] },
        sentinels: { password: 's', nodes: [at('10.0.0.6', 26379)] },
      }),
    ).toEqual({
      'postgres-user': 'u_a',
      'postgres-password': 'p',
      'pgbouncer-user': 'u_a',
      'pgbouncer.pgpass': '10.0.0.5:6432:*:u_a:p\n',
      'redis.json': '{"redis://u_a@10.0.0.2:6379":"p","redis://10.0.0.6:26379":"s"}',
    });
  });
});

describe('Grafana', () => {
  const login = { user: 'reader_a', password: 'DB' };
  const secrets = {
    adminPassword: 'ADMIN',
    secretKey: 'KEY',
    database: { ...login, address: at('10.0.0.5', 6432) },
    redis: { user: 'reader', password: 'CACHE', address: at('10.0.0.2', 6379) },
  };
  const files = grafanaFiles(secrets, at('10.0.0.7', 9090), { overview: '{}' });

  it('M2 starts with its three datasources, by the uids that the dashboards name', () => {
    const { datasources } = parse(files['provisioning/datasources/telegram.yml'] ?? '') as { datasources: unknown[] };
    expect(datasources).toEqual([
      expect.objectContaining({ uid: 'prometheus', type: 'prometheus', url: 'http://10.0.0.7:9090', isDefault: true }),
      expect.objectContaining({
        uid: 'timescaledb',
        type: 'grafana-postgresql-datasource',
        url: '10.0.0.5:6432',
        user: 'reader_a',
        secureJsonData: { password: 'DB' },
        jsonData: expect.objectContaining({ database: 'telegram_gateway', timescaledb: true }) as unknown,
      }),
      expect.objectContaining({ uid: 'redis', type: 'redis-datasource', secureJsonData: { password: 'CACHE' } }),
    ]);
    expect(
      grafanaFiles({ ...secrets, redis: null }, at('h', 1), {})['provisioning/datasources/telegram.yml'],
    ).not.toContain('redis');
  });

  it('M2 finds its dashboards in the same volume, which nobody edits in the browser', () => {
    const { providers } = parse(files['provisioning/dashboards/telegram.yml'] ?? '') as { providers: unknown[] };
    expect(providers).toEqual([
      { name: 'telegram', type: 'file', allowUiUpdates: false, options: { path: '/credentials/boards' } },
    ]);
    expect(files['boards/overview.json']).toBe('{}');
  });

  it('M2 has no default password and no secret in its environment', () => {
    expect(files).toMatchObject({ 'admin-password': 'ADMIN', 'secret-key': 'KEY' });
    expect(GRAFANA_ENVIRONMENT).toMatchObject({
      GF_SECURITY_ADMIN_PASSWORD__FILE: '/credentials/admin-password',
      GF_SECURITY_SECRET_KEY__FILE: '/credentials/secret-key',
      GF_PATHS_PROVISIONING: '/credentials/provisioning',
    });
    expect(Object.keys(GRAFANA_ENVIRONMENT)).not.toContain('GF_SECURITY_ADMIN_PASSWORD');
  });

  it('M2 O5 is told a new password while it runs, from the file, by its own command', () => {
    const script = retell('x-telegram-grafana');
    expect(script).toContain('admin reset-admin-password --password-from-stdin </credentials/admin-password');
    expect(script).toContain('curl -fsS --netrc-file /credentials/netrc -X POST');
    expect(script).toMatch(/^if \[ "\$\(docker inspect .* x-telegram-grafana 2>\/dev\/null\)" = true \]; then/);
    expect(files['netrc']).toBe('machine 127.0.0.1 login admin password ADMIN\n');
  });
});
