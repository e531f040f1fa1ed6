import { Failing, type Check } from './check.js';
import { restart } from './fix.js';
import { answerOf } from './http.js';

type Labels = Readonly<Record<string, string>>;

interface Series {
  readonly metric: Labels;
  readonly value: readonly [number, string];
}

/**
 * Each target of now by whether it answered once within the last minute. One that was not asked three times in that minute has
 * yet to answer, and is left out: it is new, or Prometheus is. A series outlives by minutes what Prometheus asked no more when it
 * began again, so only targets of now count.
 */
const ANSWERED =
  '(max_over_time(up[1m]) == 1 and up) or (max_over_time(up[1m]) == 0 and up and count_over_time(up[1m]) >= 3)';

/**
 * Prometheus reaches everything that it is to ask: what did not answer once within the last minute is named. What is left out for
 * want of an image is said, and is no failure.
 */
export const monitoring: Check = {
  name: 'monitoring',
  fix: 'npm run up',
  run: async (stack) => {
    const { services, leftOut } = stack.outputs;
    const address = services['prometheus'];
    if (!address) return 'switched off';
    const api = `http://${address.host}:${String(address.port)}/api/v1`;
    const ask = async <T>(question: string): Promise<T> => {
      const response = await answerOf(`${api}/${question}`, 'npm run up');
      if (!response.ok)
        throw new Failing(`Prometheus answers ${String(response.status)}`, restart(stack, 'prometheus'));
      return ((await response.json()) as { data: T }).data;
    };
    const { result } = await ask<{ result: readonly Series[] }>(`query?query=${encodeURIComponent(ANSWERED)}`);
    const { activeTargets } = await ask<{ activeTargets: readonly { labels: Labels }[] }>('targets?state=active');
    const now = new Set(activeTargets.map(({ labels }) => identity(labels)));
    const asked = result.filter(({ metric }) => now.has(identity(metric)));
    const down = asked.filter(({ value: [, up] }) => up === '0');
    if (down.length > 0)
      throw new Failing(
        `no answer for a minute from ${down.map(({ metric: { job, instance } }) => `${String(job)} (${String(instance)})`).join(', ')}`,
        'npm run up',
      );
    return [`${String(asked.length)} targets answer`, ...leftOut].join('; ');
  },
};

const identity = (labels: Labels) => JSON.stringify(Object.entries(labels).sort());
