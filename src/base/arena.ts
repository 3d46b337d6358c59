import { type SharedMemory, webAssembly } from './web-assembly.ts';

const PAGE_BYTES = 65536;
/** Nothing lies at the very beginning: an address is never 0. */
const FIRST_OFFSET = 1024;
/** Processors fetch lines in pairs, and more. */
export const ARENA_ALIGNMENT = 256;

/**
 * One memory for all that a thread's kernels (wasm/) work on, handed out piece by piece and never taken back: the
 * connection table, batches, counters. What is not used costs address space, not memory.
 */
export class Arena {
  readonly memory: SharedMemory;
  #next: number;

  private constructor(memory: SharedMemory, next: number) {
    this.memory = memory;
    this.#next = next;
  }

  /** Undefined where WebAssembly is switched off, or where so many addresses may not be claimed (`ulimit -v`). */
  static allocate(bytes: number): Arena | undefined {
    const memory = allocateMemory(FIRST_OFFSET + bytes);
    return memory === undefined ? undefined : new Arena(memory, FIRST_OFFSET);
  }

  /** What is left of another thread's, which takes no more from it. */
  static from({ memory, next }: ArenaPlace): Arena {
    return new Arena(memory, next);
  }

  get place(): ArenaPlace {
    return { memory: this.memory, next: this.#next };
  }

  get buffer(): SharedArrayBuffer {
    return this.memory.buffer;
  }

  /** Address of so many bytes, all 0, at a multiple of 256; -1 when there is no room. */
  take(bytes: number): number {
    const at = (this.#next + ARENA_ALIGNMENT - 1) & -ARENA_ALIGNMENT;
    if (at + bytes > this.buffer.byteLength) return -1;
    this.#next = at + bytes;
    return at;
  }
}

/** So many counters, all 0: in the arena, if there is one and room in it. */
export function countersIn(arena: Arena | undefined, length: number): Float64Array {
  const at = arena?.take(8 * length) ?? -1;
  return arena === undefined || at < 0
    ? new Float64Array(length)
    : new Float64Array(arena.buffer, at, length);
}

/** So many words, all 0, in the arena; private ones where there is no room, or no arena. */
export function wordsIn(arena: Arena | undefined, length: number): Int32Array {
  const at = arena?.take(4 * length) ?? -1;
  return arena === undefined || at < 0 ? new Int32Array(length) : new Int32Array(arena.buffer, at, length);
}

/** Address of an array in the arena, or 0 where it lies elsewhere. */
export function addressIn(arena: Arena, array: ArrayBufferView): number {
  return array.buffer === arena.buffer ? array.byteOffset : 0;
}

/** An arena in a form that can be sent to another thread. */
export interface ArenaPlace {
  readonly memory: SharedMemory;
  /** What lies before is taken. */
  readonly next: number;
}

/** As Arena.allocate, the memory alone. */
export function allocateMemory(bytes: number): SharedMemory | undefined {
  if (webAssembly === undefined) return undefined;
  const pages = Math.ceil(bytes / PAGE_BYTES);
  try {
    return new webAssembly.Memory({ initial: pages, maximum: pages, shared: true });
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}
