import { DockerHost, furtherFacts, shellDockerHost } from '../stack/docker-host.js';
import { UserError } from '../stack/errors.js';
import { reachDocker } from './bootstrap.js';
import { say } from './output.js';
import type { StackFolder } from './stack-folder.js';

/**
 * The Docker engine of a stack answers once this returns. It is the one that the config names; before the first `up` of a
 * stack whose config names none, the one that this shell uses (DOCKER_HOST or a context), which then is the config's. So
 * whoever works on the stack later, with whatever in the environment, works on the same engine.
 */
export async function settleDocker(folder: StackFolder): Promise<void> {
  const configured = folder.dockerHost;
  const shell = configured ? '' : await shellDockerHost();
  if (shell && folder.engine)
    throw new UserError(
      'DOCKER_HOST',
      `stack "${folder.stack}" is on this machine's Docker, this shell's is ${shell}`,
      {
        why: 'DOCKER_HOST or a Docker context was set after the first `up`; a stack does not move by it',
        fix: '`unset DOCKER_HOST` and `docker context use default`, or `npm run destroy` first.',
      },
    );
  await reachDocker(configured || shell);
  if (!shell) return;
  folder.dockerHost = shell;
  say(`• Docker: ${shell}, as in this shell; kept as telegram:docker.host in ${folder.configFile}`);
}

/** Every further Docker host of a stack answers once this returns; else the error names the key that it comes from. */
export async function reachFurther(folder: StackFolder): Promise<void> {
  const named = Object.entries(folder.furtherHosts);
  await Promise.all(named.map(async ([name, host]) => furtherFacts(name, new DockerHost(host))));
}
