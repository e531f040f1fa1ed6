import { Failing, type Check } from './check.js';
import { restart } from './fix.js';
import { answerOf } from './http.js';

interface Series {
  readonly metric: { readonly job: string; readonly instance: string };
  readonly value: readonly [number, string];
}

/**
 * Each target of now by whether it answered once within the last minute. One that was not asked three times in that minute has
 * yet to answer, and is left out: it is new, or Prometheus is.
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
    const query = new URLSearchParams({ query: ANSWERED }).toString();
    const base = `http://${address.host}:${String(address.port)}`;
    const response = await answerOf(`${base}/api/v1/query?${query}`, 'npm run up');
    if (!response.ok) throw new Failing(`Prometheus answers ${String(response.status)}`, restart(stack, 'prometheus'));
    const { data } = (await response.json()) as { data: { result: readonly Series[] } };
    const down = data.result.filter(({ value: [, up] }) => up === '0');
    if (down.length > 0)
      throw new Failing(
        `no answer for a minute from ${down.map(({ metric: { job, instance } }) => `${job} (${instance})`).join(', ')}`,
        'npm run up',
      );
    return [`${String(data.result.length)} targets answer`, ...leftOut].join('; ');
  },
};
