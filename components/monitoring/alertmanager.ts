import type * as docker from '@pulumi/docker';
import type * as pulumi from '@pulumi/pulumi';
import { dataVolume } from '../data-volume.js';
import type { Address } from '../endpoint.js';
import { filesInVolume } from '../one-shot.js';
import { serviceContainer } from '../service-container.js';
import { HOST_NUMBERS, type StackContext } from '../stack-context.js';
import { OWNER } from './exporters.js';
import { alertmanagerYml } from './render.js';

export interface AlertmanagerArgs {
  readonly stack: StackContext;
  /** Host port. A change replaces the container. */
  readonly port: number;
  readonly cpus: number;
  readonly memoryMb: number;
  /** Where alerts are posted to; secret. Read again for every message: a change replaces nothing. */
  readonly webhook: pulumi.Input<string>;
}

export interface Alertmanager {
  readonly address: Address;
  readonly ready: pulumi.Resource[];
}

const PORT = 9093;
const CONFIGURATION = '/etc/alertmanager/alertmanager.yml';

/** Tells a webhook what fires and what is over; silences and what was told already survive a restart. */
export function createAlertmanager(args: AlertmanagerArgs, opts: pulumi.CustomResourceOptions): Alertmanager {
  const { stack } = args;
  const credentials = dataVolume(stack, 'telegram-alertmanager-credentials', opts, 'disposable');
  const written = filesInVolume(
    stack,
    'monitoring-webhook',
    { volume: credentials.name, files: { webhook: args.webhook }, owner: OWNER },
    opts,
  );
  const container = createContainer(args, credentials, { ...opts, dependsOn: [written] });
  return {
    address: { host: stack.address(HOST_NUMBERS.alertmanager), port: PORT },
    ready: [written, container],
  };
}

function createContainer(
  { stack, port, cpus, memoryMb }: AlertmanagerArgs,
  credentials: docker.Volume,
  opts: pulumi.CustomResourceOptions,
): docker.Container {
  const data = dataVolume(stack, 'telegram-alertmanager-data', opts);
  return serviceContainer(
    stack,
    {
      name: 'telegram-alertmanager',
      image: stack.images.get('prometheus'),
      host: HOST_NUMBERS.alertmanager,
      ports: [{ internal: PORT, external: port }],
      cpus,
      memoryMb,
      entrypoint: [
        'prometheus-alertmanager',
        `--config.file=${CONFIGURATION}`,
        '--storage.path=/alertmanager',
        '--cluster.listen-address=',
      ],
      files: [{ path: CONFIGURATION, content: alertmanagerYml() }],
      volumes: [
        { volume: data.name, path: '/alertmanager' },
        { volume: credentials.name, path: '/credentials', readOnly: true },
      ],
      user: OWNER,
      health: ['curl', '-fsS', '-m', '5', '-o', '/dev/null', `http://127.0.0.1:${String(PORT)}/-/ready`],
    },
    opts,
  );
}
