import * as docker from '@pulumi/docker';
import type * as pulumi from '@pulumi/pulumi';
import { INSTANCE_LABEL, type StackContext } from './stack-context.js';

/**
 * A named volume that is never edited after its creation: Docker's provider would create "another" one of the same name and
 * then delete that very volume; so its label, which tells whose data it holds, counts at its creation only. In a stack that
 * retains data it is protected and outlives `destroy`.
 */
export function dataVolume(
  stack: StackContext,
  name: string,
  opts: pulumi.CustomResourceOptions,
  keep: 'data' | 'disposable' = 'data',
): docker.Volume {
  const retain = keep === 'data' && stack.retainData;
  return new docker.Volume(
    name,
    { name: stack.namePrefix + name, labels: [{ label: INSTANCE_LABEL, value: stack.instance }] },
    {
      ...opts,
      provider: stack.provider,
      ignoreChanges: ['labels', 'driver', 'driverOpts'],
      retainOnDelete: retain,
      protect: retain,
    },
  );
}
