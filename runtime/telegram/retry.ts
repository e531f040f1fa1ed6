import type { TelegramErrorKind } from './client.js';

/** In ms: the first pause, the longest, and that of a channel which Telegram refuses. */
export interface RetryPauses {
  readonly first: number;
  readonly longest: number;
  readonly gone: number;
}

export const RETRY_PAUSES: RetryPauses = { first: 1_000, longest: 30_000, gone: 600_000 };

/** When a failed step is tried again: soon and then later and later for what passes, late for what may not. */
export class Retry {
  #failures = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly again: () => void,
    private readonly pauses: RetryPauses = RETRY_PAUSES,
  ) {}

  get waiting(): boolean {
    return this.#timer !== undefined;
  }

  /** Returns the pause. */
  later(kind: TelegramErrorKind | 'refused'): number {
    this.cancel();
    const pauseMs = this.#pauseMs(kind);
    this.#failures += 1;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.again();
    }, pauseMs);
    return pauseMs;
  }

  cancel(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  succeeded(): void {
    this.#failures = 0;
  }

  #pauseMs(kind: TelegramErrorKind | 'refused'): number {
    const { first, longest, gone } = this.pauses;
    if (kind === 'channel-gone') return gone;
    return passes(kind) ? Math.min(first * 2 ** this.#failures, longest) : longest;
  }
}

/** True for what the next try may well not meet again. */
export function passes(kind: TelegramErrorKind | 'refused'): boolean {
  return kind === 'transient' || kind === 'timeout' || kind === 'flood';
}
