import { Api } from 'telegram/tl';
import type { Logger } from '../logger.js';
import type { Faults } from './faults.js';
import { accountMethods } from './methods/account.js';
import { channelMethods } from './methods/channels.js';
import { messageMethods } from './methods/messages.js';
import { updateMethods } from './methods/updates.js';
import { RpcFailure } from './rpc-failure.js';
import type { Stats } from './stats.js';
import { serialiseReply, type Reply, type TlObject } from './tl.js';
import type { World } from './world.js';

/** What a method gets to know beside its request. */
export interface Call {
  readonly world: World;
  /** Null before anyone has logged in with the caller's auth key. */
  readonly userId: number | null;
  /** Where the data centre is, for `help.getConfig`. */
  readonly address: { readonly host: string; readonly port: number };
}

/** `never` lets every method name the request class it takes. */
export type Methods = Readonly<Record<string, (request: never, call: Call) => Reply>>;

const METHODS: Methods = { ...accountMethods, ...channelMethods, ...messageMethods, ...updateMethods };
/** What may be called before logging in. */
const PUBLIC = /^(help|auth)\./;

/**
 * Answers calls by their class name. Promised: every call gets exactly one answer, and a method that does not exist is
 * both an error to the client and a name in the statistics, so that a test can fail on it.
 */
export class Dispatcher {
  constructor(
    private readonly faults: Faults,
    private readonly stats: Stats,
    private readonly logger: Logger,
  ) {}

  /** The body of the `rpc_result`. */
  answer(request: TlObject, call: Call): Buffer {
    this.stats.call(request.className);
    try {
      return serialiseReply(this.#run(request, call));
    } catch (error) {
      if (error instanceof RpcFailure) return errorBody(error.code, error.message);
      this.logger.error({ err: error, method: request.className }, 'simulated method failed');
      return errorBody(500, 'INTERNAL');
    }
  }

  /** The answer to bytes that the layer cannot read. */
  unreadable(constructorId: number): Buffer {
    const name = constructorId.toString(16).padStart(8, '0');
    this.stats.unimplemented(`#${name}`);
    return errorBody(400, `INPUT_METHOD_INVALID_${String(constructorId)}`);
  }

  #run(request: TlObject, call: Call): Reply {
    const fault = this.faults.takeRpcError(request.className);
    if (fault) throw new RpcFailure(fault.code, fault.message);
    const method = METHODS[request.className] as ((request: TlObject, call: Call) => Reply) | undefined;
    if (method === undefined) {
      this.stats.unimplemented(request.className);
      throw new RpcFailure(400, 'METHOD_NOT_IMPLEMENTED');
    }
    if (call.userId === null && !PUBLIC.test(request.className)) throw new RpcFailure(401, 'AUTH_KEY_UNREGISTERED');
    return method(request, call);
  }
}

function errorBody(errorCode: number, errorMessage: string): Buffer {
  return new Api.RpcError({ errorCode, errorMessage }).getBytes();
}

export interface Unwrapped {
  readonly request: TlObject;
  /** False under `invokeWithoutUpdates`. */
  readonly wantsUpdates: boolean;
}

/** Takes the wrappers off a call. */
export function unwrap(object: TlObject): Unwrapped {
  let request = object;
  let wantsUpdates = true;
  while (
    request instanceof Api.InvokeWithLayer ||
    request instanceof Api.InitConnection ||
    request instanceof Api.InvokeWithoutUpdates ||
    request instanceof Api.InvokeAfterMsg ||
    request instanceof Api.InvokeAfterMsgs
  ) {
    if (request instanceof Api.InvokeWithoutUpdates) wantsUpdates = false;
    request = request.query as TlObject;
  }
  return { request, wantsUpdates };
}
