/**
 * Brings one resource to what the program says.
 * Promised: inputs are checked before anything is touched; the state is written after each step that changed something outside.
 * On failure: the state says what is there; what was good before stays recorded as it was, so that the next run tries again.
 */
import * as pulumi from '@pulumi/pulumi';
import { canonical } from './canonical.js';
import { keyOf, type Entry, type Sealed } from './entry.js';
import { EngineError, StepError } from './errors.js';
import { hashInputs } from './hash.js';
import { reveal, type Revealed, type Values } from './inputs.js';
import { changedKeys, decide, keepIgnored, type Live, type ResourceOptions, type Step } from './plan.js';
import type { Applied, Handler, Stored } from './resources/handler.js';
import { HANDLERS } from './resources/index.js';
import type { Session } from './session.js';

export interface Request {
  readonly type: string;
  readonly name: string;
  /** As the mocks interface hands them over: secrets and assets still wrapped. */
  readonly inputs: Values;
  readonly options: ResourceOptions;
  /** Daemon of the resource's provider. */
  readonly dockerHost: string;
}

/** Something else failed while this resource waited for its turn. */
export class Halted extends Error {}

/** Inputs that are never shown, whether the program marked them secret or not. */
export const ALWAYS_SECRET = ['stdin', 'connection'];

/** One resource with everything that is known about it. */
interface Work extends Request {
  readonly handler: Handler;
  readonly revealed: Revealed;
  /** What is applied: the program's inputs, with the stored ones where changes are to be ignored. */
  readonly wanted: Values;
  readonly hash: string;
  readonly entry: Entry | undefined;
  readonly stored: Sealed | undefined;
}

export async function applyResource(
  session: Session,
  request: Request,
): Promise<{ id: string; state: Record<string, unknown> }> {
  const work = await prepare(session, request);
  const gate = work.handler.heavy === true ? session.heavyGate : session.gate;
  const applied = await gate.run(async () => {
    session.signal.throwIfAborted();
    if (session.isHalted) throw new Halted();
    const step = decide({
      entry: work.entry,
      hash: work.hash,
      changed: changedKeys(work.stored?.inputs ?? {}, work.wanted),
      rules: work.handler.rules,
      options: work.options,
      live: await probe(session, work),
    });
    return take(session, work, step);
  });
  return { id: applied.id, state: visible(work, applied.outputs) };
}

async function prepare(session: Session, request: Request): Promise<Work> {
  const { type, name, inputs, options } = request;
  const handler = HANDLERS[type];
  if (handler === undefined) {
    throw new EngineError(
      'ENGINE_UNKNOWN_TYPE',
      `${name}: the embedded engine does not know the resource type ${type}`,
    );
  }
  const revealed = await reveal(inputs);
  for (const key of ALWAYS_SECRET) session.redactor.learn(revealed.values[key]);
  const entry = session.state.get(keyOf(type, name));
  const stored = entry && session.state.unseal(entry);
  if (type.startsWith('docker:') && stored !== undefined && stored.dockerHost !== request.dockerHost) {
    throw new StepError(`it was made on ${stored.dockerHost}, not on ${request.dockerHost}`, [], 'ENGINE_REFUSED');
  }
  const wanted = stored ? keepIgnored(options.ignoreChanges, stored.inputs, revealed.values) : revealed.values;
  handler.check(wanted);
  return { ...request, handler, revealed, wanted, hash: hashInputs(session.state.key, type, wanted), entry, stored };
}

async function probe(session: Session, work: Work): Promise<Live> {
  const previous = previousOf(work);
  if (previous === undefined || previous.id === '' || work.handler.probe === undefined) return { there: 'running' };
  return work.handler.probe(session.context(work, work.dockerHost, noCheckpoint), previous);
}

function previousOf({ entry, stored }: Work): Stored<unknown> | undefined {
  return entry && stored && { id: entry.id, inputs: stored.inputs, outputs: stored.outputs };
}

async function take(session: Session, work: Work, step: Step): Promise<Applied> {
  const previous = previousOf(work);
  const { handler } = work;
  const context = session.context(work, work.dockerHost, (id) => {
    save(session, work, 'pending', { id, outputs: {} });
  });
  const made = async (): Promise<Applied> => handler.create(context, { inputs: work.wanted, previous });
  const finish = async (action: 'create' | 'update' | 'replace', run: () => Promise<Applied>): Promise<Applied> =>
    session.track(work, action, step.reason, async () => save(session, work, 'ready', await run()));
  switch (step.action) {
    case 'refuse':
      throw new StepError(step.reason, [], 'ENGINE_REFUSED');
    case 'same':
    case 'store':
      return keep(session, work, step);
    case 'create':
      return finish('create', made);
    case 'update':
      return finish('update', async () =>
        (handler.update ?? handler.create)(context, { inputs: work.wanted, previous }),
      );
    case 'start':
      return finish('update', async () => startAgain(session, work, context));
    case 'replace':
      return finish('replace', async () => {
        if (work.entry?.status === 'ready' && work.options.deleteBeforeReplace === true)
          await undo(session, work, context);
        await clear(session, work, context);
        return made();
      });
  }
}

