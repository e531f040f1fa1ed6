import type { Writable } from 'node:stream';
import type { Client, Connection, Submittable } from 'pg';

/** The parts of the driver's connection that COPY needs and its types leave out. */
interface Wire {
  readonly stream: NodeJS.WritableStream & { pause(): void; resume(): void; writableLength: number };
  query(text: string): void;
  sendCopyFromChunk(chunk: Buffer): void;
  endCopyFrom(): void;
  sendCopyFail(reason: string): void;
}

/** Rows are gathered into pieces of this size, in bytes: one write a row costs more than the row. */
const PIECE = 64 * 1024;
/** The reader waits while the writer has more than this to send, in bytes. */
const MOST_QUEUED = 4 * 2 ** 20;

/** What both directions of COPY have in common: one statement, answered by text data, that ends well or with an error. */
abstract class Copy implements Submittable {
  readonly done: Promise<void>;
  protected wire!: Wire;
  #settle!: (error?: Error) => void;
  #error: Error | undefined;

  constructor(private readonly text: string) {
    this.done = new Promise((resolve, reject) => {
      this.#settle = (error) => {
        if (error) reject(error);
        else resolve();
      };
    });
  }

  submit(connection: Connection): void {
    this.wire = connection as unknown as Wire;
    this.wire.query(this.text);
  }

  handleError(error: Error): void {
    this.#error = error;
    this.failed(error);
    // A connection that is gone never says that it is ready again.
    if (!('severity' in error)) this.#settle(error);
  }

  handleReadyForQuery(): void {
    this.#settle(this.#error);
  }

  protected failed(_error: Error): void {
    // Only whoever writes has somebody waiting.
  }

  handleRowDescription(): void {
    throw new Error('COPY has no rows');
  }
  handleDataRow(): void {
    throw new Error('COPY has no rows');
  }
  handlePortalSuspended(): void {
    throw new Error('COPY has no portal');
  }
  handleEmptyQuery(): void {
    throw new Error('COPY expected');
  }
  handleCommandComplete(): void {
    // `handleReadyForQuery` follows.
  }
}

class CopyOut extends Copy {
  #piece = Buffer.allocUnsafe(PIECE);
  #filled = 0;

  constructor(
    text: string,
    private readonly take: (piece: Buffer, from: { pause(): void; resume(): void }) => void,
  ) {
    super(text);
  }

  handleCopyData({ chunk }: { readonly chunk: Buffer }): void {
    if (this.#filled + chunk.length > this.#piece.length) this.#flush();
    if (chunk.length > this.#piece.length) {
      this.take(Buffer.from(chunk), this.wire.stream);
      return;
    }
    // The driver uses its buffer again.
    chunk.copy(this.#piece, this.#filled);
    this.#filled += chunk.length;
  }

  override handleCommandComplete(): void {
    this.#flush();
  }

  #flush(): void {
    if (this.#filled > 0) this.take(this.#piece.subarray(0, this.#filled), this.wire.stream);
    this.#piece = Buffer.allocUnsafe(PIECE);
    this.#filled = 0;
  }
}

class CopyIn extends Copy {
  readonly #open: Promise<void>;
  #opened!: (error?: Error) => void;

  constructor(text: string) {
    super(text);
    this.#open = new Promise((resolve, reject) => {
      this.#opened = (error) => {
        if (error) reject(error);
        else resolve();
      };
    });
    this.#open.catch(() => undefined);
  }

  handleCopyInResponse(): void {
    this.#opened();
  }

  protected override failed(error: Error): void {
    this.#opened(error);
  }

  /** Resolves when the server takes data. */
  get open(): Promise<void> {
    return this.#open;
  }

  write(piece: Buffer, from: { pause(): void; resume(): void }): void {
    this.wire.sendCopyFromChunk(piece);
    if (this.wire.stream.writableLength < MOST_QUEUED) return;
    from.pause();
    this.wire.stream.once('drain', () => {
      from.resume();
    });
  }

  end(error?: Error): void {
    if (error) this.wire.sendCopyFail(error.message);
    else this.wire.endCopyFrom();
  }
}

/** Streams what `select` gives on one connection into a table of another, in text form; memory stays bounded. */
export async function copyBetween(from: Client, select: string, to: Client, into: string): Promise<void> {
  const writer = to.query(new CopyIn(`copy ${into} from stdin`));
  writer.done.catch(() => undefined);
  await writer.open;
  const reader = from.query(
    new CopyOut(`copy (${select}) to stdout`, (piece, source) => {
      writer.write(piece, source);
    }),
  );
  // A writer that fails in the middle must not leave the reader paused.
  writer.done.catch(() => {
    (from as unknown as { connection: Wire }).connection.stream.resume();
  });
  try {
    await reader.done;
    writer.end();
  } catch (error) {
    writer.end(error instanceof Error ? error : new Error(String(error)));
    await writer.done.catch(() => undefined);
    throw error;
  }
  await writer.done;
}

/** Hands everything that `select` gives, in text form, to a stream, and waits where that is full. */
export async function copyTo(from: Client, select: string, stream: Writable): Promise<void> {
  const { stream: socket } = (from as unknown as { connection: Wire }).connection;
  const goOn = () => {
    socket.resume();
  };
  // A stream that ends early, such as on a full disk, takes nothing more and must not stop the reader for ever.
  stream.on('drain', goOn).on('close', goOn);
  try {
    await from.query(
      new CopyOut(`copy (${select}) to stdout`, (piece, source) => {
        if (!stream.destroyed && !stream.write(piece)) source.pause();
      }),
    ).done;
  } finally {
    stream.off('drain', goOn).off('close', goOn);
    // The last piece may have filled the stream, and the next answer comes on the same socket.
    goOn();
  }
}
