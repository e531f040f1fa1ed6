import { randomInt } from 'node:crypto';
import { shortcomings } from '../bench/chaos/proof.js';
import { runChaos, type RunResult } from '../bench/chaos/run.js';
import { makeSchedule } from '../bench/chaos/schedule.js';
import { runningStack, type StackOptions } from './context.js';
import { interruption } from './interrupt.js';
import { number, wholeNumber } from './number-option.js';
import { print, printJson, say } from './output.js';
import { underTest } from './under-test.js';

export interface ChaosOptions extends StackOptions {
  readonly minutes: string;
  readonly seed?: string;
  readonly rate: string;
  readonly every: string;
  readonly telegramOnly?: boolean;
  readonly settle: string;
  readonly json?: boolean;
}

/** Findings that are printed; the count is of all. */
const SHOWN = 20;
const MAX_SEED = 2 ** 31;

/** Troubles a running stack by a seeded schedule and compares, at the end, everything with Telegram's world. */
export async function chaos(options: ChaosOptions): Promise<void> {
  const seed = options.seed === undefined ? randomInt(MAX_SEED) : wholeNumber('--seed', options.seed, 0, MAX_SEED);
  const minutes = number('--minutes', options.minutes, 0.1, 24 * 60);
  const rate = number('--rate', options.rate, 0.1, 500);
  const stack = await runningStack(options);
  say(`• seed ${String(seed)}: ${String(minutes)} min at ${String(rate)} posts/s`);
  const signal = interruption('the run');
  const startedAt = performance.now();
  const durationMs = minutes * 60_000;
  const { result } = await runChaos(await underTest(stack), {
    seed,
    durationMs,
    schedule: makeSchedule({
      ...{ seed, rate, durationMs },
      troubleEveryMs: number('--every', options.every, 0.1, 3_600) * 1_000,
      scope: options.telegramOnly ? 'telegram' : 'all',
    }),
    settleMs: number('--settle', options.settle, 1, 3_600) * 1_000,
    note: (text) => {
      say(`  ${((performance.now() - startedAt) / 1_000).toFixed(1).padStart(7)} s  ${text}`);
    },
    signal,
  });
  if (options.json) printJson({ ...result, findings: result.findings.slice(0, SHOWN) });
  else print(render(result));
  const short = shortcomings(result);
  if (short.length === 0) return;
  say(`✖ seed ${String(seed)}: ${short.join('; ')}. Again: ${again(options, seed)}`);
  for (const { what, of, detail } of result.findings.slice(0, SHOWN)) say(`    ${what}  ${of}  ${detail}`);
  process.exitCode = 1;
}

function again({ minutes, rate, every, telegramOnly }: ChaosOptions, seed: number): string {
  const only = telegramOnly ? ' --telegram-only' : '';
  return `npm run chaos -- --seed ${String(seed)} --minutes ${minutes} --rate ${rate} --every ${every}${only}`;
}

function render({ faults, unmet, recoveryMs, gatewayMb, findings, unimplemented, ...figures }: RunResult): string {
  const lines = Object.entries(figures).map(([name, value]) => `${name.padEnd(18)}${String(value)}`);
  const troubles = Object.entries(faults).map(([kind, count]) => {
    const recovery = recoveryMs[kind];
    const took = recovery ? `back after ${seconds(recovery.median)} s, at worst ${seconds(recovery.worst)} s` : '';
    return `  ${kind.padEnd(22)}${String(count).padStart(4)}  ${took}`;
  });
  const memory = `${'gateway memory'.padEnd(18)}${String(gatewayMb.before)} → ${String(gatewayMb.after)} MiB`;
  const missing = unimplemented.length > 0 ? [`missing methods   ${unimplemented.join(', ')}`] : [];
  const idle = `${'met nothing'.padEnd(18)}${String(Object.values(unmet).reduce((sum, n) => sum + n, 0))}`;
  return [...lines, memory, idle, `findings          ${String(findings.length)}`, ...missing, ...troubles.sort()].join(
    '\n',
  );
}

const seconds = (ms: number) => (ms / 1_000).toFixed(1);
