import type { Channel } from './channel.js';

const bytesOf = (channels: readonly Channel[]) => channels.reduce((sum, { bytes }) => sum + bytes, 0);

/**
 * Forgets the oldest events of all channels when they take more than `maxBytes` of memory, a hundredth at a time; no
 * channel is left with less than its share of a quarter.
 */
export function forgetOldest(channels: readonly Channel[], maxBytes: number): void {
  const share = maxBytes / (4 * channels.length);
  while (bytesOf(channels) > maxBytes) {
    const candidates = channels.filter(({ bytes }) => bytes > share);
    const oldest = candidates.reduce((a, b) => ((b.log[0]?.at ?? 0) < (a.log[0]?.at ?? 0) ? b : a));
    oldest.forget(Math.ceil(oldest.log.length / 100));
  }
}
