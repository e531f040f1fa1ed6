import * as pulumi from '@pulumi/pulumi';
import type { ImageSource } from '../components/images.js';
import type { LoadedConfig } from './config.js';
import { DockerHost, type DockerFacts } from './docker-host.js';
import { decideImageSource } from './image-source.js';
import { preflight } from './preflight.js';

/** What the program knows of its Docker host before it creates anything. */
export interface HostCheck {
  /** Value of the label that tells this stack's containers from all others. */
  readonly instance: string;
  readonly facts: DockerFacts;
  readonly imageSource: ImageSource;
}

/** Asks the Docker host, runs the preflight, settles the image source and says so. */
export async function inspectHost({ config, stack }: LoadedConfig): Promise<HostCheck> {
  const instance = config.instanceId || `${pulumi.getOrganization()}-${pulumi.getProject()}-${stack}`;
  const host = new DockerHost(config.docker.host);
  const facts = await host.facts();
  const containers = await host.containers();
  await preflight({ config, instance, host, facts, containers });
  const { source, reason } = await decideImageSource(config.images, instance, host, containers);
  await pulumi.log.info(`images: ${source}, because ${reason}`, undefined, undefined, true);
  return { instance, facts, imageSource: source };
}
