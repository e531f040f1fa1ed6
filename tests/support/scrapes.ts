import { setTimeout as delay } from 'node:timers/promises';
import { Prometheus } from './prometheus.js';

/** Jobs of Prometheus that take a login of the stack's, and the broker's own pages. */
const JOBS = ['postgres', 'pgbouncer', 'redis', 'sentinel', 'rabbitmq', 'rabbitmq-queues'];
/** Two exporters take over a login by starting their process anew; meanwhile nobody listens. Longest wait, in milliseconds. */
const STARTS_ANEW_MS = 30_000;

interface Target {
  readonly labels: { readonly job: string; readonly instance: string };
  readonly scrapeUrl: string;
}

/** What Prometheus asks of the data services: `job instance` → URL. */
export async function scrapeUrls(): Promise<Readonly<Record<string, string>>> {
  const { activeTargets } = await Prometheus.ofStack().ask<{ activeTargets: readonly Target[] }>('targets', {
    state: 'active',
  });
  const found = activeTargets.filter(({ labels }) => JOBS.includes(labels.job));
  return Object.fromEntries(found.map(({ labels, scrapeUrl }) => [`${labels.job} ${labels.instance}`, scrapeUrl]));
}

/** Asks as Prometheus does. Throws what the exporter says of its service when it is not let in: `pg_up 0` and the like. */
export async function scrape(url: string): Promise<void> {
  const text = await answerOf(url);
  const down = text.split('\n').filter((line) => /^(pg|pgbouncer|redis)_up(\{.*\})? 0$/.test(line));
  if (down.length > 0) throw new Error(down.join(', '));
}

async function answerOf(url: string): Promise<string> {
  const deadline = Date.now() + STARTS_ANEW_MS;
  for (;;) {
    const answer = await asked(url).catch((error: unknown) => {
      if (Date.now() > deadline) throw error;
      return null;
    });
    if (answer?.ok === false) throw new Error(`${String(answer.status)} ${answer.text.slice(0, 200)}`);
    if (answer) return answer.text;
    await delay(200);
  }
}

/** Rejects where nobody listens, or the connection breaks. */
async function asked(url: string) {
  const response = await fetch(url, { signal: AbortSignal.timeout(STARTS_ANEW_MS) });
  return { ok: response.ok, status: response.status, text: await response.text() };
}
