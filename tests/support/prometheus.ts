import { setTimeout as delay } from 'node:timers/promises';
import { SUBJECTS } from '../../monitoring/catalogue.js';
import { alertsOf } from '../../monitoring/rules/rule.js';
import { RULES } from '../../monitoring/index.js';
import { connection } from './test-stack.js';

interface Sample {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: readonly [number, string];
}

async function ask<T>(path: string, parameters: Readonly<Record<string, string>> = {}): Promise<T> {
  const { host, port } = connection('prometheus');
  const url = `http://${host}:${String(port)}/api/v1/${path}?${new URLSearchParams(parameters).toString()}`;
  const response = await fetch(url, { signal: AbortSignal.timeout(10_000) });
  const body = (await response.json()) as { data?: T; error?: string };
  if (!body.data) throw new Error(`${body.error ?? 'no data'}: ${JSON.stringify(parameters)}`);
  return body.data;
}

/** Series that an expression matches at this moment. */
export async function query(expression: string): Promise<readonly Sample[]> {
  return (await ask<{ result: readonly Sample[] }>('query', { query: expression })).result;
}

/** Names of the alerts that fire. Not `info`, which tells of what is over, and not what budgets the cause burns. */
export async function firingAlerts(): Promise<string[]> {
  const { alerts } = await ask<{ alerts: readonly { state: string; labels: Readonly<Record<string, string>> }[] }>(
    'alerts',
  );
  const bad = alerts.filter(
    ({ state, labels }) => state === 'firing' && labels['severity'] !== 'info' && labels['subject'] !== 'slo',
  );
  return [...new Set(bad.map(({ labels }) => labels['alertname'] ?? ''))].sort();
}

/** Of the same alerts, those whose expression holds at this moment, however long they would still wait. */
export async function holding(): Promise<string[]> {
  const alerts = SUBJECTS.filter((subject) => subject !== 'slo').flatMap((subject) => alertsOf(RULES[subject]));
  const results = await Promise.all(
    alerts.map(async ({ alert, severity, expr }) =>
      severity !== 'info' && (await query(expr)).length > 0 ? [alert] : [],
    ),
  );
  return [...new Set(results.flat())].sort();
}

/** State of every target: `job instance` → its last error, nothing when it is up. */
export async function targets(): Promise<Readonly<Record<string, string>>> {
  interface Target {
    readonly labels: { readonly job: string; readonly instance: string };
    readonly health: string;
    readonly lastError: string;
  }
  const { activeTargets } = await ask<{ activeTargets: readonly Target[] }>('targets', { state: 'active' });
  return Object.fromEntries(
    activeTargets.map(({ labels, health, lastError }) => [
      `${labels.job} ${labels.instance}`,
      health === 'up' ? '' : `${health} ${lastError}`,
    ]),
  );
}

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
    await delay(1_000);
  }
}
