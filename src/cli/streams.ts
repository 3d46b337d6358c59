import process from 'node:process';

/** The streams of a run of the program; tests hand in their own. */
export interface Streams {
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
}

/** As much of a Node stream as is used here. */
export interface OutputStream {
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
  write(chunk: string | Uint8Array, done: (error?: Error | null) => void): unknown;
  on(event: 'error', listener: (error: NodeJS.ErrnoException) => void): unknown;
}

export function processStreams(): Streams {
  return { stdout: process.stdout, stderr: process.stderr };
}

/** Characters handed to a stream at a time. */
const CHUNK_CHARS = 1 << 18;

/**
 * Writes to standard output or error in pieces, each awaited, so that a report of any size passes through a slow
 * pipe in little memory. When the reader has gone (`| head`), the rest is dropped without a word: the replay was done
 * and its exit status stays what it is.
 */
export class Printer {
  /** The reader has closed the pipe. */
  closed = false;
  private readonly stream: OutputStream;
  private failure: NodeJS.ErrnoException | undefined;

  constructor(stream: OutputStream) {
    this.stream = stream;
    stream.on('error', (error) => this.fail(error));
  }

  /** Prints a text, or one that is given piece by piece. */
  async print(text: string | Uint8Array | Iterable<string>): Promise<void> {
    if (typeof text === 'string' || text instanceof Uint8Array) {
      for (let at = 0; at < text.length && !this.closed; at += CHUNK_CHARS) {
        const end = at + CHUNK_CHARS;
        await this.write(typeof text === 'string' ? text.slice(at, end) : text.subarray(at, end));
      }
      return;
    }
    let chunk = '';
    for (const piece of text) {
      if (chunk.length + piece.length > CHUNK_CHARS) {
        await this.print(chunk);
        chunk = '';
      }
      if (this.closed) return;
      chunk += piece;
    }
    await this.print(chunk);
  }

  private async write(chunk: string | Uint8Array): Promise<void> {
    await new Promise<void>((resolve) => {
      this.stream.write(chunk, (error) => {
        if (error) this.fail(error);
        resolve();
      });
    });
    if (this.failure !== undefined) throw this.failure;
  }

  private fail(error: NodeJS.ErrnoException): void {
    if (error.code === 'EPIPE' || error.code === 'ERR_STREAM_DESTROYED') this.closed = true;
    else this.failure = error;
  }
}
