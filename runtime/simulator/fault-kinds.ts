import { z } from 'zod';

const count = z.number().int().min(1).optional().describe('How often; without it until it is removed.');
const seconds = z.number().positive().optional().describe('For how long; without it until it is removed.');
const channelId = z.string().regex(/^\d+$/).optional().describe('Of this channel only; without it of all.');
const method = z.string().min(1).describe('Full name such as updates.GetChannelDifference, or * for all.');
const ms = z.number().int().min(1).max(600_000).describe('Milliseconds.');
const error = { code: z.number().int(), message: z.string().min(1) };

/** A kind with its fields, and what it does. */
function kind<K extends string, F extends z.core.$ZodShape>(name: K, does: string, fields: F) {
  return z.strictObject({ kind: z.literal(name), ...fields }).describe(does);
}

/** Every fault that can be injected. A new one is a row here and one question at the place where it strikes. */
export const faultSchema = z.discriminatedUnion('kind', [
  // Connections.
  kind('kick', 'Closes every connection, once.', {}),
  kind('refuse', 'Closes new connections at once.', { seconds }),
  kind('mute', 'Half-open: reads everything, sends nothing.', { seconds }),
  kind('closeMidPacket', 'Sends the first half of the next packet and closes the connection.', { count }),
  kind('transportError', 'Answers a packet with a transport error, for example 404 (auth key not found).', {
    code: z.number().int().min(1).max(999).default(404),
    count,
  }),
  kind('clockSkew', 'Shifts the clock of the server; every connection begins anew, now and when it is removed.', {
    offsetSeconds: z.number().int().min(-86_400).max(86_400),
  }),
  kind('rotateSalt', 'Takes new salts, once: the next message of every client is refused with bad_server_salt.', {}),

  // Calls.
  kind('rpcError', 'Answers a method with an error, for example 400 CHANNEL_PRIVATE or 500 INTERNAL.', {
    method,
    ...error,
    channelId,
    count,
  }),
  kind('floodWait', 'Answers a method with 420 FLOOD_WAIT_n, n being the seconds.', {
    method,
    seconds: z.number().int().min(1),
    channelId,
    count,
  }),
  kind('errorInContainer', 'Answers a method with an error, in one container in front of the next push (within 1 s).', {
    method,
    ...error,
    count,
  }),
  kind('slow', 'Makes the answer of a method and sends it later.', { method, ms, channelId, count }),
  kind('neverAnswer', 'Runs a method and does not answer.', { method, channelId, count }),
  kind('tooLong', 'Calls a difference of a channel too long.', { channelId, count }),
  kind('commonTooLong', 'Calls a difference of the common box too long.', { count }),
  kind('unreadableDifference', 'Puts an object that the layer does not know into a difference of a channel.', {
    channelId,
    count,
  }),
  kind('unreadableMessage', 'Shows one message as an object that the layer does not know.', {
    channelId: z.string().regex(/^\d+$/),
    messageId: z.string().regex(/^\d+$/),
    where: z
      .enum(['difference', 'everywhere'])
      .default('difference')
      .describe('In differences only, or also in the history, by id and in pushes.'),
  }),
  kind('migrateLogin', 'Sends a QR login on to another data centre.', { dcId: z.number().int().min(1).max(5), count }),

  // Pushes. One fault decides for each push: the oldest that fits.
  kind('dropPushes', 'Pushes nothing; the log has it.', { channelId, count }),
  kind('duplicatePushes', 'Pushes everything twice.', {
    channelId,
    count,
    sameMessageId: z.boolean().default(false).describe('As the server repeats what was not acknowledged.'),
  }),
  kind('holdPushes', 'Holds pushes back until it is removed.', { channelId }),
  kind('reorderPushes', 'Sends so many pushes at a time, the last one first (an incomplete lot after 1 s).', {
    channelId,
    window: z.number().int().min(2).max(100).default(2),
    count,
  }),
  kind('delayPushes', 'Sends pushes later.', { channelId, ms, count }),
  kind('tooLongPushes', 'Pushes updateChannelTooLong in place of the content.', { channelId, count }),
  kind('gzipPushes', 'Packs pushes with gzip.', { channelId, count }),
  kind('unknownInContainer', 'Pushes in a container, behind an object that the layer does not know.', {
    channelId,
    count,
  }),
  kind('unreadablePushes', 'Pushes an update that the layer does not know in place of the content.', {
    channelId,
    count,
  }),
]);

export type Fault = z.output<typeof faultSchema>;
/** A fault as it is asked for: what has a default may be absent. */
export type FaultWish = z.input<typeof faultSchema>;
export type FaultKind = Fault['kind'];
export type FaultOf<K extends FaultKind> = Extract<Fault, { kind: K }>;

/** The kinds that decide what becomes of a push. */
export const PUSH_FAULTS = [
  'dropPushes',
  'duplicatePushes',
  'holdPushes',
  'reorderPushes',
  'delayPushes',
  'tooLongPushes',
  'gzipPushes',
  'unknownInContainer',
  'unreadablePushes',
] as const satisfies readonly FaultKind[];
export type PushFault = FaultOf<(typeof PUSH_FAULTS)[number]>;
