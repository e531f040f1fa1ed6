import type { FaultWish } from '../../runtime/simulator/fault-kinds.js';
import { ACCOUNT_USER_ID } from '../../runtime/simulator/keys.js';
import type { Showing } from '../../runtime/simulator/shown.js';
import type { Gap } from '../../runtime/simulator/gaps.js';
import type { TrueMessage } from '../../runtime/simulator/truth.js';
import type { Truth } from './evidence.js';
import type { Range } from './facts.js';
import type { Change } from './schedule.js';
import type { Arrival } from './troubles.js';

/** Longest that the control API may take for one call, in milliseconds. */
const BOUND_MS = 60_000;
const PAGE = 5_000;

interface ChannelView {
  readonly id: string;
  readonly lastMessageId: string;
}

interface Receipt {
  readonly messageId: string;
}

/** The simulator's world through its control API, as one run sees it: only what is posted from `begin` on. */
export class World {
  /** Every channel of the run, with the last id before it. */
  readonly #ranges: Range[] = [];
  /** The channels that are posted to now, by place. */
  readonly #places: string[] = [];
  /** Those that came during the run. */
  readonly #arrived = new Set<string>();
  /** Posts of the run that stand, oldest first, by channel. */
  readonly #standing = new Map<string, number[]>();
  /** When each post was made, ms since the epoch, by `channel:message`. */
  readonly postedAt = new Map<string, number>();

  constructor(private readonly url: string) {}

  /** The messages of the run. */
  get ranges(): readonly Range[] {
    return [...this.#ranges];
  }

  /** Takes channels for the run; makes those that are missing. */
  async begin(channels: number): Promise<void> {
    const all = await this.#call<ChannelView[]>('GET', '/channels');
    for (let number = all.length; number < channels; number++) all.push(await this.#make(`Chaos ${String(number)}`));
    for (const [place, channel] of all.slice(0, channels).entries()) this.#take(place, channel);
  }

  /** Another channel comes. What is posted from now on is the account's; its past is not. */
  async arrive({ how, place }: Pick<Arrival, 'how' | 'place'>): Promise<void> {
    const channel = await this.#make(`Chaos, ${how} later`);
    this.#arrived.add(channel.id);
    if (how === 'made') {
      this.#take(place % this.#places.length, channel);
      return;
    }
    const path = `/channels/${channel.id}`;
    const member = (state: string) => this.#call('PUT', `${path}/members/${String(ACCOUNT_USER_ID)}`, { state });
    await member('left');
    const past = await this.#call<Receipt[]>('POST', `${path}/messages`, { text: 'before the joining' });
    await member('member');
    this.#take(place % this.#places.length, { ...channel, lastMessageId: past.at(-1)?.messageId ?? '0' });
  }

  async change(change: Change): Promise<void> {
    const id = this.#places[change.channel] ?? '';
    const path = `/channels/${id}`;
    switch (change.do) {
      case 'post':
        this.#posted(id, await this.#call('POST', `${path}/messages`, { text: change.text, media: change.media }));
        return;
      case 'album': {
        const media = Array.from({ length: change.size }, (_, n) => (n % 2 === 0 ? 'photo' : 'video'));
        this.#posted(id, await this.#call('POST', `${path}/albums`, { media, caption: change.caption }));
        return;
      }
      case 'service':
        await this.#call('POST', `${path}/service-messages`, { service: 'title', title: change.title });
        return;
      case 'edit':
      case 'views': {
        const [message] = this.#newest(id, [change.back]);
        const body = change.do === 'edit' ? { text: change.text } : { views: change.views };
        if (message !== undefined) await this.#call('PATCH', `${path}/messages/${String(message)}`, body);
        return;
      }
      case 'delete': {
        const ids = this.#newest(id, change.back);
        if (ids.length === 0) return;
        await this.#call('DELETE', `${path}/messages`, { ids });
        this.#standing.set(id, this.#standing.get(id)?.filter((one) => !ids.includes(one)) ?? []);
      }
    }
  }

  /** Every message of the run with its versions and its tombstone. Throws when the simulator has forgotten some. */
  async truth(): Promise<Truth[]> {
    const truth: Truth[] = [];
    for (const { channelId: id, after: first } of this.#ranges)
      for (let after: number | null = first; after !== null;) {
        const query = `after=${String(after)}&limit=${String(PAGE)}`;
        const page: { complete: boolean; next: number | null; messages: TrueMessage[] } = await this.#call(
          'GET',
          `/channels/${id}/messages?${query}`,
        );
        if (!page.complete) throw new Error(`the simulator has forgotten messages of channel ${id}`);
        truth.push(...page.messages.map((message) => ({ ...message, channelId: id })));
        after = page.next;
      }
    return truth;
  }

  /** Returns how to end the fault, which tells whether it has struck, by the simulator's own count of its kind. */
  async injure(wish: FaultWish): Promise<() => Promise<boolean>> {
    const strikes = async () => (await this.stats()).faults[wish.kind] ?? 0;
    const before = await strikes();
    const { id } = await this.#call<{ id: number }>('POST', '/faults', wish);
    return async () => {
      await this.#call('DELETE', `/faults/${String(id)}`, undefined, [404]);
      return (await strikes()) > before;
    };
  }

  /** What the gateway was shown otherwise than by pushes, and where it was sent on without being shown everything. */
  async kept(): Promise<{ gaps: Gap[]; showings: Showing[] }> {
    const [gaps, showings] = [await this.#call<Gap[]>('GET', '/gaps'), await this.#call<Showing[]>('GET', '/showings')];
    // It begins a new channel where the list, or the first push, says, and reads from the history what was before.
    const begun = [...this.#arrived].map((channelId): Gap => {
      const first = showings.find((showing) => showing.channelId === channelId && showing.by === 'difference');
      return { channelId, fromPts: 0, toPts: first?.fromPts ?? 0 };
    });
    return { gaps: [...gaps, ...begun], showings };
  }

  async heal(): Promise<void> {
    await this.#call('DELETE', '/faults');
  }

  stats(): Promise<{
    readonly faults: Readonly<Record<string, number>>;
    readonly generatorRate: number;
    readonly unimplemented: readonly string[];
  }> {
    return this.#call('GET', '/stats');
  }

  async setGenerator(ratePerSecond: number): Promise<void> {
    await this.#call('PUT', '/generator', { ratePerSecond });
  }

  #make(title: string): Promise<ChannelView> {
    return this.#call('POST', '/channels', { title, username: null });
  }

  #take(place: number, { id, lastMessageId }: ChannelView): void {
    this.#ranges.push({ channelId: id, after: Number(lastMessageId) });
    this.#places[place] = id;
    this.#standing.set(id, []);
  }

  #posted(channelId: string, receipts: readonly Receipt[]): void {
    for (const { messageId } of receipts) {
      this.#standing.get(channelId)?.push(Number(messageId));
      this.postedAt.set(`${channelId}:${messageId}`, Date.now());
    }
  }

  #newest(channelId: string, back: readonly number[]): number[] {
    const standing = this.#standing.get(channelId) ?? [];
    return back.map((n) => standing.at(-1 - n)).filter((id) => id !== undefined);
  }

  async #call<T>(method: string, path: string, body?: object, forgiven: readonly number[] = []): Promise<T> {
    const response = await fetch(this.url + path, {
      method,
      signal: AbortSignal.timeout(BOUND_MS),
      ...(body && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok && !forgiven.includes(response.status))
      throw new Error(`simulator: ${method} ${path}: ${String(response.status)} ${text}`);
    return JSON.parse(text) as T;
  }
}
