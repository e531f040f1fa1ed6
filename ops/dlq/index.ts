import { VHOST } from '../../runtime/contract.js';
import { UserError } from '../../stack/errors.js';
import { confirm } from '../confirm.js';
import { runningStack, type RunningStack, type StackOptions } from '../context.js';
import { wholeNumber } from '../number-option.js';
import { print, printJson, say } from '../output.js';
import { databaseAt, sqlOn } from '../sql.js';
import { drop, list, replay, type Listing, type Sides } from './actions.js';
import { DeadLetterQueue } from './dead-letters.js';
import type { Choice } from './dead-work.js';

export interface DlqOptions extends StackOptions {
  readonly group?: string;
  readonly limit: string;
  readonly json?: boolean;
  /** Answers the question. */
  readonly yes?: boolean;
}

/** Lists, replays or drops the events that a consumer group has given up. */
export async function dlq(action: string, options: DlqOptions): Promise<void> {
  const limit = wholeNumber('--limit', options.limit, 1, 10_000);
  if (!['list', 'replay', 'drop'].includes(action))
    throw new UserError('USAGE', `expected list, replay or drop, got "${action}"`);
  const choice = { group: options.group ?? null, limit };
  const stack = await runningStack(options);
  const sql = sqlOn({ ...databaseAt(stack.outputs, 'timescaledb'), query_timeout: 30_000 });
  const letters = await openLetters(stack);
  try {
    await act(action, { sql, letters }, choice, options);
  } finally {
    await letters?.close();
  }
}

async function act(action: string, sides: Sides, choice: Choice, { json, yes }: DlqOptions): Promise<void> {
  if (action === 'list') {
    const listing = await list(sides, choice);
    if (json) printJson(listing);
    else show(listing);
    return;
  }
  if (action === 'replay') {
    const result = await replay(sides, choice);
    if (json) printJson(result);
    const { replayed, finished, unreadable } = result;
    say(`✔ ${String(replayed)} events are due again, ${String(finished)} letters were of events finished since`);
    if (unreadable > 0) say(`  ${String(unreadable)} letters are no events: npm run dlq -- drop`);
    return;
  }
  const { letters, failed } = await list(sides, { ...choice, limit: 1 });
  const what = `up to ${String(choice.limit)} each of ${String(letters ?? 0)} dead letters and ${String(failed)} failed events`;
  if (!yes && !(await confirm(`Drop ${what} for good?`)))
    throw new UserError('USAGE', 'nothing was dropped', { fix: 'Say yes, or call `npm run dlq -- drop --yes`.' });
  const dropped = await drop(sides, choice);
  if (json) printJson(dropped);
  say(`✔ dropped ${String(dropped.letters)} dead letters and ${String(dropped.rows)} failed events`);
  if (dropped.busy > 0) say(`  ${String(dropped.busy)} letters stay: a worker has their events in its hands`);
}

function show({ letters, failed, events }: Listing): void {
  for (const { group, kind, channelId, messageId, version, attempts, error, storedAt } of events)
    print(
      `${storedAt.toISOString()}  ${group}  ${kind}:${channelId}:${messageId}:${String(version)}  ` +
        `${String(attempts)} tries  ${error ?? ''}`,
    );
  const inBroker = letters === null ? 'no broker' : `${String(letters)} dead letters in the broker`;
  say(`${String(failed)} failed events, ${inBroker}`);
  if (failed > 0 || letters) say('next: mend the handler, then npm run dlq -- replay');
}

/** Null where there is no broker. The address of one that somebody else runs names its vhost. */
async function openLetters({ outputs }: RunningStack): Promise<DeadLetterQueue | null> {
  const address = outputs.services['rabbitmq'];
  const { user = '', password = '' } = outputs.logins['rabbitmq'] ?? {};
  if (!address) return null;
  const { protocol, pathname } = new URL(address.url);
  const vhost = pathname.length > 1 ? decodeURIComponent(pathname.slice(1)) : VHOST;
  const { host, port } = address;
  const { tlsAuthorities: authorities } = outputs;
  return DeadLetterQueue.open({ host, port, vhost, tls: protocol === 'amqps:', authorities, user, password });
}
