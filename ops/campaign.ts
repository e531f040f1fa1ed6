import { CacheClient } from '../bench/campaigns/cache-client.js';
import { CAMPAIGN_NAMES, inTurn, type CampaignName } from '../bench/campaigns/list.js';
import { campaignTable, type CampaignReport } from '../bench/campaigns/report.js';
import { seen } from '../bench/campaigns/seen.js';
import { runChaos } from '../bench/chaos/run.js';
import { makeSchedule } from '../bench/chaos/schedule.js';
import { UserError } from '../stack/errors.js';
import { cacheOf } from './cache-access.js';
import { runningStack } from './context.js';
import { interruption } from './interrupt.js';
import { number } from './number-option.js';
import { say } from './output.js';
import { tell, thisMachine, type MeasureOptions } from './results.js';
import { underTest } from './under-test.js';

export interface CampaignOptions extends MeasureOptions {
  readonly calm: string;
}

/** The world of every run is the same: what differs is the trouble. */
const SEED = 1;
const SETTLE_MS = 180_000;

/** One outage after the other under constant traffic; tells what a consumer saw of each, and leaves a report in bench/results/. */
export async function campaign(wanted: readonly string[], options: CampaignOptions): Promise<void> {
  const names = wanted.length === 0 ? CAMPAIGN_NAMES : wanted.map(known);
  const rate = number('--rate', options.rate, 0.1, 500);
  const { troubles, durationMs } = inTurn(names, number('--calm', options.calm, 1, 3_600) * 1_000);
  const stack = await runningStack(options);
  const machine = thisMachine();
  const signal = interruption('the campaign');
  say(`• ${names.join(', ')}: ${(durationMs / 60_000).toFixed(1)} min at ${String(rate)} posts/s`);
  const { changes } = makeSchedule({ seed: SEED, rate, durationMs, troubleEveryMs: durationMs });
  // Refuses a production stack before anything is written to its cache.
  const target = await underTest(stack);
  const redis = await cacheOf(stack);
  const cache = new CacheClient(redis);
  cache.start();
  const { result, story } = await runChaos(target, {
    ...{ seed: SEED, durationMs, settleMs: SETTLE_MS, schedule: { changes, troubles } },
    note: (text) => {
      say(`  ${text}`);
    },
    signal,
  }).finally(async () => {
    await cache.stop().finally(() => {
      redis.disconnect();
    });
  });
  const endAt = Math.max(...story.postedAt.values());
  const { seed, seconds, posted, stored, lost, published, handled, duplicatedEffects, gatewayMb } = result;
  const report: CampaignReport = {
    ...{ seed, rate, seconds, posted, stored, lost, published, handled, duplicatedEffects, gatewayMb, machine },
    campaigns: seen(story, endAt).map((one, n, all) => {
      const [trouble, next] = [story.troubles[n], all[n + 1]];
      if (!trouble || !one.name.startsWith('redis')) return one;
      return { ...one, cache: cache.seen(trouble, next ? (story.troubles[n + 1]?.from ?? endAt) : endAt) };
    }),
  };
  tell(report, options, { table: campaignTable, file: 'campaigns.json' });
  const missing = names.length - report.campaigns.length;
  if (missing > 0) say(`✖ ${String(missing)} of ${String(names.length)} troubles could not be made`);
  for (const { what, of, detail } of result.findings.slice(0, 20)) say(`✖ ${what}  ${of}  ${detail}`);
  if (missing > 0 || result.findings.length > 0) process.exitCode = 1;
}

function known(name: string): CampaignName {
  const found = CAMPAIGN_NAMES.find((one) => one === name);
  if (found) return found;
  throw new UserError('USAGE', `expected one of ${CAMPAIGN_NAMES.join(', ')}, found ${name}`);
}
