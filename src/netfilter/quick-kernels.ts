import type { Arena } from '../base/arena.ts';
import type { Batch } from '../batch/batch.ts';
import { type Kernels, kernelsOf } from '../batch/kernels.ts';
import type { Sharing } from '../compile/sharing.ts';
import type { Conntrack } from '../conntrack/conntrack.ts';
import type { ConntrackCore } from '../conntrack/core.ts';
import { TCP_ESTABLISHED, TCP_TRANSITIONS } from '../conntrack/tcp-states.ts';
import { TCP_TIMEOUT_RETRANS, TCP_TIMEOUT_UNACK } from '../conntrack/timeouts.ts';
import type { PathTable } from './path-table.ts';
import {
  BEGINS,
  CONTEXT_ACCOUNTS,
  CONTEXT_BYTES,
  CONTEXT_CONFIRMED,
  CONTEXT_ESTABLISHED,
  CONTEXT_EVICTION,
  CONTEXT_FLAGS,
  CONTEXT_HEADER,
  CONTEXT_ICMP,
  CONTEXT_ICMPV6,
  CONTEXT_INDEX,
  CONTEXT_MASK,
  CONTEXT_MAX_RETRANS,
  CONTEXT_MEMO,
  CONTEXT_MOST,
  CONTEXT_PATHS,
  CONTEXT_RECALLED,
  CONTEXT_RECORDS,
  CONTEXT_RETRANS,
  CONTEXT_SOURCE_MASK,
  CONTEXT_SOURCES,
  CONTEXT_STATES,
  CONTEXT_TCP_TIMEOUTS,
  CONTEXT_TRANSITIONS,
  CONTEXT_UDP,
  CONTEXT_UDP_STREAM,
  CONTEXT_UNACK,
  HAS_ACCOUNTS,
  READS_STATUS4,
  READS_STATUS6,
  TRACKS4,
  TRACKS6,
  TRANSLATES4,
  TRANSLATES6,
} from './quick-context.ts';
import type { Statistics } from './statistics.ts';
import type { WalkMemo } from './walk-memo.ts';

/** What the kernels work on, and what they have to know of the families' rules. */
export interface QuickKernelsParts {
  readonly conntrack: Conntrack;
  readonly paths: PathTable;
  readonly statistics: Statistics;
  readonly memo: WalkMemo;
  /** [4] and [6]: undefined for families whose packets are not tracked. */
  readonly sharing: readonly (Sharing | undefined)[];
  /** [4] and [6]. */
  readonly rawFirst: readonly boolean[];
  readonly translates: readonly boolean[];
}

/**
 * The quick way's kernels in WebAssembly (wasm/take.ts) over one arena: the connection table, the batches and the
 * counters lie in it. They cost a third of the time of the same loops in JavaScript (src/README.md, "Choices").
 */
export class QuickKernels {
  readonly #arena: Arena;
  readonly #conntrack: Conntrack;
  readonly #core: ConntrackCore;
  readonly #paths: PathTable;
  readonly #context: number;
  readonly #words: Int32Array;
  readonly #memo: WalkMemo;
  /** Bits of CONTEXT_FLAGS that stay. */
  readonly #flags: number;
  #kernels: Kernels | undefined;
  /** Its address is in the context. */
  #pathCounts: Float64Array | undefined;
  /** Everything they work on lies in the arena. */
  #isWhole = true;

