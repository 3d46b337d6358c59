import type { Arena } from '../base/arena.ts';
import type { Batch } from '../batch/batch.ts';
import { type Kernels, kernelsOf } from '../batch/kernels.ts';
import type { Sharing } from '../compile/sharing.ts';
import type { ConntrackCore } from '../conntrack/core.ts';
import { TCP_ESTABLISHED } from '../conntrack/tcp-states.ts';
import { TCP_TIMEOUT_RETRANS, TCP_TIMEOUT_UNACK } from '../conntrack/timeouts.ts';
import type { PathTable } from './path-table.ts';
import {
  CONTEXT_ACCOUNTS,
  CONTEXT_BYTES,
  CONTEXT_ESTABLISHED,
  CONTEXT_FLAGS,
  CONTEXT_ICMP,
  CONTEXT_ICMPV6,
  CONTEXT_INDEX,
  CONTEXT_MASK,
  CONTEXT_MAX_RETRANS,
  CONTEXT_PATH_BYTES,
  CONTEXT_PATH_PACKETS,
  CONTEXT_RECORDS,
  CONTEXT_RETRANS,
  CONTEXT_STATE_BYTES,
  CONTEXT_STATE_PACKETS,
  CONTEXT_UDP,
  CONTEXT_UDP_STREAM,
  CONTEXT_UNACK,
  HAS_ACCOUNTS,
  READS_STATUS4,
  READS_STATUS6,
} from './quick-context.ts';
import type { Statistics } from './statistics.ts';

/**
 * The quick way's kernels in WebAssembly (wasm/quick-way.ts) over one arena: the connection table, the batches and the
 * counters lie in it. They cost a third of the time of the same loops in JavaScript (src/README.md, "Choices").
 */
export class QuickKernels {
  readonly #arena: Arena;
  readonly #core: ConntrackCore;
  readonly #paths: PathTable;
  readonly #context: number;
  readonly #words: Int32Array;
  readonly #reads: number;
  #kernels: Kernels | undefined;
  /** Its address is in the context. */
  #pathPackets: Float64Array | undefined;
  /** Everything they work on lies in the arena. */
  #isWhole = true;

  private constructor(
    arena: Arena,
    context: number,
    core: ConntrackCore,
    paths: PathTable,
    statistics: Statistics,
    reads: number,
  ) {
    this.#arena = arena;
    this.#core = core;
    this.#paths = paths;
    this.#context = context;
    this.#reads = reads;
    this.#words = new Int32Array(arena.buffer, context, CONTEXT_BYTES / 4);
    const { table, timeouts } = core;
    this.#setAddress(CONTEXT_RECORDS, table.words);
    this.#setAddress(CONTEXT_INDEX, table.index);
    this.#setAddress(CONTEXT_ACCOUNTS, table.accounts);
    this.#setAddress(CONTEXT_STATE_PACKETS, statistics.packets);
    this.#setAddress(CONTEXT_STATE_BYTES, statistics.bytes);
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
  static in(
    arena: Arena | undefined,
    core: ConntrackCore,
    paths: PathTable,
    statistics: Statistics,
    sharing4: Sharing | undefined,
    sharing6: Sharing | undefined,
  ): QuickKernels | undefined {
    const context = arena?.take(CONTEXT_BYTES) ?? -1;
    if (arena === undefined || context < 0) return undefined;
    const reads =
      (sharing4?.readsCtstatus === true ? READS_STATUS4 : 0) |
      (sharing6?.readsCtstatus === true ? READS_STATUS6 : 0);
    const kernels = new QuickKernels(arena, context, core, paths, statistics, reads);
    return kernels.#isWhole ? kernels : undefined;
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

  /** As QuickWay.take: stops at rows that are not everyday ones, or whose way is not known, before anything is done. */
  take(batch: Batch, begin: number, end: number): number {
    if (this.#pathPackets !== this.#paths.packets) {
      this.#pathPackets = this.#paths.packets;
      this.#setAddress(CONTEXT_PATH_PACKETS, this.#paths.packets);
      this.#setAddress(CONTEXT_PATH_BYTES, this.#paths.bytes);
      if (!this.#isWhole) return begin;
    }
    const { acct, table } = this.#core;
    if (acct) table.hasAccounts = true;
    this.#words[CONTEXT_FLAGS / 4] = this.#reads | (acct ? HAS_ACCOUNTS : 0);
    return this.#kernels!.take(batch.place.offset, begin, end, this.#context);
  }

  #setAddress(member: number, array: Int32Array | Float64Array): void {
    if (array.buffer !== this.#arena.buffer) this.#isWhole = false;
    this.#words[member / 4] = array.byteOffset;
  }
}
