/** An error that goes to the client as `rpc_error`, for example 400 CHANNEL_INVALID. */
export class RpcFailure extends Error {
  constructor(
    readonly code: number,
    message: string,
  ) {
    super(message);
    this.name = 'RpcFailure';
  }
}
