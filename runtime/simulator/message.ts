export const MEDIA_KINDS = [
  'photo',
  'video',
  'voice',
  'document',
  'webpage',
  'poll',
  'geo',
  'contact',
  'dice',
  'unsupported',
] as const;
export type MediaKind = (typeof MEDIA_KINDS)[number];
/** Without a text a post needs one of these; a link preview belongs to a text. */
export const ALBUM_KINDS = ['photo', 'video'] as const satisfies readonly MediaKind[];

/** What a service message tells: a new title, a pinned post, a removed photo, how long posts live. */
export const SERVICE_KINDS = ['title', 'pin', 'photoRemoved', 'ttl'] as const;
export type ServiceKind = (typeof SERVICE_KINDS)[number];

/** One state of a post; an edit makes a new one. */
export interface WorldMessage {
  readonly id: number;
  /** Unix seconds. */
  readonly date: number;
  /** Moves with every edit, also with one that only counts reactions. */
  readonly editDate: number | null;
  /** Telegram shows no "edited" mark: the last edit changed counters, not content. */
  readonly editHide: boolean;
  /** At most 4096 UTF-16 units; may hold U+0000. Of a service message: the new title. */
  readonly text: string;
  readonly media: MediaKind | null;
  /** Signed 64-bit, decimal; the posts of one album have the same. */
  readonly groupedId: string | null;
  readonly service: ServiceKind | null;
  readonly views: number;
  /** How many people gave a thumb. */
  readonly reactions: number;
}

/** What whoever posts decides. */
export interface PostContent {
  readonly text: string;
  readonly media?: MediaKind | null;
  readonly groupedId?: string | null;
  readonly service?: ServiceKind | null;
}

/** What is told of a post without changing it. */
export interface Counters {
  readonly views?: number | undefined;
  readonly reactions?: number | undefined;
}

/** A post as it is made. Also what a journal of an older version leaves out. */
export const NEW_MESSAGE = {
  editDate: null,
  editHide: false,
  media: null,
  groupedId: null,
  service: null,
  views: 1,
  reactions: 0,
} satisfies Partial<WorldMessage>;
