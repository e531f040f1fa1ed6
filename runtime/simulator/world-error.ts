/** A wrong request to the world; the control API answers it with 400 or 404. */
export class WorldError extends Error {
  constructor(
    readonly status: 400 | 404,
    message: string,
  ) {
    super(message);
    this.name = 'WorldError';
  }
}
