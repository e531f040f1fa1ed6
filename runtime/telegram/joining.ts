/**
 * Joins the channels that people have asked for, one after the other, within the request budget.
 *
 * Promised: every request ends as `done` with the channel's id, or as `refused` with Telegram's own word for it; until then its
 *   `detail` says what it waits for. A restart in between does no harm: joining twice is joining.
 * Not promised: that a channel whose owner has to agree is read before he did.
 * On failure: what may pass (a flood wait, a lost connection, the database) is tried again at the next look.
 *
 *   open → resolve the name → owned by another account? refused
 *                           → join → done → the channels are listed anew, and with them it is read
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '../logger.js';
import { TelegramError, type ChannelInfo } from './client.js';
import type { RequestBudget } from './request-budget.js';

export interface OpenRequest {
  readonly requestId: string;
  readonly username: string;
}

export type RequestEnd =
  { readonly status: 'done'; readonly channelId: string } | { readonly status: 'refused'; readonly detail: string };

/** Where the wishes stand. */
export interface ChannelRequestStore {
  /** Oldest first, a handful. */
  open(accountId: string): Promise<readonly OpenRequest[]>;
  /** Another account that reads the channel; null when none does. */
  otherOwner(accountId: string, channelId: string): Promise<string | null>;
  /** What an open request waits for. */
  note(requestId: string, detail: string): Promise<void>;
  finish(requestId: string, end: RequestEnd): Promise<void>;
}

export interface JoiningOptions {
  readonly accountId: string;
  readonly requests: ChannelRequestStore;
  readonly budget: Pick<RequestBudget, 'turn'>;
  readonly online: () => boolean;
  /** A channel was joined: the list of channels is another one. */
  readonly onJoined: () => void;
  readonly logger: Logger;
  readonly signal: AbortSignal;
  /** How often it is looked for requests, in ms. @default 5000 */
  readonly lookMs?: number;
}

/** Telegram's names for what another try does not change. */
const REFUSAL = /^(USERNAME|CHANNEL|CHANNELS|CHAT|INVITE|USER|PEER|MSG_ID)_/;
const ALREADY = 'USER_ALREADY_PARTICIPANT';

/** Never ends by itself; `signal` ends it. */
export async function joinChannels(options: JoiningOptions): Promise<void> {
  const { accountId, requests, online, logger, signal, lookMs = 5_000 } = options;
  const stopped = () => signal.aborted;
  while (!stopped()) {
    try {
      if (online()) for (const request of await requests.open(accountId)) await attempt(request, options);
    } catch (error) {
      if (!stopped()) logger.warn({ err: error }, 'requests for channels cannot be looked after');
    }
    await delay(lookMs, undefined, { signal }).catch(() => undefined);
  }
}

async function attempt(request: OpenRequest, options: JoiningOptions): Promise<void> {
  const { requests, logger, onJoined } = options;
  try {
    const end = await fulfil(request, options);
    await requests.finish(request.requestId, end);
    logger.info({ ...request, ...end }, 'request for a channel ended');
    if (end.status === 'done') onJoined();
  } catch (error) {
    if (!(error instanceof TelegramError)) throw error;
    logger.warn({ err: error, ...request }, 'a channel cannot be joined yet');
    await requests.note(request.requestId, `waits: ${error.reason}`);
  }
}

async function fulfil({ username }: OpenRequest, options: JoiningOptions): Promise<RequestEnd> {
  const { accountId, requests, budget } = options;
  try {
    return await budget.turn('join', async (turn) => {
      const channel = await turn.call((port) => port.resolveChannel(username));
      if (!channel) return refused('no channel: the name is of a person or a basic group');
      const other = await requests.otherOwner(accountId, channel.id);
      if (other !== null) return refused(`the account "${other}" reads this channel`);
      await turn.call((port) => joined(port.joinChannel(channel)));
      return done(channel);
    });
  } catch (error) {
    if (error instanceof TelegramError && isRefusal(error)) return refused(error.reason);
    throw error;
  }
}

/** Who is a member already has what he wanted. */
async function joined(joining: Promise<void>): Promise<void> {
  await joining.catch((error: unknown) => {
    if (!(error instanceof TelegramError && error.reason === ALREADY)) throw error;
  });
}

function isRefusal({ kind, reason }: TelegramError): boolean {
  return kind === 'channel-gone' || (kind === 'transient' && REFUSAL.test(reason));
}

const done = ({ id }: ChannelInfo): RequestEnd => ({ status: 'done', channelId: id });
const refused = (detail: string): RequestEnd => ({ status: 'refused', detail });
