import { z } from 'zod';
import { timestamp } from './fields.js';

export const channelView = z
  .object({
    channelId: z.string(),
    accountId: z.string(),
    title: z.string(),
    username: z.string().nullable(),
    status: z.string().describe('active; paused by a person; left by the account; gone: refused by Telegram.'),
    lastMessageId: z.string().nullable(),
    backfill: z
      .object({ nextId: z.string(), untilId: z.string() })
      .nullable()
      .describe('Ids above `untilId` and below `nextId` are still to be read from the history.'),
    backfillFinishedAt: timestamp.nullable(),
    verifiedUpToId: z.string().nullable().describe('Every id up to this one was compared with Telegram.'),
    verifiedAt: timestamp.nullable(),
  })
  .meta({ id: 'Channel' });

export const channelRequestView = z
  .object({
    requestId: z.string(),
    accountId: z.string(),
    username: z.string(),
    status: z.string().describe('open; done; refused, with the reason in `detail`.'),
    channelId: z.string().nullable(),
    detail: z.string().nullable(),
    requestedAt: timestamp,
    finishedAt: timestamp.nullable(),
  })
  .meta({ id: 'ChannelRequest' });
