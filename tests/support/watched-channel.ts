import { setTimeout as delay } from 'node:timers/promises';
import { Pool } from 'pg';
import { cleanText } from '../../runtime/store/clean-text.js';
import { control } from './control.js';
import { connection } from './test-stack.js';

/** User id of the simulator's first account, which its sessions are made for. */
const ACCOUNT = '777';

interface TrueMessage {
  readonly messageId: string;
  readonly versions: readonly { readonly text: string }[];
  readonly deletedPts: number | null;
  /** Its kind; null for a post. */
  readonly service: string | null;
}

/** What the stack knows of one message. */
export interface Kept {
  readonly messageId: string;
  /** Of the newest version; null for a deletion of a message never seen. */
  readonly text: string | null;
  readonly deleted: boolean;
  /** Events that the stored rows stand for, and those that the default group has handled. */
  readonly events: number;
  readonly handled: number;
  readonly pending: number;
}

const KEPT = `
with events as (
  select message_id, text, 1 as version, false as deleted from telegram_gateway.messages where channel_id = $1
  union all
  select message_id, text, version, false from telegram_gateway.message_versions where channel_id = $1
  union all
  select message_id, null, 0, true from telegram_gateway.message_tombstones where channel_id = $1
), kept as (
  select message_id, (array_agg(text order by version desc))[1] as text, bool_or(deleted) as deleted, count(*)::int as events
    from events group by message_id
)
select k.message_id as "messageId", k.text, k.deleted, k.events,
       (select count(*)::int from telegram_gateway.message_outcomes w
         where w.channel_id = $1 and w.message_id = k.message_id and w.group_name = 'default' and w.status = 'processed') as handled,
       (select count(*)::int from telegram_gateway.outbox o where o.channel_id = $1 and o.message_id = k.message_id) as pending
  from kept k order by k.message_id`;

/** A channel of the simulator whose whole truth is compared with what became of it in the stack. */
export class WatchedChannel {
  readonly #pool: Pool;

  private constructor(readonly id: string) {
    const { host, port, user, password } = connection('timescaledb');
    const options = { connectionTimeoutMillis: 10_000, query_timeout: 30_000 };
    this.#pool = new Pool({ host, port, user, password, database: 'telegram_gateway', max: 1, ...options });
    this.#pool.on('error', () => undefined);
  }

  static async make(title: string): Promise<WatchedChannel> {
    const { id } = await control<{ id: string }>('POST', '/channels', { title, username: null });
    return new WatchedChannel(id);
  }

  /** Posts so many messages; returns their ids. */
  async post(count: number, ratePerSecond?: number): Promise<string[]> {
    const messages = Array.from({ length: count }, (_, n) => ({ text: `post ${String(n)} of ${String(Date.now())}` }));
    return this.postTexts(messages, ratePerSecond);
  }

  async postTexts(messages: readonly { text: string }[], ratePerSecond?: number): Promise<string[]> {
    const body = { messages, ...(ratePerSecond && { ratePerSecond }) };
    const posted = await control<{ messageId: string }[]>('POST', `/channels/${this.id}/messages`, body);
    return posted.map(({ messageId }) => messageId);
  }

  async edit(messageId: string, change: object): Promise<void> {
    await control('PATCH', `/channels/${this.id}/messages/${messageId}`, change);
  }

  async remove(...messageIds: readonly string[]): Promise<void> {
    await control('DELETE', `/channels/${this.id}/messages`, { ids: messageIds.map(Number) });
  }

  async access(change: { pushed: boolean }): Promise<void> {
    await control('PATCH', `/channels/${this.id}`, change);
  }

  /** Lets the account that the stack's session belongs to in, or throws it out. */
  async membership(state: 'member' | 'banned'): Promise<void> {
    await control('PUT', `/channels/${this.id}/members/${ACCOUNT}`, { state });
  }

  async kept(): Promise<Kept[]> {
    return (await this.#pool.query<Kept>(KEPT, [this.id])).rows;
  }

  /** `active`, `gone`, ...; undefined while the gateway does not know it. */
  async status(): Promise<string | undefined> {
    const text = 'select status from telegram_gateway.channels where channel_id = $1';
    return (await this.#pool.query<{ status: string }>(text, [this.id])).rows[0]?.status;
  }

  /** Makes the database say that the channel was read to its end, as a defect might. The gateway has to be down. */
  async pretendRead(): Promise<void> {
    const all = await control<{ id: string; pts: number; lastMessageId: string }[]>('GET', '/channels');
    const world = all.find(({ id }) => id === this.id);
    const text = 'update telegram_gateway.channels set pts = $2, last_message_id = $3 where channel_id = $1';
    await this.#pool.query(text, [this.id, world?.pts, world?.lastMessageId]);
  }

  /**
   * Waits until the database holds the world's messages, texts and deletions, and every event was handled once; returns the
   * seconds that it took. A message that was posted and deleted unseen may be missing altogether.
   */
  async caughtUp(timeoutMs = 60_000): Promise<number> {
    const began = performance.now();
    for (;;) {
      const wrong = await this.#wrong().catch((error: unknown) => [String(error)]);
      const seconds = (performance.now() - began) / 1_000;
      if (wrong.length === 0) return seconds;
      if (performance.now() - began > timeoutMs)
        throw new Error(
          `after ${seconds.toFixed(0)} s ${String(wrong.length)} differ: ${wrong.slice(0, 5).join('; ')}`,
        );
      await delay(100);
    }
  }

  async close(): Promise<void> {
    await this.#pool.end();
  }

  async #wrong(): Promise<string[]> {
    const truth = await this.#truth();
    const kept = new Map((await this.kept()).map((one) => [one.messageId, one]));
    const wrong = truth.flatMap((message) => {
      const said = difference(message, kept.get(message.messageId));
      kept.delete(message.messageId);
      return said === null ? [] : [`${message.messageId} ${said}`];
    });
    return [...wrong, ...[...kept.keys()].map((id) => `${id} was never posted`)];
  }

  async #truth(): Promise<TrueMessage[]> {
    const all: TrueMessage[] = [];
    for (let after: number | null = 0; after !== null;) {
      const path = `/channels/${this.id}/messages?after=${String(after)}&limit=10000`;
      const page: { next: number | null; messages: TrueMessage[] } = await control('GET', path);
      all.push(...page.messages);
      after = page.next;
    }
    return all;
  }
}

function difference({ versions, deletedPts, service }: TrueMessage, kept: Kept | undefined): string | null {
  const deleted = deletedPts !== null;
  if (!kept) return deleted ? null : 'is missing';
  if (kept.deleted !== deleted) return deleted ? 'is not deleted' : 'is deleted';
  const text = cleanText(versions.at(-1)?.text ?? '');
  if (!deleted && service === null && kept.text !== text) return `says "${String(kept.text)}", not "${text}"`;
  if (kept.pending > 0) return 'waits to be published';
  return kept.handled === kept.events ? null : `handled ${String(kept.handled)} of ${String(kept.events)} events`;
}
