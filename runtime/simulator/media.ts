import { createHash } from 'node:crypto';
import { Api } from 'telegram/tl';
import { DC_ID } from './keys.js';
import type { MediaKind, WorldMessage } from './message.js';
import { long } from './tl.js';

/** What every file has. */
interface FileIdentity {
  readonly id: Api.long;
  readonly accessHash: Api.long;
  readonly fileReference: Buffer;
  readonly date: number;
  readonly dcId: number;
}

type Maker = (file: FileIdentity, message: WorldMessage) => Api.TypeMessageMedia;

/** Ids and file references of media follow from the post, so that every copy of it is the same. */
export function mediaObject(channelId: number, message: WorldMessage, kind: MediaKind): Api.TypeMessageMedia {
  const seed = createHash('sha256')
    .update(`${kind} ${String(channelId)}:${String(message.id)}`)
    .digest();
  const file = {
    id: long(seed.readBigInt64LE(0)),
    accessHash: long(seed.readBigInt64LE(8)),
    fileReference: seed.subarray(16, 32),
    date: message.date,
    dcId: DC_ID,
  };
  return MAKERS[kind](file, message);
}

function document(
  file: FileIdentity,
  mimeType: string,
  ...attributes: Api.TypeDocumentAttribute[]
): Api.MessageMediaDocument {
  return new Api.MessageMediaDocument({
    document: new Api.Document({ ...file, mimeType, size: long(128_000), attributes }),
  });
}

const text = (words: string) => new Api.TextWithEntities({ text: words, entities: [] });

const MAKERS: Readonly<Record<MediaKind, Maker>> = {
  photo: (file) => {
    const sizes = [new Api.PhotoSize({ type: 'x', w: 800, h: 600, size: 64_000 })];
    return new Api.MessageMediaPhoto({ photo: new Api.Photo({ ...file, sizes }) });
  },
  video: (file) => document(file, 'video/mp4', new Api.DocumentAttributeVideo({ duration: 12.5, w: 1_280, h: 720 })),
  voice: (file) => document(file, 'audio/ogg', new Api.DocumentAttributeAudio({ voice: true, duration: 7 })),
  document: (file, { id }) =>
    document(file, 'application/pdf', new Api.DocumentAttributeFilename({ fileName: `report-${String(id)}.pdf` })),
  webpage: ({ id }) =>
    new Api.MessageMediaWebPage({
      webpage: new Api.WebPage({
        id,
        url: 'https://example.org/',
        displayUrl: 'example.org',
        hash: 0,
        title: 'Example',
      }),
    }),
  poll: ({ id }) =>
    new Api.MessageMediaPoll({
      poll: new Api.Poll({
        id,
        question: text('Which?'),
        answers: ['this', 'that'].map((words, n) => new Api.PollAnswer({ text: text(words), option: Buffer.of(n) })),
      }),
      results: new Api.PollResults({}),
    }),
  geo: ({ accessHash }) => new Api.MessageMediaGeo({ geo: new Api.GeoPoint({ long: 13.4, lat: 52.5, accessHash }) }),
  contact: () =>
    new Api.MessageMediaContact({
      phoneNumber: '99966000001',
      firstName: 'Simulated',
      lastName: 'Contact',
      vcard: '',
      userId: long(0),
    }),
  dice: ({ fileReference }) => new Api.MessageMediaDice({ value: 1 + ((fileReference[0] ?? 0) % 6), emoticon: '🎲' }),
  unsupported: () => new Api.MessageMediaUnsupported(),
};
