import { SPARED_BY_CONTAINERS, type Node } from './graph.js';

/** What a run would do to a resource; `protect` is a change of what `destroy` does with it. */
export type Effect = 'create' | 'delete' | 'update' | 'replace' | 'protect';

/**
 * What both engines would do for the step from one graph to the other, as `<effect> <name>`. Where every resource of a group
 * goes through the same, one line stands for them: `replace every Container`. Components exist in the program only.
 */
export function changesBetween(before: Map<string, Node>, after: Map<string, Node>): string[] {
  const keys = [...new Set([...before.keys(), ...after.keys()])].filter((key) => !key.startsWith('telegram:')).sort();
  const effects = keys.flatMap((key) => {
    const [one, other] = [before.get(key), after.get(key)];
    const node = one ?? other;
    const effect = effectOf(one, other);
    return node && effect ? [{ node, effect }] : [];
  });
  const nodes = keys.flatMap((key) => before.get(key) ?? after.get(key) ?? []);
  return [...new Set(effects.map(({ node, effect }) => `${effect} ${wholeGroup(node, effect) ?? node.name}`))].sort();

  function wholeGroup(node: Node, effect: Effect): string | null {
    const group = groupOf(node);
    const members = nodes.filter((other) => groupOf(other) === group);
    const alike = effects.filter((other) => groupOf(other.node) === group && other.effect === effect);
    return members.length > 3 && alike.length === members.length ? `every ${group}` : null;
  }
}

/** Resources that belong together: those of a type, and the secrets of a slot. */
function groupOf({ type, name }: Node): string {
  const slot = /^secrets-.*-([ab])(?:-salt)?$/.exec(name)?.[1];
  return slot ? `secret of slot ${slot}` : (type.split(':').at(-1) ?? type);
}

function effectOf(before: Node | undefined, after: Node | undefined): Effect | null {
  if (!before) return 'create';
  if (!after) return 'delete';
  const ignored = (after.options['ignoreChanges'] ?? []) as readonly string[];
  const changed = changedInputs(before, after).filter((key) => !ignored.includes(key));
  const kept = ({ options }: Node) => JSON.stringify([options['protect'], options['retainOnDelete']]);
  if (changed.length === 0) return kept(before) === kept(after) ? null : 'protect';
  return replaces(after, changed) ? 'replace' : 'update';
}

/** Names of the inputs that differ; one whose secret alone differs counts by the fingerprint of the whole. */
function changedInputs(before: Node, after: Node): string[] {
  const keys = [...new Set([...Object.keys(before.inputs), ...Object.keys(after.inputs)])];
  const changed = keys.filter((key) => JSON.stringify(before.inputs[key]) !== JSON.stringify(after.inputs[key]));
  return changed.length === 0 && before.fingerprint !== after.fingerprint ? ['secret'] : changed;
}

/** Rules of the providers; the embedded engine's are the same, but that it refuses a changed volume or a network in use. */
function replaces({ type }: Node, changed: readonly string[]): boolean {
  switch (type.split(':').at(-1)) {
    case 'Container':
      return !changed.every((key) => SPARED_BY_CONTAINERS.includes(key));
    case 'Command':
    case 'CopyToRemote':
      return changed.includes('triggers');
    case 'docker':
      return false;
    default:
      return true;
  }
}
