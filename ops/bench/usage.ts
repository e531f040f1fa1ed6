import { TELL_USAGE, parseUsage, type UsageSource } from '../../bench/rates/usage.js';
import type { RunningStack } from '../context.js';

/** What containers have used, by the name that a report gives each. */
export function usageOf(
  { hosts }: Pick<RunningStack, 'hosts'>,
  containers: Readonly<Record<string, string>>,
): UsageSource {
  return async () =>
    Object.fromEntries(
      await Promise.all(
        Object.entries(containers).map(
          async ([name, container]) =>
            [name, parseUsage(await hosts.docker(['exec', container, 'sh', '-c', TELL_USAGE], 30_000))] as const,
        ),
      ),
    );
}
