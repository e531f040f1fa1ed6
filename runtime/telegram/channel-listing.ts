import type { ChannelInfo, ChannelPage, ListingPlace } from './client.js';
import type { Turn } from './request-budget.js';

/** Bounds a listing whose server never says that it is complete; far above the most dialogs an account can have. */
const MAX_PAGES = 200;

export interface Listing {
  readonly channels: readonly ChannelInfo[];
  /** False when the account may be in channels that are not among them. */
  readonly complete: boolean;
}

/** Every channel of the account, page by page, each page paid for from the budget. */
export async function listChannels(turn: Turn): Promise<Listing> {
  const found = new Map<string, ChannelInfo>();
  let complete = true;
  let place: ListingPlace | null = null;
  for (let pages = 0; pages < MAX_PAGES; pages += 1) {
    const from: ListingPlace | null = place;
    const page: ChannelPage = await turn.call((port) => port.getChannels(from));
    for (const channel of page.channels) found.set(channel.id, channel);
    complete &&= page.complete;
    place = page.next;
    if (place === null) return { channels: [...found.values()], complete };
  }
  return { channels: [...found.values()], complete: false };
}
