import { setTimeout as wait } from 'node:timers/promises';
import { follow, type Stretch } from '../bench/load/follow.js';
import { verdictOf, type Verdict, type Window } from '../bench/load/verdict.js';
import { fsyncTime } from '../bench/rates/measure.js';
import { residentMb } from '../bench/resident-memory.js';
import { runningStack, type RunningStack } from './context.js';
import { number, wholeNumber } from './number-option.js';
import { say } from './output.js';
import { tell, thisMachine, type MeasureOptions } from './results.js';
import { postMessages } from './simulator-posts.js';
import { databaseAt, sqlOn } from './sql.js';

export interface LoadOptions extends MeasureOptions {
  readonly minutes: string;
}

/** Length of a stretch, in seconds; a short run has at least so many of them. */
const LONGEST_STRETCH_S = 60;
const LEAST_STRETCHES = 6;
/** Longest wait for the last message to reach its handler, in ms. */
const SETTLE_MS = 60_000;
/** Processes whose memory is followed. */
const PROCESSES = ['gateway', 'consumer', 'api'] as const;

/** Posts at a steady rate for a long time and looks whether anything is lost, slower or larger at the end. Exit 1 then. */
export async function load(options: LoadOptions): Promise<void> {
  const rate = wholeNumber('--rate', options.rate, 1, 1_000);
  const minutes = number('--minutes', options.minutes, 0.1, 1_440);
  const stack = await runningStack(options);
  const machine = { ...thisMachine(), fsyncMs: fsyncTime() };
  const stretches = await post(stack, rate, minutes * 60);
  const windows = await settled(stack, stretches);
  const verdict = verdictOf(windows);
  const result = { rate, minutes, machine, verdict, windows };
  tell(result, options, {
    table: () => render(verdict, windows),
    file: `load-${String(rate)}x${String(minutes)}.json`,
  });
  say(verdict.holds ? '✔ nothing lost, nothing grows' : '✖ it does not hold');
  if (!verdict.holds) process.exitCode = 1;
}

async function post(stack: RunningStack, rate: number, seconds: number): Promise<readonly Stretch[]> {
  const each = Math.min(LONGEST_STRETCH_S, seconds / LEAST_STRETCHES);
  const count = Math.max(1, Math.round(rate * each));
  const stretches: Stretch[] = [];
  for (let n = 0; n < Math.round(seconds / each); n++) {
    const texts = Array.from({ length: count }, (_, index) => ({ text: `load ${String(n)} ${String(index)}` }));
    const sent = await postMessages(stack, texts, rate);
    stretches.push({ rate, sent, memoryMb: await memoryOf(stack) });
    say(`• ${String((n + 1) * count)} posted`);
  }
  return stretches;
}

/** When every message was handled, or the time is over. */
async function settled({ outputs }: RunningStack, stretches: readonly Stretch[]): Promise<readonly Window[]> {
  const sql = sqlOn({ ...databaseAt(outputs, 'pgbouncer'), query_timeout: 30_000 });
  const deadline = Date.now() + SETTLE_MS;
  const windows: Window[] = [];
  for (const stretch of stretches) {
    let window = await follow(sql, stretch);
    while (window.handled < window.posted && Date.now() < deadline) {
      await wait(200);
      window = await follow(sql, stretch);
    }
    windows.push(window);
  }
  return windows;
}

async function memoryOf({ outputs }: RunningStack): Promise<Record<string, number>> {
  const memory: Record<string, number> = {};
  for (const name of PROCESSES) {
    const url = outputs.services[name]?.url;
    const mb = url === undefined ? null : await residentMb(`${url}/metrics`);
    if (mb !== null) memory[name] = mb;
  }
  return memory;
}

function render({ posted, lost, doubled, latency, memory }: Verdict, windows: readonly Window[]): string {
  const grown = ({ grows }: { grows: boolean }) => (grows ? 'GROWS' : 'steady');
  const between = ({ first, last }: { first: number; last: number }) => `${first.toFixed(1)} → ${last.toFixed(1)}`;
  const worst = Math.max(0, ...windows.map(({ latencyMs }) => latencyMs?.p95 ?? 0));
  return [
    `posted ${String(posted)}, lost ${String(lost)}, handled twice ${String(doubled)}`,
    `latency p95 ${between(latency)} ms (${grown(latency)}), worst stretch ${worst.toFixed(1)} ms`,
    ...Object.entries(memory).map(([name, drift]) => `memory ${name} ${between(drift)} MB (${grown(drift)})`),
  ].join('\n');
}
