import * as docker from '@pulumi/docker';
import type * as pulumi from '@pulumi/pulumi';
import { Component } from '../components/component.js';
import { INSTANCE_LABEL, type StackContext } from '../components/stack-context.js';
import { EPOCH_LABEL, STAGE_LABEL, type Stage } from './epoch-progress.js';

/**
 * How far the rotation of credentials has come, on the Docker host, where the preflight of either engine finds it: two
 * empty volumes whose labels say the epoch. Each epoch has volumes of its own, so that a step makes new ones and removes the
 * former only after everything went well; a run that fails halfway leaves "completed" at the former epoch. They go with
 * `destroy`.
 */
export class EpochRecord extends Component {
  /** Comes before any password of the epoch. */
  readonly begun: docker.Volume;

  constructor(
    private readonly stack: StackContext,
    private readonly epoch: number,
  ) {
    super('telegram:stack:EpochRecord', 'credential-epoch');
    this.begun = this.#mark('begun');
    this.registerOutputs({});
  }

  /** Comes after everything that takes part in a rotation: the last resource of the program. */
  complete(parts: readonly pulumi.Resource[]): docker.Volume {
    return this.#mark('completed', parts);
  }

  #mark(stage: Stage, after: readonly pulumi.Resource[] = []): docker.Volume {
    const name = this.child(`${String(this.epoch)}-${stage}`);
    const labels = { [INSTANCE_LABEL]: this.stack.instance, [EPOCH_LABEL]: String(this.epoch), [STAGE_LABEL]: stage };
    return new docker.Volume(
      name,
      {
        name: `${this.stack.namePrefix}telegram-${name}`,
        labels: Object.entries(labels).map(([label, value]) => ({ label, value })),
      },
      this.under({ provider: this.stack.provider, ignoreChanges: ['labels'], dependsOn: [...after] }),
    );
  }
}
