import { GramjsTelegram, type GramjsOptions } from '../../../../runtime/telegram/gramjs.js';
import { createLogger } from '../../../../runtime/logger.js';
import type { ConnectionState, UpdateBatch } from '../../../../runtime/telegram/client.js';
import type { Simulator } from '../../../../runtime/simulator/simulator.js';

const DEADLINE_MS = 30_000;

/** The gateway's own adapter, pointed at a simulator, and everything that it was told. */
export class Listener {
  readonly batches: UpdateBatch[] = [];
  readonly unreadable: string[] = [];
  readonly states: ConnectionState[] = [];
  readonly port: GramjsTelegram;

  constructor(simulator: Simulator, options: Partial<GramjsOptions> = {}) {
    this.port = new GramjsTelegram({
      apiId: 1,
      apiHash: 'simulator',
      session: simulator.session,
      endpoint: { host: '127.0.0.1', port: simulator.mtprotoPort },
      logger: createLogger('test', 'silent'),
      ...options,
    });
    this.port.onUpdates((batch) => this.batches.push(batch));
    this.port.onUnreadable((where) => this.unreadable.push(where));
    this.port.onState((state) => this.states.push(state));
  }

  async connect(): Promise<this> {
    await this.port.connect(DEADLINE_MS);
    return this;
  }

  /** Texts of the posts, in the order in which they arrived. */
  get texts(): string[] {
    return this.batches.flatMap(({ updates }) =>
      updates.flatMap((update) => (update.type === 'new' ? [update.message.text] : [])),
    );
  }

  get tooLong() {
    return this.batches.flatMap(({ tooLong }) => tooLong);
  }
}
