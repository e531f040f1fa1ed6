/** What became of the messages of a stretch. */
import type { QueryResultRow } from 'pg';
import type { PostReceipt } from '../../runtime/simulator/editor.js';
import { Latencies } from '../rates/measure.js';
import type { Window } from './verdict.js';

/** As the simulator tells of it. */
export type Sent = Pick<PostReceipt, 'channelId' | 'messageId' | 'pushedAt'>;

export interface Stretch {
  readonly rate: number;
  readonly sent: readonly Sent[];
  readonly memoryMb: Window['memoryMb'];
}

type Sql = <R extends QueryResultRow>(text: string, values: readonly unknown[]) => Promise<R[]>;

const HANDLED = `
select count(distinct o.message_id)::int as handled, count(o.at)::int as outcomes,
       coalesce(array_agg((extract(epoch from o.at) * 1000 - p.due)::float8) filter (where o.at is not null), '{}') as latencies
  from unnest($1::bigint[], $2::float8[]) as p (message_id, due)
  left join telegram_gateway.message_outcomes o
    on o.channel_id = $3 and o.message_id = p.message_id and o.group_name = 'default'
   and o.kind = 'message.created' and o.status = 'processed' and o.at >= to_timestamp($4::float8 / 1000)`;

/** A message counts from when it was due, so that a stall shows in all the messages that it held up. */
export async function follow(sql: Sql, { rate, sent, memoryMb }: Stretch): Promise<Window> {
  const due = dueTimes(sent, rate);
  const [row] = await sql<{ handled: number; outcomes: number; latencies: number[] }>(HANDLED, [
    sent.map(({ messageId }) => messageId),
    due,
    sent[0]?.channelId,
    (due[0] ?? 0) - 60_000,
  ]);
  if (!row) throw new Error('the query for outcomes returned no row');
  const latencies = new Latencies();
  for (const latency of row.latencies) latencies.record(latency);
  const latencyMs = row.latencies.length > 0 ? latencies.result : null;
  return { posted: sent.length, handled: row.handled, doubled: row.outcomes - row.handled, latencyMs, memoryMb };
}

/** From the earliest begin that explains what was sent: the first message of all may be late as any other. In ms since 1970. */
export function dueTimes(sent: readonly Sent[], rate: number): readonly number[] {
  const begins = sent.flatMap(({ pushedAt }, n) => (pushedAt === null ? [] : [pushedAt - (n * 1_000) / rate]));
  const began = begins.length > 0 ? Math.min(...begins) : Date.now();
  return sent.map((_message, n) => began + (n * 1_000) / rate);
}
