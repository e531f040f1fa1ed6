import { INSTANCE_LABEL } from '../components/stack-context.js';
import { labelOf, type DockerVolume } from './docker-host.js';
import type { Progress } from './rotation.js';

/** Labels of the volumes that keep the record (see epoch-record.ts). */
export const EPOCH_LABEL = 'org.telegram-hybrid-stack.credential-epoch';
export const STAGE_LABEL = 'org.telegram-hybrid-stack.credential-stage';
export type Stage = 'begun' | 'completed';

/** What the volumes of a Docker host say of one stack. */
export function progressOf(volumes: readonly DockerVolume[], instance: string): Progress {
  const mine = volumes.filter((volume) => labelOf(volume, INSTANCE_LABEL) === instance);
  const last = (stage: Stage): number | null => {
    const epochs = mine
      .filter((volume) => labelOf(volume, STAGE_LABEL) === stage)
      .map((volume) => Number(labelOf(volume, EPOCH_LABEL)));
    return epochs.length === 0 ? null : Math.max(...epochs);
  };
  return { begun: last('begun'), completed: last('completed') };
}
