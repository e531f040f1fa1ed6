import { Api } from 'telegram';
import {
  TelegramError,
  type ChannelDifference,
  type ChannelRef,
  type CommonDifference,
  type CommonState,
} from '../client.js';
import { normaliseMessage, normaliseUpdate, normaliseUpdates, present } from '../normalise.js';
import { inputChannel } from './history.js';

export function differenceRequest(channel: ChannelRef, pts: number, limit: number): Api.updates.GetChannelDifference {
  return new Api.updates.GetChannelDifference({
    channel: inputChannel(channel),
    filter: new Api.ChannelMessagesFilterEmpty(),
    pts,
    limit,
  });
}

export function normaliseDifference(result: Api.updates.TypeChannelDifference): ChannelDifference {
  const timeoutS = result.timeout ?? null;
  if (result instanceof Api.updates.ChannelDifferenceEmpty)
    return { type: 'empty', pts: result.pts, final: result.final ?? false, timeoutS };
  if (result instanceof Api.updates.ChannelDifference)
    return {
      type: 'slice',
      pts: result.pts,
      final: result.final ?? false,
      timeoutS,
      newMessages: present(result.newMessages.map(normaliseMessage)),
      otherUpdates: present(result.otherUpdates.map(normaliseUpdate)),
    };
  if (!(result.dialog instanceof Api.Dialog) || typeof result.dialog.pts !== 'number')
    throw new TelegramError('unreadable', 'CHANNEL_DIFFERENCE_WITHOUT_PTS');
  return {
    type: 'tooLong',
    pts: result.dialog.pts,
    topMessageId: String(result.dialog.topMessage),
    timeoutS,
    newMessages: present(result.messages.map(normaliseMessage)),
  };
}

export function commonDifferenceRequest({ pts, qts, date }: CommonState): Api.updates.GetDifference {
  return new Api.updates.GetDifference({ pts, qts, date });
}

/** Messages outside channels are left out, as everywhere. */
export function normaliseCommonDifference(result: Api.updates.TypeDifference): CommonDifference {
  if (result instanceof Api.updates.DifferenceEmpty) return { type: 'empty', date: result.date, seq: result.seq };
  if (result instanceof Api.updates.DifferenceTooLong) return { type: 'tooLong', pts: result.pts };
  const final = result instanceof Api.updates.Difference;
  const { pts, qts, date, seq } = final ? result.state : result.intermediateState;
  const batch = normaliseUpdates(result.otherUpdates, result.chats);
  return { type: 'slice', state: { pts, qts, date, seq }, final, batch };
}