/** Nothing happens outside; options such as `protect` may have changed and are stored. */
async function keep(session: Session, work: Work, step: Step): Promise<Applied> {
  const { entry, stored } = work;
  if (entry === undefined || stored === undefined) throw new Error(`${work.name} has no state to keep`);
  const applied = { id: entry.id, outputs: stored.outputs };
  const isSame = step.action === 'same' && canonical(entry.options) === canonical(keptOptions(work.options));
  if (isSame) return session.track(work, 'same', '', () => Promise.resolve(applied));
  const action = step.action === 'same' ? 'same' : 'update';
  return session.track(work, action, step.reason, () => Promise.resolve(save(session, work, 'ready', applied)));
}

/** A container that cannot start as it is (its network was made anew, say) is replaced. */
async function startAgain(session: Session, work: Work, context: Parameters<Handler['create']>[0]): Promise<Applied> {
  const previous = previousOf(work);
  if (previous !== undefined && work.handler.start !== undefined) {
    try {
      return await work.handler.start(context, { ...previous, inputs: work.wanted });
    } catch (error) {
      session.signal.throwIfAborted();
      context.line(
        `does not start as it is (${error instanceof Error ? error.message : String(error)}): it is replaced`,
      );
    }
  }
  await clear(session, work, context);
  return work.handler.create(context, { inputs: work.wanted, previous });
}

/** What has no place to clear, such as a command, is undone by its old inputs, and it is recorded that it is gone. */
async function undo(session: Session, work: Work, context: Parameters<Handler['create']>[0]): Promise<void> {
  const previous = previousOf(work);
  const { handler } = work;
  if (handler.clear !== undefined || handler.remove === undefined || previous === undefined || previous.id === '')
    return;
  for (const key of ALWAYS_SECRET) session.redactor.learn(work.stored?.inputs[key]);
  await handler.remove(context, previous);
  save(session, work, 'pending', { id: '', outputs: {} });
}

/** Removes what is in the way of the new one, gracefully by its own old settings, and records that it is gone. */
async function clear(session: Session, work: Work, context: Parameters<Handler['create']>[0]): Promise<void> {
  const previous = previousOf(work);
  if (work.handler.clear === undefined || previous === undefined || previous.id === '') return;
  await work.handler.clear(context, previous);
  save(session, work, 'pending', { id: '', outputs: {} });
}

function save(session: Session, work: Work, status: Entry['status'], applied: Applied): Applied {
  const { type, name, hash, entry, handler, options } = work;
  const order = entry?.order ?? session.state.get(keyOf(type, name))?.order ?? session.state.nextOrder();
  // What a command says is no secret by itself: its words would be taken out of every message.
  for (const key of handler.secretOutputs ?? []) session.redactor.learn(applied.outputs[key]);
  session.state.put(
    { type, name, id: applied.id, hash, status, order, options: keptOptions(options) },
    { inputs: work.wanted, outputs: applied.outputs, dockerHost: work.dockerHost },
  );
  return applied;
}

function keptOptions({ protect, retainOnDelete, deletedWith }: ResourceOptions): Entry['options'] {
  return {
    ...(protect !== undefined && { protect }),
    ...(retainOnDelete !== undefined && { retainOnDelete }),
    ...(deletedWith !== undefined && { deletedWith }),
  };
}

/** What the program sees: its inputs back, as from a real provider, and the outputs; secrets stay secrets. */
function visible(work: Work, outputs: Values): Record<string, unknown> {
  const { revealed, wanted, handler, options } = work;
  const state: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(wanted)) {
    const isOwn = canonical(value) === canonical(revealed.values[key]);
    state[key] = isOwn ? work.inputs[key] : revealed.secretKeys.includes(key) ? pulumi.secret(value) : value;
  }
  // As with the real provider: what comes out of a secret is one. A connection is always secret and says nothing about it.
  const isDerived = revealed.secretKeys.some((key) => key !== 'connection');
  const secret = new Set([
    ...(handler.secretOutputs ?? []),
    ...(isDerived ? (handler.derivedOutputs ?? []) : []),
    ...options.additionalSecretOutputs,
  ]);
  for (const [key, value] of Object.entries(outputs)) state[key] = secret.has(key) ? pulumi.secret(value) : value;
  return state;
}

function noCheckpoint(): void {
  // Looking makes nothing.
}
