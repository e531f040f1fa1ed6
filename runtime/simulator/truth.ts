import type { Channel } from './channel.js';
import type { MediaKind, ServiceKind, WorldMessage } from './message.js';

export interface TrueVersion {
  readonly text: string;
  readonly media: MediaKind | null;
  /** Unix seconds; null for the original. */
  readonly editDate: number | null;
  /** The channel's pts with it. */
  readonly pts: number;
}

/** One message with all that ever became of it. Ids are decimal strings, as everywhere in this project's JSON. */
export interface TrueMessage {
  readonly messageId: string;
  /** Unix seconds. */
  readonly date: number;
  readonly groupedId: string | null;
  readonly service: ServiceKind | null;
  /** Contents in their order; a change of counters alone makes none. */
  readonly versions: readonly TrueVersion[];
  /** The channel's pts when it was deleted; null while it stands. */
  readonly deletedPts: number | null;
}

/** What the log says of every post it made, oldest first. Posts whose own entry was forgotten are left out. */
export function truthOf(channel: Channel): TrueMessage[] {
  const messages = new Map<number, TrueMessage & { versions: TrueVersion[]; deletedPts: number | null }>();
  for (const event of channel.log) {
    if (event.type === 'delete') {
      for (const id of event.ids) {
        const gone = messages.get(id);
        if (gone) gone.deletedPts = event.pts;
      }
      continue;
    }
    const { message, pts } = event;
    const known = messages.get(message.id);
    if (known) {
      const last = known.versions.at(-1);
      if (last && changed(last, message)) known.versions.push(versionOf(message, pts));
    } else if (event.type === 'new') {
      const { id, date, groupedId, service } = message;
      const versions = [versionOf(message, pts)];
      messages.set(id, { messageId: String(id), date, groupedId, service, versions, deletedPts: null });
    }
  }
  return [...messages.values()];
}

const changed = (before: TrueVersion, now: WorldMessage) => before.text !== now.text || before.media !== now.media;

function versionOf({ text, media, editDate }: WorldMessage, pts: number): TrueVersion {
  return { text, media, editDate, pts };
}
