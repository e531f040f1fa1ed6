import bigInt from 'big-integer';
import { Api } from 'telegram';
import type { ChannelInfo, ChannelPage, ListedPeer, ListingPlace } from '../client.js';
import { normaliseChannel } from '../normalise.js';

type Invoke = <R extends Api.AnyRequest>(request: R) => Promise<R['__response']>;

const PAGE = 100;
/** The main list and the archive: an archived channel is received like any other. */
const FOLDERS = [0, 1] as const;

/** One page of the channels and supergroups of the account, with the `pts` of each dialog. */
export async function listPage(invoke: Invoke, place: ListingPlace | null): Promise<ChannelPage> {
  const { folder, below } = place ?? { folder: FOLDERS[0], below: null };
  const result = await invoke(
    new Api.messages.GetDialogs({
      offsetDate: below?.date ?? 0,
      offsetId: below?.messageId ?? 0,
      offsetPeer: below ? inputPeer(below.peer) : new Api.InputPeerEmpty(),
      folderId: folder,
      limit: PAGE,
      hash: bigInt.zero,
    }),
  );
  const nextFolder = FOLDERS.find((other) => other > folder);
  const rest = nextFolder === undefined ? null : { folder: nextFolder, below: null };
  if (result instanceof Api.messages.DialogsNotModified) return { channels: [], next: rest, complete: false };
  const channels = channelsOf(result);
  if (!(result instanceof Api.messages.DialogsSlice) || result.dialogs.length === 0)
    return { channels, next: rest, complete: true };
  const next = lowest(result);
  // No way to what is below this page, or the way leads back to where it came from.
  if (next === null || (below !== null && samePlace(next, below))) return { channels, next: rest, complete: false };
  return { channels, next: { folder, below: next }, complete: true };
}

type Page = Api.messages.Dialogs | Api.messages.DialogsSlice;
type Dialog = NonNullable<ListingPlace['below']>;

function channelsOf(page: Page): ChannelInfo[] {
  const dialogs = new Map<string, Api.Dialog>();
  for (const dialog of page.dialogs)
    if (dialog instanceof Api.Dialog && dialog.peer instanceof Api.PeerChannel)
      dialogs.set(dialog.peer.channelId.toString(), dialog);
  return page.chats.flatMap((chat) => {
    // A chat beside the dialogs may be only mentioned, or left: only dialogs count.
    const dialog = dialogs.get(chat.id.toString());
    if (!dialog || (chat instanceof Api.Channel && chat.left)) return [];
    const channel = normaliseChannel(chat, dialog.pts ?? null);
    return channel ? { ...channel, topMessageId: String(dialog.topMessage) } : [];
  });
}

/** The last dialog of the page whose top message and peer are known. */
function lowest(page: Api.messages.DialogsSlice): Dialog | null {
  for (const dialog of page.dialogs.toReversed()) {
    const top = page.messages.find(
      (message) => message.id === dialog.topMessage && samePeer(message.peerId, dialog.peer),
    );
    const peer = listedPeer(dialog.peer, page);
    if (!top || top instanceof Api.MessageEmpty || !peer) continue;
    return { date: top.date, messageId: dialog.topMessage, peer };
  }
  return null;
}

function samePeer(a: Api.TypePeer | undefined, b: Api.TypePeer): boolean {
  return a !== undefined && a.getBytes().equals(b.getBytes());
}

/** Message ids count per channel: only peer and id together tell one dialog from another. */
function samePlace(a: Dialog, b: Dialog): boolean {
  return a.messageId === b.messageId && a.peer.type === b.peer.type && a.peer.id === b.peer.id;
}

function listedPeer(peer: Api.TypePeer, page: Api.messages.DialogsSlice): ListedPeer | null {
  if (peer instanceof Api.PeerChat) return { type: 'chat', id: peer.chatId.toString(), accessHash: '0' };
  if (peer instanceof Api.PeerUser) {
    const user = page.users.find((candidate) => candidate.id.equals(peer.userId));
    if (!(user instanceof Api.User) || !user.accessHash) return null;
    return { type: 'user', id: user.id.toString(), accessHash: user.accessHash.toString() };
  }
  const channel = page.chats.find((candidate) => candidate.id.equals(peer.channelId));
  if (!(channel instanceof Api.Channel) || !channel.accessHash) return null;
  return { type: 'channel', id: channel.id.toString(), accessHash: channel.accessHash.toString() };
}

function inputPeer({ type, id, accessHash }: ListedPeer): Api.TypeInputPeer {
  if (type === 'chat') return new Api.InputPeerChat({ chatId: bigInt(id) });
  const hash = bigInt(accessHash);
  if (type === 'user') return new Api.InputPeerUser({ userId: bigInt(id), accessHash: hash });
  return new Api.InputPeerChannel({ channelId: bigInt(id), accessHash: hash });
}
