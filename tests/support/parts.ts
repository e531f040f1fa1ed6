import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { runningStack } from '../../ops/context.js';
import { ROOT } from '../../ops/stack-folder.js';
import type { ImageSource } from '../../components/image-names.js';
import { TEST_STACK } from './test-stack.js';

/** Containers of the test stack, without prefix, and the last number of the address of each. */
const EVERYWHERE: Readonly<Record<string, number>> = {
  alertmanager: 62,
  consumer: 52,
  'gateway-api': 51,
  'gateway-host': 50,
  'node-exporter': 73,
  pgbouncer: 11,
  'pgbouncer-exporter': 72,
  'postgres-exporter': 70,
  prometheus: 60,
  rabbitmq: 40,
  'redis-exporter': 71,
  'redis-master': 20,
  'redis-replica': 21,
  'redis-sentinel-1': 31,
  'redis-sentinel-2': 32,
  'redis-sentinel-3': 33,
  simulator: 53,
  timescaledb: 10,
};

/** Debian has no Grafana: it stands only where official images are pulled. */
export function partsOf(source: ImageSource): Readonly<Record<string, number>> {
  return source === 'upstream' ? { ...EVERYWHERE, grafana: 61 } : EVERYWHERE;
}

/** Volumes that `destroy` keeps where the data is to be kept, sorted. */
export function dataOf(source: ImageSource): string[] {
  return [...DATA, ...(source === 'upstream' ? ['grafana-data'] : [])].sort();
}

const DATA = [
  ...['alertmanager-data', 'gateway-opt', 'prometheus-data'],
  ...['rabbitmq-data', 'redis-master-data', 'redis-replica-data'],
  ...['redis-sentinel-1-data', 'redis-sentinel-2-data', 'redis-sentinel-3-data'],
  ...['simulator-data', 'timescaledb-data'],
];

/** Resources that a step of the credential epoch changes, as `type name`, sorted. */
export function rotationOf(source: ImageSource): string[] {
  return ['rotation.txt', ...(source === 'upstream' ? ['rotation-grafana.txt'] : [])].flatMap(golden).sort();
}

const golden = (name: string) =>
  readFileSync(join(ROOT, 'tests', 'golden', name), 'utf8')
    .trim()
    .split('\n');

/** What the running test stack settled on. */
export async function imageSource(): Promise<ImageSource> {
  const { outputs } = await runningStack({ stack: TEST_STACK });
  if (outputs.imageSource === 'upstream' || outputs.imageSource === 'debian') return outputs.imageSource;
  throw new Error(`unknown image source "${outputs.imageSource}"`);
}
