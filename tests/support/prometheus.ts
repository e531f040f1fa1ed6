import { setTimeout as delay } from 'node:timers/promises';
import type { Subject } from '../../monitoring/catalogue.js';
import { connection } from './test-stack.js';

export interface Sample {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: readonly [number, string];
}

interface Alert {
  readonly state: string;
  readonly labels: Readonly<Record<string, string>>;
}

interface Target {
  readonly labels: { readonly job: string; readonly instance: string };
  readonly health: string;
  readonly lastError: string;
}

/** A running Prometheus, asked over its API. */
export class Prometheus {
  constructor(readonly url: string) {}

  /** The one that the stack itself runs. */
  static ofStack(): Prometheus {
    const { host, port } = connection('prometheus');
    return new Prometheus(`http://${host}:${String(port)}`);
  }

  /** Series that an expression matches at this moment. */
  async query(expression: string): Promise<readonly Sample[]> {
    return (await this.ask<{ result: readonly Sample[] }>('query', { query: expression })).result;
  }

  /** The first value of an expression; null where nothing matches. */
  async value(expression: string): Promise<number | null> {
    const [sample] = await this.query(expression);
    return sample ? Number(sample.value[1]) : null;
  }

  /** Names of the alerts that fire. Not `info`, which tells of what is over, and not what budgets the cause burns. */
  async firing(): Promise<string[]> {
    const { alerts } = await this.ask<{ alerts: readonly Alert[] }>('alerts');
    const bad = alerts.filter(
      ({ state, labels }) => state === 'firing' && labels['severity'] !== 'info' && labels['subject'] !== SLO,
    );
    return [...new Set(bad.map(({ labels }) => labels['alertname'] ?? ''))].sort();
  }

  /** State of every target: `job instance` → its last error, nothing when it is up. */
  async targets(): Promise<Readonly<Record<string, string>>> {
    const { activeTargets } = await this.ask<{ activeTargets: readonly Target[] }>('targets', { state: 'active' });
    return Object.fromEntries(
      activeTargets.map(({ labels, health, lastError }) => [
        `${labels.job} ${labels.instance}`,
        health === 'up' ? '' : `${health} ${lastError}`,
      ]),
    );
  }

  async ask<T>(path: string, parameters: Readonly<Record<string, string>> = {}): Promise<T> {
    const url = `${this.url}/api/v1/${path}?${new URLSearchParams(parameters).toString()}`;
    const response = await fetch(url, { signal: AbortSignal.timeout(30_000) });
    const body = (await response.json()) as { data?: T; error?: string };
    if (!body.data) throw new Error(`${body.error ?? 'no data'}: ${JSON.stringify(parameters)}`);
    return body.data;
  }
}

const SLO: Subject = 'slo';

/** Asks until the answer is as wanted, and returns the last answer either way: the test then says what was wrong. */
export async function settled<T>(
  read: () => Promise<T>,
  wanted: (answer: T) => boolean,
  boundMs = 120_000,
): Promise<T> {
  const end = Date.now() + boundMs;
  for (;;) {
    const answer = await read();
    if (wanted(answer) || Date.now() > end) return answer;
    await delay(500);
  }
}
