/**
 * The private parts of GramJS 2.26.22 that the adapter relies on, typed in one place. Its declarations hide or
 * misstate them; the contract tests against the simulator fail when a change of the package makes this view untrue.
 */

/** A decrypted message on its way through the sender. `obj` may be a promise until it is processed. */
export interface IncomingMessage {
  readonly msgId: unknown;
  obj: unknown;
}

/** `MTProtoSender`: one connection to one data centre. */
export interface Sender {
  _updateCallback: (client: unknown, update: unknown) => void;
  _processMessage: (message: IncomingMessage) => Promise<void>;
  readonly _state: { decryptMessageData: (body: Buffer) => Promise<unknown> };
  readonly _pendingAck: Set<unknown>;
  _retries: number;
  /** Called by the library when the connection broke. */
  reconnect: () => void;
  _reconnect: () => Promise<void>;
  send: (request: unknown) => Promise<unknown>;
}

/** `TelegramClient`. */
export interface ClientInternals {
  _sender: Sender | undefined;
  _loopStarted: boolean;
  readonly _isSwitchingDc: boolean;
  readonly _entityCache: { add: (entities: unknown) => void };
}

/** `PromisedNetSockets`. */
export interface SocketInternals {
  client: import('node:net').Socket | undefined;
}
