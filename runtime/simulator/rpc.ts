import { Api } from 'telegram/tl';
import type { Logger } from '../logger.js';
import type { Accounts } from './accounts/accounts.js';
import type { Logins } from './accounts/logins.js';
import type { Faults } from './faults.js';
import type { Gaps } from './gaps.js';
import { accountMethods } from './methods/account.js';
import { authMethods } from './methods/auth.js';
import { channelMethods } from './methods/channels.js';
import { membershipMethods } from './methods/membership.js';
import { messageMethods } from './methods/messages.js';
import { passwordMethods } from './methods/password.js';
import { updateMethods } from './methods/updates.js';
import { RpcFailure } from './rpc-failure.js';
import type { Shown } from './shown.js';
import type { Stats } from './stats.js';
import { serialiseReply, type Long, type Reply, type TlObject } from './tl.js';
import type { World } from './world.js';

/** Who calls: an auth key, and the account that is logged in with it. */
export interface Caller {
  readonly keyId: string;
  /** Null before anyone has logged in. */
  readonly userId: number | null;
  /** Logs the key in, or out with null; kept over a restart. */
  authorise(userId: number | null): void;
}

/** What the data centre lets methods do beside reading the world. */
export interface Centre {
  readonly world: World;
  readonly accounts: Accounts;
  readonly logins: Logins;
  readonly faults: Faults;
  readonly gaps: Gaps;
  readonly shown: Shown;
  /** Where the data centre is, for `help.getConfig`. */
  readonly address: { readonly host: string; readonly port: number };
  /** A private message to an account, pushed to its sessions. */
  tell(userId: number, text: string): void;
  /** An account joins or leaves a channel; its sessions are told. */
  setMember(channelId: number, userId: number, state: 'member' | 'left'): void;
}

/** What a method gets to know beside its request. */
export interface Call extends Centre {
  readonly caller: Caller;
  /** The account that calls. Throws 401 before anyone has logged in. */
  readonly userId: number;
}

/** `never` lets every method name the request class it takes. */
export type Methods = Readonly<Record<string, (request: never, call: Call) => Reply>>;

const METHODS: Methods = {
  ...accountMethods,
  ...authMethods,
  ...passwordMethods,
  ...channelMethods,
  ...membershipMethods,
  ...messageMethods,
  ...updateMethods,
};
/** What may be called before logging in. */
const PUBLIC = /^(help|auth)\.|^account\.GetPassword$/;

/** Names of all methods that are answered, sorted; for the documentation. */
export const METHOD_NAMES: readonly string[] = Object.keys(METHODS).sort();

/**
 * Answers calls by their class name. Promised: every call gets exactly one answer, and a method that does not exist is
 * both an error to the client and a name in the statistics, so that a test can fail on it.
 */
export class Dispatcher {
  constructor(
    private readonly centre: Centre,
    private readonly stats: Stats,
    private readonly logger: Logger,
  ) {}

  /** The body of the `rpc_result`. */
  answer(request: TlObject, caller: Caller): Buffer {
    this.stats.call(request.className);
    try {
      return serialiseReply(this.#run(request, caller));
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

  #run(request: TlObject, caller: Caller): Reply {
    const fault = this.centre.faults.takeRpcError(request.className, channelOf(request));
    if (fault) {
      if (fault.message === 'PERSISTENT_TIMESTAMP_INVALID') this.#noteRefusal(request);
      throw new RpcFailure(fault.code, fault.message);
    }
    const method = METHODS[request.className] as ((request: TlObject, call: Call) => Reply) | undefined;
    if (method === undefined) {
      this.stats.unimplemented(request.className);
      throw new RpcFailure(400, 'METHOD_NOT_IMPLEMENTED');
    }
    if (caller.userId === null && !PUBLIC.test(request.className)) throw new RpcFailure(401, 'AUTH_KEY_UNREGISTERED');
    return method(request, callOf(this.centre, caller));
  }

  #noteRefusal(request: TlObject): void {
    const channelId = channelOf(request);
    if (channelId !== undefined && request instanceof Api.updates.GetChannelDifference)
      this.centre.gaps.refused(channelId, request.pts);
  }
}

function callOf(centre: Centre, caller: Caller): Call {
  return {
    ...centre,
    caller,
    get userId() {
      if (caller.userId === null) throw new RpcFailure(401, 'AUTH_KEY_UNREGISTERED');
      return caller.userId;
    },
  };
}

/** The channel that a call is about, if it is about one. */
export function channelOf(request: TlObject): string | undefined {
  const { channel, peer } = request as { channel?: MaybeChannel; peer?: MaybeChannel };
  return (channel?.channelId ?? peer?.channelId)?.toString();
}

interface MaybeChannel {
  readonly channelId?: Long;
}

export function errorBody(errorCode: number, errorMessage: string): Buffer {
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
