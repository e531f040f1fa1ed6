import { createHash } from 'node:crypto';

const digestOf = (words: string) => createHash('sha256').update(words).digest().readBigInt64LE();

/** Of a channel. Random-looking, yet the same in every world: sessions and stored channels stay valid. */
export const accessHash = (id: number): string => digestOf(`access hash ${String(id)}`).toString();

/** Of an album. Above 2^53, as Telegram's are. */
export function groupId(channelId: number, firstId: number): string {
  return (BigInt.asUintN(62, digestOf(`album ${String(channelId)}:${String(firstId)}`)) | (1n << 60n)).toString();
}
