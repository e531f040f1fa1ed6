/** A message whose contents cannot be put into a row: it would be refused each time, as by the database itself. */
export class UnwritableError extends Error {
  constructor(cause: unknown) {
    super('a message cannot be written down', { cause });
    this.name = 'UnwritableError';
  }
}

/** What `write` makes of a part of a message: a date that is none, or JSON nested too deeply, is the message's fault. */
export function writable<T>(write: () => T): T {
  try {
    return write();
  } catch (error) {
    throw new UnwritableError(error);
  }
}
