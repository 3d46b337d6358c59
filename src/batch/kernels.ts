import { readFileSync } from 'node:fs';
import { type SharedMemory, webAssembly } from '../base/web-assembly.ts';
import type { Batch } from './batch.ts';
import { BATCH_CAPACITY } from './layout.ts';

/** Loops in WebAssembly over batches, built from wasm/ by `npm run build`. Batches are given by their address. */
export interface Kernels {
  /**
   * Walks classic pcap records in data[0, to), as walkPcapRecords of capture/pcap.loop.ts where lengths stand as they are
   * named: wasm/pcap.ts. Sets the batch's count; returns where it stopped, with WALK_BAD_LENGTH_BIT when a length is impossible.
   */
  walkPcap(
    batch: number,
    to: number,
    littleEndian: number,
    maxBytes: number,
    nsPerUnit: number,
    baseSeconds: number,
    baseFractionNs: number,
    source: number,
    linktype: number,
  ): number;
  /** The fast path of the decoder: wasm/decode.ts. Returns how many rows it has left, listed in the column `odd`. */
  decode(batch: number, count: number, verify: number): number;
  /** The same of one share of the rows. Returns how many those are << 16 | how many are listed. */
  decodeShare(
    batch: number,
    count: number,
    verify: number,
    index: number,
    shares: number,
    byPorts: number,
  ): number;
  /** Sums over the record columns, into the batch's header: wasm/sum.ts. `lastNs`: the time stamp before. */
  sum(batch: number, count: number, lastNs: number): void;
  /** Passes over columns (wasm/columns.ts), which return where they stopped. */
  sort(
    batch: number,
    begin: number,
    end: number,
    iface: number,
    port: number,
    isLoopback: number,
    isStrange: number,
    macHigh: number,
    macLow: number,
    told: number,
  ): number;
  number(batch: number, begin: number, end: number, numbers: number, signs: number): number;
  /** The quick way (wasm/quick-way.ts): looks rows [begin, end) up; then takes them, and returns where it stopped. */
  locate(batch: number, begin: number, end: number, context: number): void;
  take(batch: number, begin: number, end: number, context: number): number;
  /** Which conditions of rules hold for a packet (wasm/conditions.ts), of a set in the arena; -1 where this cannot tell. */
  conditionsOf(conditions: number): number;
}

const byMemory = new WeakMap<SharedMemory, Kernels>();
let module: object | undefined;

/** The kernels for a batch; undefined where there are none: it is of another size, or WebAssembly is switched off. */
export function kernelsOf(batch: Batch): Kernels | undefined {
  const { memory } = batch.place;
  if (memory === undefined || webAssembly === undefined || batch.capacity !== BATCH_CAPACITY)
    return undefined;
  let kernels = byMemory.get(memory);
  if (kernels === undefined) {
    module ??= new webAssembly.Module(readFileSync(moduleFile()));
    kernels = new webAssembly.Instance(module, { env: { memory } }).exports as Kernels;
    byMemory.set(memory, kernels);
  }
  return kernels;
}

/** Beside the built program. From the sources (in tests) it is the one that `npm run build` has made. */
function moduleFile(): URL {
  const here = import.meta.url;
  return new URL(here.endsWith('.ts') ? '../../dist/kernels.wasm' : './kernels.wasm', here);
}
