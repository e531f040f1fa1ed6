import bigInt from 'big-integer';
import { Api } from 'telegram';
import { TelegramError, type ChannelDifference, type ChannelRef } from '../client.js';
import { normaliseMessage, normaliseUpdate, present } from '../normalise.js';

export function differenceRequest(channel: ChannelRef, pts: number, limit: number): Api.updates.GetChannelDifference {
  return new Api.updates.GetChannelDifference({
    channel: new Api.InputChannel({ channelId: bigInt(channel.id), accessHash: bigInt(channel.accessHash) }),
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
    timeoutS,
    newMessages: present(result.messages.map(normaliseMessage)),
  };
}
