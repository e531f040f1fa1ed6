import type * as docker from '@pulumi/docker';
import * as pulumi from '@pulumi/pulumi';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Component } from '../component.js';
import { dataVolume } from '../data-volume.js';
import { addressFor, endpointIn, type Address, type Endpoint, type Ready } from '../endpoint.js';
import { filesInVolume } from '../one-shot.js';
import { serviceContainer } from '../service-container.js';
import { HOST_NUMBERS, type StackContext } from '../stack-context.js';
import { createAlertmanager, type Alertmanager, type AlertmanagerArgs } from './alertmanager.js';
import { createExporters, EXPORTERS, OWNER, readAgain, type ExportedHost, type Exporter } from './exporters.js';
import { GRAFANA_PORT } from './grafana-render.js';
import { createGrafana, type GrafanaArgs } from './grafana.js';
import {
  exporterFiles,
  nodeExporterOn,
  prometheusYml,
  QUEUE_PARAMS,
  type ExporterLogins,
  type ScrapeJob,
  type ScrapeTarget,
} from './render.js';

export interface MonitoringArgs {
  readonly stack: StackContext;
  /** Host port of Prometheus. A change replaces its container. */
  readonly port: number;
  /** Host ports of the exporters. A change replaces its container. */
  readonly exporterPorts: Readonly<Record<Exporter, number>>;
  /** CPU limit of Prometheus, in cores. A change replaces the container. */
  readonly cpus: number;
  /** Memory limit of Prometheus in MiB. Changed in place. */
  readonly memoryMb: number;
  /** CPU limit of each exporter, in cores. A change replaces the container. */
  readonly exporterCpus: number;
  /** Memory limit of each exporter in MiB. Changed in place. */
  readonly exporterMemoryMb: number;
  /** Samples go after so many days, or when all of them take so many MiB. A change replaces the container. */
  readonly retentionDays: number;
  readonly retentionMb: number;
  readonly database: Endpoint;
  readonly pooler: Endpoint;
  /** Data nodes and Sentinels of the stack's own; null for somebody else's. */
  readonly redis: { readonly nodes: readonly Address[]; readonly sentinels: readonly Address[] } | null;
  /** Metrics page of the stack's own broker; null for somebody else's, or none. */
  readonly rabbitmq: Address | null;
  /** Metrics pages of the runtime's processes, by job. */
  readonly processes: Readonly<Record<string, readonly ScrapeTarget[]>>;
  readonly logins: pulumi.Output<ExporterLogins>;
  /** Alertmanager; null where nobody is to be told. */
  readonly alertmanager: Omit<AlertmanagerArgs, 'stack'> | null;
  /** Grafana; null where it is not wanted, or the image source has none. */
  readonly grafana: Omit<GrafanaArgs, 'stack' | 'prometheus' | 'after'> | null;
  /** Further Docker hosts that parts stand on. */
  readonly further: readonly StackContext[];
  /** Volume with files of metrics for node_exporter at its root, such as the backup's, and whose Docker host has it; null: there is none. */
  readonly textfiles: { readonly on: string; readonly volume: pulumi.Output<string> } | null;
  readonly after: readonly pulumi.Resource[];
}

const PROMETHEUS_PORT = 9090;
const CONFIGURATION = '/etc/prometheus';
const RULES = join('dashboards', 'rules');

/** Prometheus with the rules of what is there, and an exporter for each part that speaks no Prometheus itself. */
export class Monitoring extends Component implements Ready {
  readonly prometheus: docker.Container;
  readonly ready: pulumi.Resource[];

  constructor(args: MonitoringArgs, opts?: pulumi.ComponentResourceOptions) {
    super('telegram:monitoring:Monitoring', 'monitoring', opts);
    const credentials = dataVolume(args.stack, 'telegram-exporter-credentials', this.under(), 'disposable');
    const written = this.#writeCredentials(args, credentials);
    const exporters = createExporters(
      {
        ...args,
        ports: args.exporterPorts,
        cpus: args.exporterCpus,
        memoryMb: args.exporterMemoryMb,
        credentials: credentials.name,
        hosts: this.#hosts(args),
        redis: args.redis !== null,
      },
      this.under({ dependsOn: [written] }),
    );
    const alertmanager =
      args.alertmanager && createAlertmanager({ ...args.alertmanager, stack: args.stack }, this.under());
    this.prometheus = this.#prometheus(args, alertmanager);
    const grafana = args.grafana ? this.#grafana(args, args.grafana) : [];
    this.ready = [this.prometheus, written, ...exporters, ...(alertmanager?.ready ?? []), ...grafana];
    this.registerOutputs({});
  }

