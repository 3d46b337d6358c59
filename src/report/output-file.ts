import { closeSync, constants, fstatSync, ftruncateSync, openSync, rmSync, writeSync } from 'node:fs';

/** Bytes that are gathered before they are written. */
const BUFFER_BYTES = 1 << 20;

/**
 * A file that a report is written to. It is opened before the replay, so that a place that cannot be written to
 * is found at once, but what it held stays untouched until the first byte is written.
 *
 * Writing is synchronous, in large pieces: whoever produces faster than the disk takes simply waits, and memory
 * is bounded by one buffer.
 */
export class OutputFile {
  readonly file: string;
  /** Bytes handed over so far. */
  bytesWritten = 0;
  private readonly fd: number;
  /** An ordinary file: no pipe, terminal or device. */
  readonly isRegular: boolean;
  private readonly isNew: boolean;
  private readonly buffer = Buffer.allocUnsafe(BUFFER_BYTES);
  private used = 0;
  private begun = false;
  private open = true;

  /** Throws the system's error when the file cannot be opened for writing. */
  constructor(file: string) {
    this.file = file;
    let fd: number;
    let isNew = true;
    try {
      fd = openSync(file, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o666);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      fd = openSync(file, constants.O_WRONLY);
      isNew = false;
    }
    this.fd = fd;
    this.isNew = isNew;
    this.isRegular = fstatSync(fd).isFile();
  }

  /** Device and inode: two names of one file are told by it. */
  get identity(): string {
    const { dev, ino } = fstatSync(this.fd, { bigint: true });
    return `${dev}:${ino}`;
  }

  write(bytes: Uint8Array): void {
    this.bytesWritten += bytes.length;
    for (let at = 0; at < bytes.length; ) {
      if (this.used === BUFFER_BYTES) this.flush();
      const end = Math.min(bytes.length, at + BUFFER_BYTES - this.used);
      this.buffer.set(at === 0 && end === bytes.length ? bytes : bytes.subarray(at, end), this.used);
      this.used += end - at;
      at = end;
    }
  }

  writeText(text: string): void {
    this.write(Buffer.from(text, 'utf8'));
  }

  /** Writes what is left and closes. */
  close(): void {
    if (!this.open) return;
    this.begin();
    this.flush();
    this.open = false;
    closeSync(this.fd);
  }

  /** Closes without finishing: a file that was made for nothing is taken away again. */
  abandon(): void {
    if (!this.open) return;
    this.open = false;
    closeSync(this.fd);
    if (this.isNew && this.isRegular && !this.begun) rmSync(this.file, { force: true });
  }

  private begin(): void {
    if (this.begun) return;
    this.begun = true;
    if (this.isRegular) ftruncateSync(this.fd, 0);
  }

  private flush(): void {
    const { used } = this;
    this.used = 0;
    if (used > 0) this.writeOut(this.buffer.subarray(0, used));
  }

  private writeOut(bytes: Uint8Array): void {
    this.begin();
    for (let at = 0; at < bytes.length; ) at += this.writeSome(bytes, at);
  }

  private writeSome(bytes: Uint8Array, at: number): number {
    try {
      return writeSync(this.fd, bytes, at, bytes.length - at);
    } catch (error) {
      const failure = error as NodeJS.ErrnoException;
      if (failure.code !== 'EAGAIN') {
        failure.path ??= this.file;
        throw failure;
      }
      // A pipe that its owner made non-blocking: wait a millisecond for its reader.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
      return 0;
    }
  }
}
