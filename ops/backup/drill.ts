import { randomBytes } from 'node:crypto';
import type { DockerHosts } from '../docker-hosts.js';
import { differences, messagesIn } from './manifest.js';
import { inspectContainer, Recovery } from './recovery.js';
import { runDocker, Sidecar } from './sidecar.js';

export interface DrillResult {
  readonly good: boolean;
  /** When, and until when the database was recovered; ISO 8601. */
  readonly at: string;
  /** Seconds from the first byte to a server that answers: the recovery time. */
  readonly seconds: number;
  readonly fetchSeconds: number;
  readonly recoverSeconds: number;
  readonly channels: number;
  readonly messages: number;
  readonly samples: number;
  readonly hypertables: number;
  readonly policies: number;
  readonly differences: readonly string[];
}

export interface DrillOptions {
  readonly hosts: Pick<DockerHosts, 'at'>;
  readonly namePrefix: string;
  /** As a restore takes it; nothing is the newest backup, exactly. */
  readonly target?: string;
  readonly say: (line: string) => void;
}

/**
 * Restores the newest backup into a throw-away server and compares it with what was written down when it was made. Nothing of the
 * stack is touched. Throws where the backup cannot be restored at all; a good drill goes on record, for the metrics.
 */
export async function drill({ hosts, namePrefix, target, say }: DrillOptions): Promise<DrillResult> {
  const volume = `${namePrefix}telegram-restore-drill-${randomBytes(4).toString('hex')}`;
  const sidecar = Sidecar.of(hosts, namePrefix);
  const { docker } = sidecar;
  const [database, backup] = [
    await inspectContainer(docker, `${namePrefix}telegram-timescaledb`),
    await inspectContainer(docker, sidecar.container),
  ];
  const recovery = new Recovery({
    ...{ docker, namePrefix, database, backup, volume, cluster: 'cluster.drill', say },
    ...(target !== undefined && { target }),
  });
  const forget = () => runDocker(docker, ['volume', 'rm', '-f', volume], { boundMs: 120_000 });
  const began = Date.now();
  // Before anything is to be cleaned up: the containers of a run that is under way are not this one's.
  await recovery.open().catch(async (error: unknown) => {
    await forget();
    throw error;
  });
  try {
    await recovery.fetch();
    const fetched = Date.now();
    await recovery.recover();
    const recovered = Date.now();
    const backedUp = await recovery.backedUp();
    const restored = await recovery.manifest(backedUp.until);
    const found = differences(backedUp, restored, target !== undefined);
    const result: DrillResult = {
      good: found.length === 0,
      at: new Date(began).toISOString(),
      seconds: (recovered - began) / 1000,
      fetchSeconds: (fetched - began) / 1000,
      recoverSeconds: (recovered - fetched) / 1000,
      channels: Object.keys(restored.channels).length,
      messages: messagesIn(restored),
      samples: Object.keys(restored.samples).length,
      hypertables: restored.hypertables,
      policies: restored.jobs,
      differences: found,
    };
    if (result.good) await sidecar.call(['drilled', String(Math.round(result.seconds))]);
    return result;
  } finally {
    await recovery.close();
    await forget();
  }
}

/** The same for people. */
export function drillReport(result: DrillResult): string {
  const rows: [string, string][] = [
    ['result', result.good ? 'good' : 'NOT GOOD'],
    ['at', result.at],
    [
      'recovery time',
      `${result.seconds.toFixed(1)} s (files ${result.fetchSeconds.toFixed(1)} s, WAL ${result.recoverSeconds.toFixed(1)} s)`,
    ],
    ['messages compared', `${String(result.messages)} in ${String(result.channels)} channels`],
    ['rows compared', String(result.samples)],
    ['hypertables, policies', `${String(result.hypertables)}, ${String(result.policies)}`],
  ];
  return [
    '# Restore drill',
    '',
    '| what | found |',
    '| --- | --- |',
    ...rows.map(([what, found]) => `| ${what} | ${found} |`),
    ...(result.good ? [] : ['', '## Differences', '', ...result.differences.map((line) => `- ${line}`)]),
    '',
  ].join('\n');
}
