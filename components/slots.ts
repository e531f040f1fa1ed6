import type * as pulumi from '@pulumi/pulumi';

/**
 * Both passwords of one machine credential. The slot whose turn the epoch is (`active`) is what clients use from now on; the
 * other stays accepted until the next step.
 */
export interface Slots {
  readonly a: pulumi.Output<string>;
  readonly b: pulumi.Output<string>;
  readonly active: 'a' | 'b';
}

/** The password that clients use. */
export function activeOf(slots: Slots): pulumi.Output<string> {
  return slots[slots.active];
}
