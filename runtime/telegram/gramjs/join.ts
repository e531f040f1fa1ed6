import { Api } from 'telegram';
import type { ChannelInfo } from '../client.js';
import { normaliseChannel } from '../normalise.js';

type Invoke = <R extends Api.AnyRequest>(request: R) => Promise<R['__response']>;

/** The channel or supergroup of a public name; null where the name is of a person, a bot or a basic group. */
export async function resolveChannel(invoke: Invoke, username: string): Promise<ChannelInfo | null> {
  const { peer, chats } = await invoke(new Api.contacts.ResolveUsername({ username }));
  if (!(peer instanceof Api.PeerChannel)) return null;
  const chat = chats.find(({ id }) => id.equals(peer.channelId));
  return chat ? normaliseChannel(chat) : null;
}
