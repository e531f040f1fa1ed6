import type { RunningStack } from '../context.js';

/** `telegram-consumer` with the stack's prefix. */
export function container({ outputs }: Pick<RunningStack, 'outputs'>, part: string): string {
  return `${outputs.namePrefix}telegram-${part}`;
}

/** Starts one container again, whatever state it is in. */
export function restart(stack: Pick<RunningStack, 'outputs' | 'hosts'>, part: string): string {
  const name = container(stack, part);
  return stack.hosts.typed(name, `restart ${name}`);
}
