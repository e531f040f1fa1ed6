/** Processor time and memory by process. */

/** Gateway and consumer, which a run has in the measuring process. */
export const RUNTIME = 'runtime';

export interface Used {
  /** Processor time since the process, or its container, began, in microseconds. */
  readonly cpuMicros: number;
  /** In MB, without the part of the page cache that can be had back. */
  readonly memoryMb: number;
}

/** By the name of the process. */
export type Usage = Readonly<Record<string, Used>>;

/** Tells of the engines. */
export type UsageSource = () => Promise<Usage>;

/** Of the engines and of this process. */
export async function usageNow(engines: UsageSource | null): Promise<Usage> {
  const others = engines ? await engines() : {};
  const { user, system } = process.cpuUsage();
  return { [RUNTIME]: { cpuMicros: user + system, memoryMb: process.memoryUsage.rss() / 2 ** 20 }, ...others };
}

/** Microseconds a message, by process. A container that was started again meanwhile counts from anew: what it had used is lost. */
export function cpuPerMessage(before: Usage, after: Usage, messages: number): Readonly<Record<string, number>> {
  return Object.fromEntries(
    Object.entries(after).map(([name, { cpuMicros: now }]) => {
      const then = before[name]?.cpuMicros ?? 0;
      return [name, (now >= then ? now - then : now) / messages];
    }),
  );
}

/** What a container runs to tell of itself; of version 1 and 2 of control groups. */
export const TELL_USAGE = [
  'cd /sys/fs/cgroup',
  'if [ -e memory.current ]; then cat cpu.stat; echo used $(cat memory.current); cat memory.stat',
  'else echo usage_nsec $(cat cpuacct/cpuacct.usage); echo used $(cat memory/memory.usage_in_bytes); cat memory/memory.stat; fi',
].join('\n');

/** Reads what it told. */
export function parseUsage(text: string): Used {
  const figure = (name: string) => Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(text)?.[1] ?? NaN);
  const micros = figure('usage_usec');
  const cache = figure('total_inactive_file');
  return {
    cpuMicros: Number.isNaN(micros) ? figure('usage_nsec') / 1_000 : micros,
    memoryMb: (figure('used') - (Number.isNaN(cache) ? figure('inactive_file') : cache)) / 2 ** 20,
  };
}
