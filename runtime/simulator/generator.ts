import type { Channel } from './channel.js';
import { pace } from './pace.js';
import { seededRandom, type Random } from './random.js';
import { generatePost, type GeneratedPost } from './text.js';
import type { World } from './world.js';

/** Posts to random channels at a steady rate. Seeded: the same seed makes the same posts in the same order. */
export class Generator {
  readonly #random: Random;
  #rate = 0;
  #running = new AbortController();

  constructor(
    private readonly world: World,
    private readonly post: (channel: Channel, post: GeneratedPost) => void,
    seed: number,
  ) {
    this.#random = seededRandom(seed);
  }

  /** Posts per second. */
  get rate(): number {
    return this.#rate;
  }

  /** 0 stops it. Takes effect at once. */
  setRate(rate: number): void {
    this.#running.abort();
    this.#rate = rate;
    if (rate === 0) return;
    this.#running = new AbortController();
    const { signal } = this.#running;
    void pace({ rate, count: Infinity, skipLate: true, signal }, () => {
      this.#one();
    });
  }

  stop(): void {
    this.setRate(0);
  }

  #one(): void {
    const { channels } = this.world;
    const channel = channels[Math.floor(this.#random() * channels.length)];
    if (channel) this.post(channel, generatePost(this.#random));
  }
}
