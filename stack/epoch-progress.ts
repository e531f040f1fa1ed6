import { INSTANCE_LABEL } from '../components/stack-context.js';
import { labelOf, type DockerContainer, type DockerHost, type DockerVolume } from './docker-host.js';
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

/**
 * How far the rotations of a stack have come. Where the record is gone (`docker volume prune` takes it: no container uses those
 * volumes), the containers still know the epoch that they were told last.
 */
export async function epochProgress(
  host: DockerHost,
  instance: string,
  containers: readonly DockerContainer[],
): Promise<Progress> {
  const record = progressOf(await host.volumes(INSTANCE_LABEL), instance);
  if (record.completed !== null || record.begun !== null) return record;
  const clients = containers.filter(
    (container) =>
      labelOf(container, INSTANCE_LABEL) === instance && /telegram-(consumer|gateway-api)$/.test(container.Names),
  );
  const told = (await Promise.all(clients.map(async ({ Names }) => toldEpoch(host, Names)))).filter(
    (epoch) => epoch > 0,
  );
  // Where they differ, a step was begun and not finished.
  return told.length === 0
    ? { begun: null, completed: null }
    : { begun: Math.max(...told), completed: Math.min(...told) };
}

/** 0 where the container was never told one. */
async function toldEpoch(host: DockerHost, container: string): Promise<number> {
  const text = await host.file(container, '/credentials/credentials.json').catch(() => '{}');
  return (JSON.parse(text) as { epoch?: number }).epoch ?? 0;
}
