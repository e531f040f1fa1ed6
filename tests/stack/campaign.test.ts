import { describe, expect, it } from '@jest/globals';
import type { CampaignReport } from '../../bench/campaigns/report.js';
import { run } from '../support/test-stack.js';
import { noSecondChance } from '../support/no-second-chance.js';

noSecondChance();

/** Those that no other test makes, the broker's restart last: it takes longer than the calm between two. */
const NAMES = [
  ...(['pgbouncer-restarted', 'host-rebooted', 'clock-jump'] as const),
  ...(['redis-partitioned', 'rabbitmq-out-of-disk', 'rabbitmq-restarted'] as const),
];
const RATE = 20;
const CALM_S = 6;

describe('campaign', () => {
  it(
    'N6 R3 restarts, a wrong clock, a partition, a full disk and a reboot under constant traffic: what the consumer saw, and nothing lost',
    () => {
      const { code, stdout, stderr } = run('campaign', [
        ...NAMES,
        ...['--rate', String(RATE), '--calm', String(CALM_S), '--json', '--no-report'],
      ]);
      if (code !== 0) throw new Error(`ended with ${String(code)}\n${stderr}\n${stdout}`);
      const { campaigns, posted, ...report } = JSON.parse(stdout) as CampaignReport;
      expect(report).toMatchObject({ rate: RATE, lost: 0, duplicatedEffects: 0 });
      expect(campaigns.map(({ name }) => name)).toEqual(NAMES);
      expect(posted).toBeGreaterThan(RATE * CALM_S);
      const of = (name: (typeof NAMES)[number]) => campaigns.find((campaign) => campaign.name === name);
      // Redis is only speed: somebody else writes to it again while the former master is still cut off.
      const partition = of('redis-partitioned');
      expect(partition?.cache?.promotedMs).toBeLessThan(partition?.troubleMs ?? 0);
      // Nothing gets through a broker that takes nothing; all of it does afterwards.
      expect(of('rabbitmq-out-of-disk')?.silentMs).toBeGreaterThan(5_000);
      expect(of('host-rebooted')?.backMs).not.toBeNull();
      // A Telegram whose clock is wrong keeps nobody from receiving.
      expect(of('clock-jump')?.silentMs).toBeLessThan(5_000);
      for (const { name, troubleMs, silentMs, worstMs, late } of campaigns)
        process.stderr.write(
          `    N6 ${name}: ${String(Math.round(troubleMs / 100) / 10)} s, silent ${String(Math.round(silentMs / 100) / 10)} s, worst ${String(Math.round(worstMs / 100) / 10)} s, ${String(late)} late\n`,
        );
    },
    8 * 60_000,
  );
});
