import { setTimeout as wait } from 'node:timers/promises';
import type { PostReceipt } from '../runtime/simulator/editor.js';
import { UserError } from '../stack/errors.js';
import { runningStack, type RunningStack, type StackOptions } from './context.js';
import { print, printJson, say } from './output.js';
import { controlOf, postMessages, type Draft } from './simulator-posts.js';
import { databaseAt, sqlOn, type Sql } from './sql.js';

export interface SmokeResult {
  readonly posted: number;
  readonly stored: number;
  readonly published: number;
  readonly consumed: number;
  readonly duplicates: number;
  /** Methods that the gateway called and the simulator does not have. */
  readonly unimplemented: readonly string[];
  readonly latencyMs: { readonly p50: number; readonly p95: number; readonly p99: number };
}

type Traced = Omit<SmokeResult, 'unimplemented'>;

/** Longest wait for the last message to reach the handler, in milliseconds. */
const DEADLINE_MS = 60_000;

/** Counts, per message, what the database knows of it; a text that differs from what was posted does not count as stored. */
const TRACE = `
select count(distinct (m.channel_id, m.message_id)) filter (where m.message_id is not null)::int as stored,
       count(distinct (m.channel_id, m.message_id))
         filter (where m.message_id is not null and o.outbox_id is null)::int as published,
       count(distinct (w.channel_id, w.message_id)) filter (where w.at is not null)::int as consumed,
       (count(w.at) - count(distinct (w.channel_id, w.message_id)) filter (where w.at is not null))::int as duplicates,
       array_agg((extract(epoch from w.at) * 1000 - p.pushed_at)::float8)
         filter (where w.at is not null and p.pushed_at is not null) as latencies
  from unnest($1::bigint[], $2::bigint[], $3::float8[], $4::text[]) as p (channel_id, message_id, pushed_at, text)
  left join telegram_gateway.messages m
    on m.channel_id = p.channel_id and m.message_id = p.message_id and m.text = p.text
   and m.posted_at > now() - interval '1 hour'
  left join telegram_gateway.outbox o on o.channel_id = p.channel_id and o.message_id = p.message_id
  left join telegram_gateway.message_outcomes w
    on w.channel_id = p.channel_id and w.message_id = p.message_id and w.group_name = 'default'
   and w.kind = 'message.created' and w.status = 'processed' and w.at > now() - interval '1 hour'`;

/** Posts distinct messages through the simulator and follows each to the consumer's handler. Exit 1 on any difference. */
export async function smoke(options: StackOptions & { json?: boolean; count: string; rate: string }): Promise<void> {
  const stack = await runningStack(options);
  const drafts = makeDrafts(Number(options.count));
  say(`• posting ${String(drafts.length)} messages at ${options.rate}/s`);
  const posted = await postMessages(stack, drafts, Number(options.rate));
  const result = { ...(await follow(stack, drafts, posted)), unimplemented: await unimplemented(stack) };
  if (options.json) printJson(result);
  else print(render(result));
  const counts = [result.stored, result.published, result.consumed];
  const perfect = result.duplicates === 0 && result.unimplemented.length === 0;
  if (counts.some((count) => count !== result.posted) || !perfect) process.exitCode = 1;
}

/** Ordinary texts and the hard ones: the longest Telegram takes, one without text, NUL, emoji, and one sent twice. */
export function makeDrafts(count: number): Draft[] {
  if (!Number.isInteger(count) || count < 5 || count > 100_000)
    throw new UserError('USAGE', '--count: expected a whole number from 5 to 100000');
  const run = Date.now().toString(36);
  const special: Draft[] = [
    { text: `${run} ${'x'.repeat(4096 - run.length - 1)}` },
    { text: '', media: 'photo' },
    { text: `${run} before\u0000after` },
    { text: `${run} 👩‍👩‍👧‍👦 🏳️‍🌈 🇺🇳` },
    { text: `${run} twice`, duplicate: true },
  ];
  const ordinary = Array.from({ length: count - special.length }, (_, n) => ({ text: `${run} message ${String(n)}` }));
  return [...special, ...ordinary];
}

async function unimplemented(stack: RunningStack): Promise<readonly string[]> {
  const stats = (await (await fetch(`${controlOf(stack)}/stats`)).json()) as { unimplemented: string[] };
  return stats.unimplemented;
}

async function follow(
  { outputs }: RunningStack,
  drafts: readonly Draft[],
  posted: readonly PostReceipt[],
): Promise<Traced> {
  const sql = sqlOn(databaseAt(outputs, 'pgbouncer'));
  const deadline = Date.now() + DEADLINE_MS;
  for (;;) {
    const result = await trace(sql, drafts, posted);
    if (result.consumed >= posted.length && result.published >= posted.length) return result;
    if (Date.now() > deadline) return result;
    await wait(200);
  }
}

async function trace(sql: Sql, drafts: readonly Draft[], posted: readonly PostReceipt[]): Promise<Traced> {
  const [row] = await sql<Omit<Traced, 'posted' | 'latencyMs'> & { latencies: number[] | null }>(TRACE, [
    posted.map(({ channelId }) => channelId),
    posted.map(({ messageId }) => messageId),
    posted.map(({ pushedAt }) => pushedAt),
    drafts.map(({ text }) => text.replaceAll('\u0000', '')),
  ]);
  if (!row) throw new Error('the trace query returned no row');
  const { latencies, ...counts } = row;
  const sorted = (latencies ?? []).sort((one, other) => one - other);
  const at = (share: number) => round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN);
  return { posted: posted.length, ...counts, latencyMs: { p50: at(0.5), p95: at(0.95), p99: at(0.99) } };
}

const round = (ms: number) => Math.round(ms * 100) / 100;

function render(result: SmokeResult): string {
  const { latencyMs, unimplemented: missing, ...counts } = result;
  const lines = Object.entries(counts).map(([name, count]) => `${name.padEnd(12)}${String(count)}`);
  if (missing.length > 0) lines.push(`missing     ${missing.join(', ')}`);
  return [
    ...lines,
    `latency     p50 ${String(latencyMs.p50)} ms, p95 ${String(latencyMs.p95)} ms, p99 ${String(latencyMs.p99)} ms`,
  ].join('\n');
}