  private constructor(arena: Arena, context: number, parts: QuickKernelsParts) {
    const { conntrack, paths, statistics, memo } = parts;
    const { core } = conntrack;
    this.#arena = arena;
    this.#conntrack = conntrack;
    this.#core = core;
    this.#paths = paths;
    this.#memo = memo;
    this.#context = context;
    this.#flags = flagsOf(parts);
    this.#words = new Int32Array(arena.buffer, context, CONTEXT_BYTES / 4);
    const { table, timeouts } = core;
    this.#setAddress(CONTEXT_RECORDS, table.words);
    this.#setAddress(CONTEXT_INDEX, table.index);
    this.#setAddress(CONTEXT_ACCOUNTS, table.accounts);
    this.#setAddress(CONTEXT_STATES, statistics.counts);
    this.#setAddress(CONTEXT_CONFIRMED, statistics.confirmedCounts);
    this.#setAddress(CONTEXT_HEADER, table.header);
    this.#setAddress(CONTEXT_SOURCES, table.sourceBuckets);
    this.#words[CONTEXT_SOURCE_MASK / 4] = table.sourceBuckets.length - 1;
    this.#words[CONTEXT_MOST / 4] = conntrack.max;
    this.#words[CONTEXT_EVICTION / 4] = conntrack.evictionLimit;
    new Float64Array(arena.buffer, context + CONTEXT_TCP_TIMEOUTS, timeouts.tcp.length).set(timeouts.tcp);
    new Uint8Array(arena.buffer, context + CONTEXT_TRANSITIONS, TCP_TRANSITIONS.length).set(TCP_TRANSITIONS);
    this.#words[CONTEXT_MAX_RETRANS / 4] = core.tcpMaxRetrans;
    const established = timeouts.tcp[TCP_ESTABLISHED]!;
    const floats = new Float64Array(arena.buffer, context, CONTEXT_BYTES / 8);
    floats[CONTEXT_ESTABLISHED / 8] = established;
    floats[CONTEXT_RETRANS / 8] = Math.min(established, timeouts.tcp[TCP_TIMEOUT_RETRANS]!);
    floats[CONTEXT_UNACK / 8] = Math.min(established, timeouts.tcp[TCP_TIMEOUT_UNACK]!);
    floats[CONTEXT_UDP / 8] = timeouts.udp;
    floats[CONTEXT_UDP_STREAM / 8] = timeouts.udpStream;
    floats[CONTEXT_ICMP / 8] = timeouts.icmp;
    floats[CONTEXT_ICMPV6 / 8] = timeouts.icmpv6;
  }

  /** Undefined where there is no arena, or no room in it. */
  static in(arena: Arena | undefined, parts: QuickKernelsParts): QuickKernels | undefined {
    const context = arena?.take(CONTEXT_BYTES) ?? -1;
    if (arena === undefined || context < 0) return undefined;
    const kernels = new QuickKernels(arena, context, parts);
    return kernels.#isWhole ? kernels : undefined;
  }

  /** Rows that have been taken, and counted, by the walks of other connections. */
  get recalled(): number {
    return this.#words[CONTEXT_RECALLED / 4]! >>> 0;
  }

  /** Whether they can work on a batch now. */
  takes(batch: Batch): boolean {
    if (batch.place.memory !== this.#arena.memory) return false;
    this.#kernels ??= kernelsOf(batch);
    return this.#kernels !== undefined && this.#isWhole;
  }

  /** QuickWay.locate, of a batch that `takes` has approved. */
  locate(batch: Batch, begin: number, end: number): void {
    this.#words[CONTEXT_MASK / 4] = this.#core.table.indexMask;
    this.#kernels!.locate(batch.place.offset, begin, end, this.#context);
  }

  /** As QuickWay.take: stops at rows that it cannot take to their end, before anything is done. */
  take(batch: Batch, begin: number, end: number): number {
    if (this.#pathCounts !== this.#paths.counts) {
      this.#pathCounts = this.#paths.counts;
      this.#setAddress(CONTEXT_PATHS, this.#paths.counts);
      if (!this.#isWhole) return begin;
    }
    const { acct, table } = this.#core;
    if (acct) table.hasAccounts = true;
    this.#words[CONTEXT_FLAGS / 4] =
      this.#flags | (acct ? HAS_ACCOUNTS : 0) | (this.#conntrack.takesRows ? BEGINS : 0);
    this.#words[CONTEXT_MEMO / 4] = this.#memo.place;
    this.#words[CONTEXT_MASK / 4] = table.indexMask;
    return this.#kernels!.take(batch.place.offset, begin, end, this.#context);
  }

  #setAddress(member: number, array: Int32Array | Float64Array): void {
    if (array.buffer !== this.#arena.buffer) this.#isWhole = false;
    this.#words[member / 4] = array.byteOffset;
  }
}

function flagsOf({ sharing, rawFirst, translates }: QuickKernelsParts): number {
  const bits = [
    [4, READS_STATUS4, TRACKS4, TRANSLATES4],
    [6, READS_STATUS6, TRACKS6, TRANSLATES6],
  ] as const;
  let flags = 0;
  for (const [family, reads, tracks, translated] of bits) {
    if (sharing[family]?.readsCtstatus === true) flags |= reads;
    if (sharing[family] !== undefined && rawFirst[family] !== true) flags |= tracks;
    if (translates[family] === true) flags |= translated;
  }
  return flags;
}