  /** Where there are no files of metrics, the exporter looks into an empty volume of its own. */
  #hosts({ stack, further, textfiles }: MonitoringArgs): ExportedHost[] {
    return [stack, ...further].map((host) => {
      const empty = () => dataVolume(host, `${nodeExporterOn(host.on)}-textfiles`, this.under(), 'disposable').name;
      return { stack: host, textfiles: textfiles?.on === host.on ? textfiles.volume : empty() };
    });
  }

  #writeCredentials({ stack, logins, after }: MonitoringArgs, volume: docker.Volume): pulumi.Resource {
    return filesInVolume(
      stack,
      this.child('credentials'),
      {
        volume: volume.name,
        files: pulumi.secret(logins.apply(exporterFiles)),
        owner: OWNER,
        then: readAgain(stack),
      },
      this.under({ dependsOn: [...after] }),
    );
  }

  #grafana({ stack, after }: MonitoringArgs, own: NonNullable<MonitoringArgs['grafana']>): pulumi.Resource[] {
    const prometheus = { host: stack.address(HOST_NUMBERS.prometheus), port: PROMETHEUS_PORT };
    return createGrafana({ ...own, stack, prometheus, after }, this.under());
  }

  #prometheus(args: MonitoringArgs, alertmanager: Alertmanager | null): docker.Container {
    const { stack } = args;
    const rules = [
      'gateway',
      'runtime',
      'timescaledb',
      'host',
      'slo',
      ...(args.redis ? ['redis'] : []),
      ...(args.rabbitmq ? ['rabbitmq'] : []),
    ];
    const data = dataVolume(stack, 'telegram-prometheus-data', this.under());
    const configuration = prometheusYml({
      jobs: scrapeJobs(args, alertmanager),
      ruleFiles: rules.map((subject) => `${CONFIGURATION}/rules/${subject}.yml`),
      alertmanager: alertmanager && alertmanager.address,
    });
    return serviceContainer(
      stack,
      {
        name: 'telegram-prometheus',
        image: stack.images.get('prometheus'),
        host: HOST_NUMBERS.prometheus,
        ports: [{ internal: PROMETHEUS_PORT, external: args.port }],
        cpus: args.cpus,
        memoryMb: args.memoryMb,
        entrypoint: [
          'prometheus',
          `--config.file=${CONFIGURATION}/prometheus.yml`,
          '--storage.tsdb.path=/prometheus',
          `--storage.tsdb.retention.time=${String(args.retentionDays)}d`,
          `--storage.tsdb.retention.size=${String(args.retentionMb)}MB`,
        ],
        files: [
          { path: `${CONFIGURATION}/prometheus.yml`, content: configuration },
          ...rules.map((subject) => ({
            path: `${CONFIGURATION}/rules/${subject}.yml`,
            content: readFileSync(join(RULES, `${subject}.yml`), 'utf8'),
          })),
        ],
        volumes: [{ volume: data.name, path: '/prometheus' }],
        user: OWNER,
        health: ['curl', '-fsS', '-m', '5', '-o', '/dev/null', `http://127.0.0.1:${String(PROMETHEUS_PORT)}/-/ready`],
      },
      this.under(),
    );
  }
}

/** Everything that Prometheus asks, from the endpoints of what stands. */
function scrapeJobs(
  { stack, further, exporterPorts, redis, rabbitmq, processes, grafana }: MonitoringArgs,
  alertmanager: Alertmanager | null,
): ScrapeJob[] {
  const { host: number, port: internal } = EXPORTERS.node;
  const nodeExporter = (host: StackContext) =>
    endpointIn(host, { host: number, internal, external: exporterPorts.node });
  const own = (which: Exporter): Address => ({
    host: stack.address(EXPORTERS[which].host),
    port: EXPORTERS[which].port,
  });
  return [
    ...Object.entries(processes).map(([job, targets]) => ({ job, targets })),
    ...(['postgres', 'pgbouncer'] as const).map((job) => ({ job, targets: [own(job)] })),
    {
      job: 'node',
      targets: [
        addressFor(stack, nodeExporter(stack)),
        // Alerts name a host as the configuration does.
        ...further.map((host) => ({ ...addressFor(stack, nodeExporter(host)), labels: { docker_host: host.on } })),
      ],
    },
    ...(redis
      ? [
          { job: 'redis', targets: redis.nodes, through: { exporter: own('redis'), urlPrefix: 'redis://reader@' } },
          { job: 'sentinel', targets: redis.sentinels, through: { exporter: own('redis'), urlPrefix: 'redis://' } },
        ]
      : []),
    ...(rabbitmq
      ? [
          { job: 'rabbitmq', targets: [rabbitmq] },
          { job: 'rabbitmq-queues', targets: [rabbitmq], path: '/metrics/detailed', params: QUEUE_PARAMS },
        ]
      : []),
    { job: 'prometheus', targets: [{ host: '127.0.0.1', port: PROMETHEUS_PORT }] },
    ...(alertmanager ? [{ job: 'alertmanager', targets: [alertmanager.address] }] : []),
    ...(grafana
      ? [{ job: 'grafana', targets: [{ host: stack.address(HOST_NUMBERS.grafana), port: GRAFANA_PORT }] }]
      : []),
  ];
}
