import { z } from 'zod';
import { timestamp } from './fields.js';

const sent = {
  channelId: z.string(),
  messageId: z.string(),
  postedAt: timestamp,
  receivedAt: timestamp,
  source: z.string().describe('How it came: push, difference, backfill or reconcile.'),
  kind: z.string().describe('message or service.'),
  text: z.string().describe('Of the newest version.'),
  mediaType: z.string().nullable(),
  senderId: z.string().nullable(),
  groupedId: z.string().nullable(),
  version: z.number().describe('1 as first seen, one more an edit.'),
  editedAt: timestamp.nullable(),
  deletedAt: timestamp.nullable().describe('When the deletion was heard of; the message stays.'),
};

export const message = z.object(sent).meta({ id: 'Message' });

export const messageWithVersions = z.object({
  ...sent,
  versions: z.array(
    z.object({
      version: z.number(),
      editedAt: timestamp.nullable(),
      receivedAt: timestamp,
      text: z.string(),
      mediaType: z.string().nullable(),
    }),
  ),
});
