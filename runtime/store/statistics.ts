import { SCHEMA } from '../contract.js';
import type { Queryable, Statement } from './database.js';

export interface Statistics {
  /** Messages in all; an estimate, because counting them would read them all. */
  readonly messages: number;
  readonly channels: number;
  readonly lastHour: {
    readonly messages: number;
    /** By the way they came: pushed, or recovered by a difference, the history or the reconciler. */
    readonly bySource: Readonly<Record<string, number>>;
    /** The busiest first, at most 50. */
    readonly byChannel: readonly { readonly channelId: string; readonly messages: number }[];
  };
  /** Events that the broker has not confirmed. */
  readonly outbox: { readonly pending: number; readonly oldestSeconds: number };
  /** Events that each consumer group has not finished. */
  readonly work: readonly {
    readonly group: string;
    readonly pending: number;
    readonly processing: number;
    readonly failed: number;
  }[];
}

const TOTALS: Statement = {
  name: 'statistics_totals',
  text: `select public.approximate_row_count('${SCHEMA}.messages')::float8 as messages,
                (select count(*)::integer from ${SCHEMA}.channels) as channels,
                count(o.outbox_id)::integer as pending,
                coalesce(extract(epoch from clock_timestamp() - min(o.created_at)), 0)::float8 as oldest
           from ${SCHEMA}.outbox o`,
};
const LAST_HOUR: Statement = {
  name: 'statistics_last_hour',
  // One hour is at most a few hundred thousand rows.
  text: `select channel_id, source, count(*)::integer as messages from ${SCHEMA}.messages
          where posted_at > now() - interval '1 hour' group by channel_id, source`,
};
const WORK: Statement = {
  name: 'statistics_work',
  text: `select g.group_name as "group", count(w.*) filter (where w.status = 'pending')::integer as pending,
                count(w.*) filter (where w.status = 'processing')::integer as processing,
                count(w.*) filter (where w.status = 'failed')::integer as failed
           from ${SCHEMA}.consumer_groups g left join ${SCHEMA}.message_work w using (group_name)
          group by g.group_name order by g.group_name`,
};

const BUSIEST = 50;

/** Three statements, one after the other: the figures are of nearly the same moment. */
export async function readStatistics(database: Queryable): Promise<Statistics> {
  const totals = await database.run<{ messages: number; channels: number; pending: number; oldest: number }>(
    TOTALS,
    [],
  );
  const hour = await database.run<{ channel_id: string; source: string; messages: number }>(LAST_HOUR, []);
  const work = await database.run<Statistics['work'][number]>(WORK, []);
  const [all] = totals.rows;
  const sumBy = (key: 'channel_id' | 'source') => {
    const sums = new Map<string, number>();
    for (const row of hour.rows) sums.set(row[key], (sums.get(row[key]) ?? 0) + row.messages);
    return [...sums].sort(([, a], [, b]) => b - a);
  };
  return {
    messages: Math.max(0, Math.round(all?.messages ?? 0)),
    channels: all?.channels ?? 0,
    lastHour: {
      messages: hour.rows.reduce((sum, row) => sum + row.messages, 0),
      bySource: Object.fromEntries(sumBy('source')),
      byChannel: sumBy('channel_id')
        .slice(0, BUSIEST)
        .map(([channelId, messages]) => ({ channelId, messages })),
    },
    outbox: { pending: all?.pending ?? 0, oldestSeconds: all?.oldest ?? 0 },
    work: work.rows,
  };
}
