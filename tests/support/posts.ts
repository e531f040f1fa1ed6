import { rowsOf } from './database.js';
import { connection } from './test-stack.js';

interface Receipt {
  readonly channelId: string;
  readonly messageId: string;
}

/** Per posted message: how often it is stored, waits to be published, and was handled. */
const TRACE = `
select p.message_id,
       (select count(*)::int from telegram_gateway.messages m
         where m.channel_id = p.channel_id and m.message_id = p.message_id) as stored,
       (select count(*)::int from telegram_gateway.outbox o
         where o.channel_id = p.channel_id and o.message_id = p.message_id) as pending,
       (select count(*)::int from telegram_gateway.message_outcomes w
         where w.channel_id = p.channel_id and w.message_id = p.message_id and w.group_name = 'default'
           and w.kind = 'message.created' and w.status = 'processed') as handled
  from unnest($1::bigint[], $2::bigint[]) as p (channel_id, message_id)`;

/** Messages that the simulator pushes, and what became of each. */
export class Posts {
  readonly receipts: Receipt[] = [];

  constructor(private readonly ratePerSecond: number) {}

  /** A second's worth of messages at the rate, into the first channel. */
  async post(): Promise<void> {
    const { host, port } = connection('simulator-control');
    const base = `http://${host}:${String(port)}`;
    const [channel] = (await (await fetch(`${base}/channels`)).json()) as { id: string }[];
    const messages = Array.from({ length: this.ratePerSecond }, (_, n) => ({
      text: `post ${String(n)} of ${new Date().toISOString()}`,
    }));
    const response = await fetch(`${base}/channels/${channel?.id ?? ''}/messages`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ messages, ratePerSecond: this.ratePerSecond }),
    });
    if (!response.ok) throw new Error(`the simulator answered ${String(response.status)}`);
    this.receipts.push(...((await response.json()) as Receipt[]));
  }

  /** Messages that were not stored, published and handled exactly once each. */
  async missing(): Promise<object[]> {
    const rows = await rowsOf<{ stored: number; pending: number; handled: number }>(TRACE, [
      this.receipts.map(({ channelId }) => channelId),
      this.receipts.map(({ messageId }) => messageId),
    ]);
    return rows.filter(({ stored, pending, handled }) => stored !== 1 || pending !== 0 || handled !== 1);
  }
}
