import * as pulumi from '@pulumi/pulumi';
import { hasImage, type ImageSource } from '../components/image-names.js';
import type { LoadedConfig } from './config.js';
import type { StackConfig } from './config-schema.js';
import { DockerHost, furtherFacts, shellDockerHost, type DockerFacts } from './docker-host.js';
import { UserError } from './errors.js';
import { decideImageSource } from './image-source.js';
import { preflight, type PreflightInput } from './preflight.js';
import { furtherNames, namedSites, type Site } from './sites.js';

/** What the program knows of a Docker host before it creates anything there. */
export interface SiteCheck {
  readonly site: Site;
  readonly facts: DockerFacts;
  readonly imageSource: ImageSource;
}

/** The same of the stack's Docker hosts, the home host first. */
export interface HostCheck {
  /** Value of the label that tells this stack's containers from all others. */
  readonly instance: string;
  readonly sites: readonly SiteCheck[];
}

/** The provider goes to the local engine, the shell's commands elsewhere: the stack would be torn in two. */
async function refuseOtherShell(): Promise<void> {
  const other = await shellDockerHost();
  if (other)
    throw new UserError('DOCKER_HOST', `this shell's Docker is ${other}, and telegram:docker.host is empty`, {
      why: 'DOCKER_HOST or a Docker context is set; a stack keeps to the engine that its config names',
      fix: `Set telegram:docker.host to ${other}, or \`unset DOCKER_HOST\` and \`docker context use default\`.`,
    });
}

/** The parts that will be created: without those that the image source does not have. */
export function toBeCreated(config: StackConfig, source: ImageSource): StackConfig {
  const grafana = config.monitoring.grafana && hasImage('grafana', source);
  return { ...config, monitoring: { ...config.monitoring, grafana } };
}

/**
 * Asks every Docker host, settles the image source of each and says so, runs the preflight. One that nothing stands on is asked too:
 * a part that stood there does not move with its data.
 */
export async function inspectHost({ config, stack }: LoadedConfig): Promise<HostCheck> {
  const instance = config.instanceId || `${pulumi.getOrganization()}-${pulumi.getProject()}-${stack}`;
  if (!config.docker.host) await refuseOtherShell();
  const inputs: PreflightInput[] = [];
  const sites: SiteCheck[] = [];
  const idle = (on: string) => on !== '' && !furtherNames(config).includes(on);
  for (const site of namedSites(config)) {
    const host = new DockerHost(site.host);
    const facts = site.on === '' ? await host.facts() : await furtherFacts(site.on, host);
    const containers = await host.containers();
    if (idle(site.on)) {
      inputs.push({ config, instance, site, host, facts, containers });
      continue;
    }
    const { source, reason } = await decideImageSource(config.images, instance, host, containers);
    const where = site.on === '' ? '' : ` on ${site.on}`;
    await pulumi.log.info(`images${where}: ${source}, because ${reason}`, undefined, undefined, true);
    inputs.push({ config: toBeCreated(config, source), instance, site, host, facts, containers });
    sites.push({ site, facts, imageSource: source });
  }
  await preflight(inputs);
  return { instance, sites };
}
