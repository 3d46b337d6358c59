/** As much of WebAssembly as is used here: neither TypeScript's es2023 library nor @types/node declares it. */
export interface SharedMemory {
  readonly buffer: SharedArrayBuffer;
}

interface Api {
  readonly Memory: new (size: { initial: number; maximum: number; shared: true }) => SharedMemory;
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object, imports: object) => { readonly exports: unknown };
}

/** Undefined where it is switched off (`node --jitless`). */
export const webAssembly = (globalThis as { WebAssembly?: Api }).WebAssembly;
