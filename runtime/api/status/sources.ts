import type { Environment } from '../../config.js';
import { DEFAULT_GROUP, VHOST, groupQueue } from '../../contract.js';
import { registry } from '../../metrics.js';
import { parseExposition, type Sample } from './exposition.js';

/** Longest wait for one source, in milliseconds: one that hangs holds up nobody. */
const TIMEOUT_MS = 1_000;

/** Where the other processes tell their metrics; empty: nobody to ask. */
export interface SourceUrls {
  readonly gateways: readonly { readonly account: string; readonly url: string }[];
  readonly consumer: string;
  readonly broker: string;
}

/** The default account's has no name. */
export interface GatewayReading {
  readonly account: string;
  readonly samples: readonly Sample[] | null;
}

/** What one look at everything found; null for what did not answer. */
export interface Readings {
  readonly at: number;
  /** One an account, in the same order each time. */
  readonly gateways: readonly GatewayReading[];
  readonly consumer: readonly Sample[] | null;
  readonly broker: readonly Sample[] | null;
  readonly api: readonly Sample[];
}

type Addresses = Pick<Environment, 'TELEGRAM_STATUS_GATEWAY' | 'TELEGRAM_STATUS_CONSUMER' | 'TELEGRAM_STATUS_BROKER'>;

const BROKER_PATH = `/metrics/detailed?vhost=${VHOST}&family=queue_coarse_metrics&family=queue_consumer_count`;

export function sourceUrls(environment: Addresses): SourceUrls {
  const url = (address: string, path: string) => (address === '' ? '' : `http://${address}${path}`);
  const gateways = environment.TELEGRAM_STATUS_GATEWAY.split(',').filter(Boolean);
  return {
    gateways: gateways.map((text) => {
      const [address = '', account = ''] = text.split('=').reverse();
      return { account, url: url(address, '/metrics') };
    }),
    consumer: url(environment.TELEGRAM_STATUS_CONSUMER, '/metrics'),
    broker: url(environment.TELEGRAM_STATUS_BROKER, BROKER_PATH),
  };
}

/** Never rejects. */
export async function readSources(urls: SourceUrls): Promise<Readings> {
  const [gateways, consumer, broker, own] = await Promise.all([
    Promise.all(urls.gateways.map(async ({ account, url }) => ({ account, samples: await scrape(url) }))),
    scrape(urls.consumer),
    scrape(urls.broker),
    registry.metrics(),
  ]);
  return { at: Date.now(), gateways, consumer, broker, api: parseExposition(own) };
}

async function scrape(url: string): Promise<readonly Sample[] | null> {
  if (url === '') return null;
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS) });
    return response.ok ? parseExposition(await response.text()) : null;
  } catch {
    return null;
  }
}

/** The queue whose depth is shown. */
export const STATUS_QUEUE = groupQueue(DEFAULT_GROUP);
