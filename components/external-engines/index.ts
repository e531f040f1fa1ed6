import * as pulumi from '@pulumi/pulumi';
import { Component } from '../component.js';
import type { Address, Ready } from '../endpoint.js';
import { oneShot } from '../one-shot.js';
import type { StackContext } from '../stack-context.js';

/** What every connection to an engine of somebody else's has. */
interface ExternalLogin {
  readonly tls: boolean;
  /** PEM certificates of the authorities to verify with. @default the well-known ones */
  readonly authorities?: string;
  readonly user: string;
  readonly password: pulumi.Input<string>;
}

export interface ExternalCache extends ExternalLogin {
  readonly sentinels: readonly Address[];
  /** Name under which they know the master. */
  readonly masterName: string;
  readonly sentinelPassword: pulumi.Input<string>;
}

export interface ExternalBroker extends ExternalLogin, Address {
  readonly vhost: string;
  /** Consumer groups that have a queue. */
  readonly groups: readonly string[];
}

export interface ExternalEnginesArgs {
  readonly stack: StackContext;
  /** Null where the cache is the stack's own. */
  readonly cache: ExternalCache | null;
  /** Null where the broker is the stack's own, or there is none. */
  readonly broker: ExternalBroker | null;
}

/**
 * Redis and RabbitMQ that somebody else runs. The cache is asked for its master and written to; the broker gets exchanges,
 * queues and bindings. Both happen once, and again when address, login or authorities change; nothing is ever removed there.
 */
export class ExternalEngines extends Component implements Ready {
  readonly ready: pulumi.Resource[];

  constructor({ stack, cache, broker }: ExternalEnginesArgs, opts?: pulumi.ComponentResourceOptions) {
    super('telegram:data:ExternalEngines', 'telegram-external', opts);
    const ask = (suffix: string, tool: string, input: object) =>
      oneShot(stack, this.child(suffix), { tool, input: pulumi.secret(pulumi.output({ ...input })) }, this.under());
    this.ready = [
      ...(cache ? [ask('cache', 'check-cache', cache)] : []),
      ...(broker ? [ask('broker', 'prepare-broker', broker)] : []),
    ];
    this.registerOutputs({});
  }
}
