/**
 * The fragments of one packet: inet_frag_queue_insert() and the checks of ip_frag_queue() and nf_ct_frag6_queue()
 * that the two families share (net/ipv4/inet_fragment.c, net/ipv4/ip_fragment.c,
 * net/ipv6/netfilter/nf_conntrack_reasm.c).
 *
 * Fragments may come in any order. Bytes that two of them claim make the whole packet void (RFC 5722); a fragment
 * that lies wholly within what is there is a repetition. "What is there" are runs: fragments that came in order
 * one behind the other grow the last run; any other fragment is a run of its own, even where it closes a gap.
 * So a repetition that spans two runs counts as an overlap; the kernel says so, too.
 */

export const INSERTED = 0;
export const DUPLICATE = 1;
export const OVERLAP = 2;

export interface Fragment {
  readonly offset: number;
  readonly end: number;
  /** What was captured of its data, from `offset` on. */
  readonly data: Uint8Array;
}

export class FragmentQueue {
  /** Position in the peer's count of fragments when the last one came (ipq.rid). */
  peerCount = 0;
  expiresNs: number;
  /** Where the packet ends, as far as it is known. */
  length = 0;
  hasLast = false;
  hasFirst = false;
  /** Bytes that have come. */
  meat = 0;
  /** 1 << ECN field of each fragment. */
  ecn = 0;
  /** Largest fragment, and largest with "don't fragment" (IPv4), header and all; in bytes. */
  maxSize = 0;
  maxDfSize = 0;
  /** What the queue holds against the memory limit. */
  memoryBytes = 0;
  /** Header of the first fragment: everything before its data, and the link header before that. */
  head: Uint8Array = new Uint8Array(0);
  link: Uint8Array = new Uint8Array(0);
  /** Registers of the first fragment, where the caller keeps them. */
  registers: Int32Array | undefined;
  fragments: Fragment[] = [];
  private runs: { start: number; end: number }[] = [];
  private tail: Fragment | undefined;

  constructor(expiresNs: number) {
    this.expiresNs = expiresNs;
  }

  get isEmpty(): boolean {
    return this.tail === undefined;
  }

  get isComplete(): boolean {
    return this.hasFirst && this.hasLast && this.meat === this.length;
  }

  /** Forgets all fragments (ip_frag_reinit()). */
  restart(expiresNs: number): void {
    this.expiresNs = expiresNs;
    this.length = 0;
    this.hasLast = false;
    this.hasFirst = false;
    this.meat = 0;
    this.ecn = 0;
    this.memoryBytes = 0;
    this.fragments = [];
    this.runs = [];
    this.tail = undefined;
  }

  /** inet_frag_queue_insert(). */
  insert(fragment: Fragment): number {
    const { offset, end } = fragment;
    const { runs, tail } = this;
    if (tail === undefined) {
      runs.push({ start: offset, end });
    } else if (tail.end < end) {
      if (offset < tail.end) return OVERLAP;
      if (offset === tail.end) runs.at(-1)!.end = end;
      else runs.push({ start: offset, end });
    } else {
      let place = runs.length;
      for (const [i, run] of runs.entries()) {
        if (end <= run.start) {
          place = i;
          break;
        }
        if (offset >= run.end) continue;
        return offset >= run.start && end <= run.end ? DUPLICATE : OVERLAP;
      }
      runs.splice(place, 0, { start: offset, end });
      this.fragments.push(fragment);
      return INSERTED;
    }
    this.tail = fragment;
    this.fragments.push(fragment);
    return INSERTED;
  }

  /**
   * Lays the data end to end at `at` of `out`. Gives how many bytes from the beginning are there without a gap:
   * fewer than `length` when the capture cut a fragment short.
   */
  assemble(out: Uint8Array, at: number): number {
    this.fragments.sort((a, b) => a.offset - b.offset);
    let whole = 0;
    for (const { offset, end, data } of this.fragments) {
      out.set(data.subarray(0, end - offset), at + offset);
      if (whole === offset) whole = offset + Math.min(data.length, end - offset);
    }
    return whole;
  }
}

/**
 * What the ECN field of the whole becomes (ip_frag_ecn_table): bits to set in it, or -1 when fragments that know
 * ECN are mixed with others, which voids the packet.
 */
export function combineEcn(seen: number): number {
  const notCapable = (seen & 1) !== 0;
  if (notCapable && seen !== 1) return -1;
  const congested = (seen & 8) !== 0;
  return congested && seen !== 8 ? 3 : 0;
}
