/** What a long run at a steady rate shows: whether anything is lost, latency drifts or memory grows. */
import type { Latency } from '../rates/measure.js';

/** A stretch of the run. */
export interface Window {
  readonly posted: number;
  /** Messages whose handler's effect was told at the end of the run. */
  readonly handled: number;
  /** Outcomes beyond the first of each message. */
  readonly doubled: number;
  /** From when a message was due to its handler, in ms; null when none was handled. */
  readonly latencyMs: Latency | null;
  /** Resident memory of each process at the end of the stretch, in MB. */
  readonly memoryMb: Readonly<Record<string, number>>;
}

export interface Drift {
  /** Median of the first third of the windows, and of the last: one stall is no drift. */
  readonly first: number;
  readonly last: number;
  readonly grows: boolean;
}

export interface Verdict {
  readonly posted: number;
  readonly lost: number;
  readonly doubled: number;
  /** Of the 95th percentile, in ms. */
  readonly latency: Drift;
  /** In MB, by process. */
  readonly memory: Readonly<Record<string, Drift>>;
  readonly holds: boolean;
}

/** What is more than noise: growth by this share and by this much. */
const LATENCY = { share: 0.5, atLeast: 5 };
const MEMORY = { share: 0.15, atLeast: 15 };

export function verdictOf(windows: readonly Window[]): Verdict {
  const sum = (value: (window: Window) => number) => windows.reduce((total, window) => total + value(window), 0);
  const posted = sum((window) => window.posted);
  const lost = posted - sum((window) => window.handled);
  const doubled = sum((window) => window.doubled);
  const latency = driftOf(
    windows.flatMap(({ latencyMs }) => (latencyMs ? [latencyMs.p95] : [])),
    LATENCY,
  );
  const processes = [...new Set(windows.flatMap(({ memoryMb }) => Object.keys(memoryMb)))];
  const memory = Object.fromEntries(
    processes.map((name) => [
      name,
      driftOf(
        windows.flatMap(({ memoryMb }) => memoryMb[name] ?? []),
        MEMORY,
      ),
    ]),
  );
  const grows = [latency, ...Object.values(memory)].some((drift) => drift.grows);
  return { posted, lost, doubled, latency, memory, holds: posted > 0 && lost === 0 && doubled === 0 && !grows };
}

function driftOf(values: readonly number[], noise: { readonly share: number; readonly atLeast: number }): Drift {
  const third = Math.max(1, Math.floor(values.length / 3));
  const [first, last] = [median(values.slice(0, third)), median(values.slice(-third))];
  return { first, last, grows: last - first > Math.max(noise.atLeast, noise.share * first) };
}

function median(values: readonly number[]): number {
  return [...values].sort((one, other) => one - other)[Math.floor(values.length / 2)] ?? 0;
}
