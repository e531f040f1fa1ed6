import type * as docker from '@pulumi/docker';
import * as pulumi from '@pulumi/pulumi';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DASHBOARD_IDS } from '../../monitoring/catalogue.js';
import { dataVolume } from '../data-volume.js';
import type { Address } from '../endpoint.js';
import { filesInVolume } from '../one-shot.js';
import { serviceContainer } from '../service-container.js';
import { HOST_NUMBERS, type StackContext } from '../stack-context.js';
import {
  GRAFANA_ENVIRONMENT,
  GRAFANA_FILES,
  GRAFANA_PORT,
  grafanaFiles,
  retell,
  type GrafanaSecrets,
} from './grafana-render.js';

export interface GrafanaArgs {
  readonly stack: StackContext;
  /** Host port. A change replaces the container. */
  readonly port: number;
  /** CPU limit, in cores. A change replaces the container. */
  readonly cpus: number;
  /** Memory limit in MiB. Changed in place. */
  readonly memoryMb: number;
  readonly prometheus: Address;
  readonly secrets: pulumi.Output<GrafanaSecrets>;
  readonly after: readonly pulumi.Resource[];
}

const NAME = 'telegram-grafana';
/** User and group of the official image. */
const OWNER = '472:0';

/** Grafana with datasources and dashboards in place. Changed dashboards and a rotation reach it while it runs. */
export function createGrafana(args: GrafanaArgs, opts: pulumi.CustomResourceOptions): pulumi.Resource[] {
  const { stack, prometheus, secrets, after } = args;
  const boards = Object.fromEntries(
    DASHBOARD_IDS.map((id) => [id, readFileSync(join('dashboards', `${id}.json`), 'utf8')]),
  );
  const files = dataVolume(stack, 'telegram-grafana-credentials', opts, 'disposable');
  const written = filesInVolume(
    stack,
    'monitoring-grafana-files',
    {
      volume: files.name,
      files: pulumi.secret(secrets.apply((known) => grafanaFiles(known, prometheus, boards))),
      owner: OWNER,
      then: retell(stack.namePrefix + NAME),
    },
    { ...opts, dependsOn: [...after] },
  );
  return [written, container(args, files, { ...opts, dependsOn: [written] })];
}

function container(
  { stack, port, cpus, memoryMb }: GrafanaArgs,
  files: docker.Volume,
  opts: pulumi.CustomResourceOptions,
): docker.Container {
  const data = dataVolume(stack, 'telegram-grafana-data', opts);
  return serviceContainer(
    stack,
    {
      name: NAME,
      image: stack.images.get('grafana'),
      host: HOST_NUMBERS.grafana,
      ports: [{ internal: GRAFANA_PORT, external: port }],
      cpus,
      memoryMb,
      env: GRAFANA_ENVIRONMENT,
      volumes: [
        { volume: data.name, path: '/var/lib/grafana' },
        { volume: files.name, path: GRAFANA_FILES, readOnly: true },
      ],
      user: OWNER,
      health: ['curl', '-fsS', '-m', '5', '-o', '/dev/null', `http://127.0.0.1:${String(GRAFANA_PORT)}/api/health`],
      waitS: 180,
    },
    opts,
  );
}
