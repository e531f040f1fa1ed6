import bigInt from 'big-integer';
import { Api } from 'telegram';
import type { ChannelInfo } from '../client.js';
import { normaliseChannel } from '../normalise.js';

type Invoke = <R extends Api.AnyRequest>(request: R) => Promise<R['__response']>;

const PAGE = 100;
/** Bounds a listing whose server never says that it is complete; far above the most dialogs an account can have. */
const MAX_PAGES = 200;
/** The main list and the archive: an archived channel is received like any other. */
const FOLDERS = [0, 1] as const;

/** Every channel and supergroup of the account, with the `pts` of its dialog. */
export async function listChannels(invoke: Invoke): Promise<ChannelInfo[]> {
  const found = new Map<string, ChannelInfo>();
  for (const folderId of FOLDERS) {
    let offset = { offsetDate: 0, offsetId: 0, offsetPeer: new Api.InputPeerEmpty() as Api.TypeInputPeer };
    for (let page = 0; page < MAX_PAGES; page += 1) {
      const result = await invoke(new Api.messages.GetDialogs({ ...offset, folderId, limit: PAGE, hash: bigInt.zero }));
      if (result instanceof Api.messages.DialogsNotModified) break;
      for (const channel of channelsOf(result)) found.set(channel.id, channel);
      const next = result instanceof Api.messages.DialogsSlice ? nextOffset(result) : null;
      if (!next || next.offsetId === offset.offsetId) break;
      offset = next;
    }
  }
  return [...found.values()];
}

type Page = Api.messages.Dialogs | Api.messages.DialogsSlice;

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

/** Where the next page begins: at the last dialog whose top message and peer are known. */
function nextOffset(page: Api.messages.DialogsSlice) {
  for (const dialog of page.dialogs.toReversed()) {
    const top = page.messages.find(
      (message) => message.id === dialog.topMessage && samePeer(message.peerId, dialog.peer),
    );
    const offsetPeer = inputPeer(dialog.peer, page);
    if (!top || top instanceof Api.MessageEmpty || !offsetPeer) continue;
    return { offsetDate: top.date, offsetId: dialog.topMessage, offsetPeer };
  }
  return null;
}

function samePeer(a: Api.TypePeer | undefined, b: Api.TypePeer): boolean {
  return a !== undefined && a.getBytes().equals(b.getBytes());
}

function inputPeer(peer: Api.TypePeer, page: Api.messages.DialogsSlice): Api.TypeInputPeer | null {
  if (peer instanceof Api.PeerChat) return new Api.InputPeerChat({ chatId: peer.chatId });
  if (peer instanceof Api.PeerUser) {
    const user = page.users.find((candidate) => candidate.id.equals(peer.userId));
    if (!(user instanceof Api.User) || !user.accessHash) return null;
    return new Api.InputPeerUser({ userId: user.id, accessHash: user.accessHash });
  }
  const channel = page.chats.find((candidate) => candidate.id.equals(peer.channelId));
  if (!(channel instanceof Api.Channel) || !channel.accessHash) return null;
  return new Api.InputPeerChannel({ channelId: channel.id, accessHash: channel.accessHash });
}
