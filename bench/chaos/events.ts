/** The events of stored messages against the exchange and the effects in each group. */
import { eventId } from '../../runtime/events.js';
import { shown } from './contents.js';
import type { Finding, PublishedEvent, StoredMessage } from './evidence.js';

/** The events that a stored message must have caused, with their text. */
export function eventsOf({ channelId, messageId, versions, deleted }: StoredMessage): [string, string][] {
  const events = versions.map(({ version, text }): [string, string] => {
    const kind = version === 1 ? 'message.created' : 'message.edited';
    return [eventId(kind, channelId, messageId, version), text];
  });
  const last = versions.at(-1)?.version ?? 0;
  if (deleted) events.push([eventId('message.deleted', channelId, messageId, last + 1), '']);
  return events;
}

export function comparePublished(
  events: ReadonlyMap<string, string>,
  published: ReadonlyMap<string, PublishedEvent>,
): Finding[] {
  const findings: Finding[] = [];
  for (const [of, text] of events) {
    const event = published.get(of);
    if (!event) findings.push({ what: 'unpublished', of, detail: 'never seen on the exchange' });
    else if (event.text !== text) findings.push({ what: 'published altered', of, detail: shown(event.text) });
  }
  for (const of of published.keys())
    if (!events.has(of))
      findings.push({ what: 'unknown event published', of, detail: 'the database has no such event' });
  return findings;
}

export function compareEffects(
  events: ReadonlyMap<string, string>,
  group: string,
  counts: ReadonlyMap<string, number>,
): Finding[] {
  const findings: Finding[] = [];
  for (const of of events.keys()) {
    const count = counts.get(of) ?? 0;
    if (count === 0) findings.push({ what: 'unhandled', of, detail: `no effect in group ${group}` });
    if (count > 1) findings.push({ what: 'doubled', of, detail: `${String(count)} effects in group ${group}` });
  }
  for (const of of counts.keys())
    if (!events.has(of)) findings.push({ what: 'unknown event handled', of, detail: `in group ${group}` });
  return findings;
}
