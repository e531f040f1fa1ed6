import type { BenchResult } from './run.js';
import type { Comparison } from './with-and-without.js';

const whole = (value: number) => String(Math.round(value));

/** For the screen: rates with what each costs, then latencies. */
export function benchTable(result: BenchResult): string {
  const { raw, cpuMicrosPerMessage: cpu, fsyncMs, cache } = result;
  const line = (name: string, rate: number, spent: Readonly<Record<string, number>> = {}) =>
    `${name.padEnd(24)}${whole(rate).padStart(10)} msg/s${byProcess(spent, (micros) => `${micros.toFixed(0)} µs`)}`;
  return [
    `fsync                   ${fsyncMs.p50.toFixed(2)} ms median, ${fsyncMs.p95.toFixed(2)} ms p95`,
    'rates, and beside each the processor time that a message costs each process',
    ...(Object.keys(raw) as (keyof typeof raw)[]).map((name) => line(name, raw[name], cpu[name])),
    line('composed limit', result.composed),
    line('naive pipeline', result.naive, cpu.naive),
    line('this pipeline', result.pipeline, cpu.pipeline),
    `memory                  ${byProcess(result.memoryMb, (mb) => `${whole(mb)} MB`).trim()}`,
    `busy with               ${result.profile
      .slice(0, 8)
      .map(({ part, share }) => `${part} ${percent(share)}`)
      .join(', ')}`,
    `${whole(result.ratioToComposed * 100)} % of the composed limit, ${result.ratioToNaive.toFixed(1)} × the naive pipeline`,
    ...result.latencyMs.map(
      ({ rate, seconds, p50, p95, p99 }) =>
        `${String(rate)} msg/s for ${String(seconds)} s: p50 ${p50.toFixed(1)}, p95 ${p95.toFixed(1)}, p99 ${p99.toFixed(1)} ms`,
    ),
    ...result.polling.map(
      ({ rows, p50, p95, fiveWorkers, statusUpdate }) =>
        `polling at ${String(rows)} rows: p50 ${p50.toFixed(2)}, p95 ${p95.toFixed(2)} ms; five workers at once p95 ${fiveWorkers.p95.toFixed(2)} ms; ` +
        `status update p95 ${statusUpdate.p95.toFixed(2)} ms`,
    ),
    `duplicate check: p50 ${cache.dedupMs.p50.toFixed(2)}, p95 ${cache.dedupMs.p95.toFixed(2)} ms`,
    `cache, one reader: ${cacheLine(cache)}`,
    `cache, readers that come and go: ${cacheLine(cache.mixedReaders)}`,
    `${'with and without'.padEnd(40)}${'with'.padStart(12)}${'without'.padStart(12)}`,
    ...result.withAndWithout.map(comparisonLine),
  ].join('\n');
}

function cacheLine({ hitRate, databaseReads, saved }: BenchResult['cache']['mixedReaders']): string {
  const { with: asked, without } = databaseReads;
  return `hit rate ${percent(hitRate)}, database asked ${String(asked)} times instead of ${String(without)} (${percent(-saved)})`;
}

/** What is not worth a line is left out. */
function byProcess(figures: Readonly<Record<string, number>>, show: (figure: number) => string): string {
  const parts = Object.entries(figures).filter(([, figure]) => figure >= 0.5);
  return parts.map(([name, figure]) => `  ${name} ${show(figure)}`).join('');
}

/** A hope that does not hold is told as such. */
function comparisonLine({ name, unit, with: withIt, without, ratio, hope, holds }: Comparison): string {
  const figures = [withIt, without].map((value) => value.toPrecision(3).padStart(12)).join('');
  const verdict = holds ? 'holds' : 'does not hold';
  return `${`${name}, ${unit}`.padEnd(40)}${figures}  ${ratio.toFixed(1)} ×, hope ${String(hope)} ×: ${verdict}`;
}

const percent = (share: number) => `${(share * 100).toFixed(0)} %`;

const BAR = { width: 420, height: 22, gap: 8, left: 150 } as const;

/** Rates as bars, on a logarithmic scale from 10 to a million. */
export function benchChart(result: BenchResult): string {
  const bars = Object.entries({
    ...result.raw,
    'composed limit': result.composed,
    'naive pipeline': result.naive,
    'this pipeline': result.pipeline,
  });
  const height = bars.length * (BAR.height + BAR.gap) + BAR.gap;
  const rows = bars.map(([name, rate], n) => {
    const y = BAR.gap + n * (BAR.height + BAR.gap);
    const width = Math.max(1, ((Math.log10(Math.max(rate, 10)) - 1) / 5) * BAR.width);
    const middle = y + BAR.height / 2 + 4;
    return [
      `<text x="${String(BAR.left - 8)}" y="${String(middle)}" text-anchor="end">${name}</text>`,
      `<rect x="${String(BAR.left)}" y="${String(y)}" width="${width.toFixed(1)}" height="${String(BAR.height)}" fill="#3b6ea5"/>`,
      `<text x="${(BAR.left + width + 6).toFixed(1)}" y="${String(middle)}">${whole(rate)}</text>`,
    ].join('\n');
  });
  const size = `width="${String(BAR.left + BAR.width + 90)}" height="${String(height)}"`;
  return `<svg xmlns="http://www.w3.org/2000/svg" ${size} font-family="sans-serif" font-size="13" role="img" aria-label="Messages per second, logarithmic">\n${rows.join('\n')}\n</svg>\n`;
}
