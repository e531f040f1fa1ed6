import * as pulumi from '@pulumi/pulumi';
import type { ImageSource } from '../components/image-names.js';
import type { LoadedConfig } from './config.js';
import { DockerHost, shellDockerHost, type DockerFacts } from './docker-host.js';
import { UserError } from './errors.js';
import { decideImageSource } from './image-source.js';
import { preflight } from './preflight.js';

/** What the program knows of its Docker host before it creates anything. */
export interface HostCheck {
  /** Value of the label that tells this stack's containers from all others. */
  readonly instance: string;
  readonly facts: DockerFacts;
  readonly imageSource: ImageSource;
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

/** Asks the Docker host, runs the preflight, settles the image source and says so. */
export async function inspectHost({ config, stack }: LoadedConfig): Promise<HostCheck> {
  const instance = config.instanceId || `${pulumi.getOrganization()}-${pulumi.getProject()}-${stack}`;
  if (!config.docker.host) await refuseOtherShell();
  const host = new DockerHost(config.docker.host);
  const facts = await host.facts();
  const containers = await host.containers();
  await preflight({ config, instance, host, facts, containers });
  const { source, reason } = await decideImageSource(config.images, instance, host, containers);
  await pulumi.log.info(`images: ${source}, because ${reason}`, undefined, undefined, true);
  return { instance, facts, imageSource: source };
}
