import { probe, type Check } from '../../http/health-server.js';
import { figuresBetween, type Figures } from './figures.js';
import { readSources, type Readings, type SourceUrls } from './sources.js';

const INTERVAL_MS = 3_000;
/** Ten minutes. */
const KEPT = 200;

export interface StatusView {
  readonly at: number;
  readonly parts: readonly { readonly name: string; readonly ok: boolean; readonly detail: string }[];
  /** Oldest first; the last is now. */
  readonly history: readonly Figures[];
}

export interface BoardOptions {
  readonly urls: SourceUrls;
  /** What the API checks for itself: database, cache, broker. */
  readonly checks: Readonly<Record<string, Check>>;
  /** @default 3000 */
  readonly intervalMs?: number;
}

/**
 * The whole path at a glance, for the last ten minutes: looks at every process every three seconds, also when nobody
 * watches, so that a page that is opened shows what led here.
 */
export class StatusBoard {
  readonly #history: Figures[] = [];
  #last: Readings | null = null;
  #parts: StatusView['parts'] = [];
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(private readonly options: BoardOptions) {}

  start(): this {
    void this.#look();
    return this;
  }

  close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    return Promise.resolve();
  }

  view(): StatusView {
    return { at: Date.now(), parts: this.#parts, history: this.#history };
  }

  async #look(): Promise<void> {
    const { urls, checks, intervalMs = INTERVAL_MS } = this.options;
    const [readings, ...own] = await Promise.all([
      readSources(urls),
      ...Object.entries(checks).map(async ([name, check]) => ({ name, ...(await probe(check)) })),
    ]);
    if (this.#last) this.#history.push(figuresBetween(this.#last, readings));
    this.#history.splice(0, this.#history.length - KEPT);
    this.#last = readings;
    this.#parts = [...own, ...processes(urls, readings)];
    if (!this.#closed) this.#timer = setTimeout(() => void this.#look(), intervalMs);
  }
}

/** A process that tells its metrics is well; a gateway must be connected to Telegram too. */
function processes(urls: SourceUrls, { gateways, consumer }: Readings): StatusView['parts'] {
  const parts = gateways.map(({ account, samples }) => {
    const connected = samples?.find(({ name }) => name === 'telegram_connection_state')?.value === 1;
    const detail = connected ? 'connected to Telegram' : 'not connected to Telegram';
    return { name: `gateway ${account}`.trim(), ok: connected, detail: samples ? detail : 'does not answer' };
  });
  if (urls.consumer === '') return parts;
  return [...parts, { name: 'consumer', ok: consumer !== null, detail: consumer ? 'answers' : 'does not answer' }];
}
