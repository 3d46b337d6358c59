import { EventEmitter } from 'node:events';
import type { OutputStream, Streams } from '../../src/cli/streams.ts';

/** A stream that remembers what was written to it. */
export class FakeStream extends EventEmitter implements OutputStream {
  text = '';
  bytes = Buffer.alloc(0);
  columns: number | undefined = undefined;
  /** Fails with EPIPE once this many writes have been taken. */
  closesAfterWrites = Number.POSITIVE_INFINITY;
  writes = 0;
  readonly isTTY: boolean;

  constructor(isTTY = false) {
    super();
    this.isTTY = isTTY;
  }

  write(chunk: string | Uint8Array, done: (error?: Error | null) => void): boolean {
    this.writes++;
    if (this.writes > this.closesAfterWrites) {
      const error = Object.assign(new Error('write EPIPE'), { code: 'EPIPE' });
      queueMicrotask(() => {
        done(error);
        this.emit('error', error);
      });
      return false;
    }
    this.bytes = Buffer.concat([this.bytes, Buffer.from(chunk as string)]);
    this.text = this.bytes.toString();
    queueMicrotask(() => done());
    return true;
  }
}

export function fakeStreams(
  isTTY = false,
): Streams & { readonly stdout: FakeStream; readonly stderr: FakeStream } {
  return { stdout: new FakeStream(isTTY), stderr: new FakeStream(isTTY) };
}
