import { ALWAYS_SECRET } from './apply.js';
import { keyOf, type Entry } from './entry.js';
import { StepError } from './errors.js';
import { planRemoval, type Removal } from './plan.js';
import { isInUse } from './resources/docker-client.js';
import { HANDLERS } from './resources/index.js';
import type { Session } from './session.js';

/**
 * Removes entries in reverse order. What something else still uses is tried again after the rest: after an interrupted run
 * the order may not be exact. Every removal is recorded at once; on a failure the rest stays in the state for the next run.
 */
export async function removeEntries(session: Session, doomed: readonly Entry[]): Promise<void> {
  let waiting = planRemoval(doomed);
  while (waiting.length > 0) {
    const postponed: { removal: Removal; error: unknown }[] = [];
    for (const removal of waiting) {
      try {
        session.signal.throwIfAborted();
        await removeOne(session, removal);
      } catch (error) {
        if (session.signal.aborted || !isInUse(error)) throw failure(session, removal.entry, error);
        postponed.push({ removal, error });
      }
    }
    const [first] = postponed;
    if (first !== undefined && postponed.length === waiting.length)
      throw failure(session, first.removal.entry, first.error);
    waiting = postponed.map(({ removal }) => removal);
  }
}

async function removeOne(session: Session, { entry, how }: Removal): Promise<void> {
  const key = keyOf(entry.type, entry.name);
  if (how === 'keep') {
    await session.track(entry, 'keep', 'it is retained', () => Promise.resolve());
  } else if (how === 'skip') {
    await session.track(entry, 'delete', `it goes with ${entry.options.deletedWith ?? ''}`, () => Promise.resolve());
  } else {
    await session.track(entry, 'delete', 'it is no longer wanted', () => remove(session, entry));
  }
  session.state.drop(key);
}

async function remove(session: Session, entry: Entry): Promise<void> {
  const handler = HANDLERS[entry.type];
  if (handler === undefined) throw new StepError(`unknown resource type ${entry.type}`, [], 'ENGINE_UNKNOWN_TYPE');
  const { inputs, outputs, dockerHost } = session.state.unseal(entry);
  for (const key of ALWAYS_SECRET) session.redactor.learn(inputs[key]);
  if (entry.id === '') return;
  const context = session.context(entry, dockerHost, () => undefined);
  await handler.remove?.(context, { id: entry.id, inputs, outputs });
}

function failure(session: Session, entry: Entry, error: unknown): Error {
  const explained = session.explain(entry, error);
  session.emit({ kind: 'failed', type: entry.type, name: entry.name, message: explained.message });
  return explained;
}
