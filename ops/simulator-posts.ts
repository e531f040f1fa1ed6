import type { PostReceipt } from '../runtime/simulator/editor.js';
import { UserError } from '../stack/errors.js';
import type { RunningStack } from './context.js';

export interface Draft {
  readonly text: string;
  readonly media?: string;
  readonly duplicate?: boolean;
}

/** Where the simulator takes orders. */
export function controlOf({ outputs }: RunningStack): string {
  const control = outputs.services['simulator-control'];
  if (!control) throw new UserError('USAGE', 'this needs the simulator, and the stack talks to the real Telegram');
  return `http://${control.host}:${String(control.port)}`;
}

/** Posts to the simulator's first channel, so many a second; resolves when the last one was sent. */
export async function postMessages(
  stack: RunningStack,
  drafts: readonly Draft[],
  rate: number,
): Promise<PostReceipt[]> {
  const base = controlOf(stack);
  const channels = (await (await fetch(`${base}/channels`)).json()) as { id: string }[];
  const [channel] = channels;
  if (!channel) throw new UserError('RESOURCE_FAILED', 'the simulator has no channel');
  const response = await fetch(`${base}/channels/${channel.id}/messages`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ messages: drafts, ratePerSecond: rate }),
  });
  if (!response.ok)
    throw new UserError(
      'RESOURCE_FAILED',
      `the simulator answered ${String(response.status)}: ${await response.text()}`,
    );
  return (await response.json()) as PostReceipt[];
}
