import { mix32 } from '../base/hash.ts';
import { C_WAYS, C_WAYS_MARK, C_WAYS_STATUS, RECORD_SHIFT } from '../conntrack/layout.ts';
import {
  R_CTINFO,
  R_DPORT,
  R_FAMILY,
  R_ICMP_CODE,
  R_ICMP_TYPE,
  R_L4PROTO,
  R_SADDR,
  R_SPORT,
} from '../packet/registers.ts';

/**
 * Known paths: which way the last packet like this one took. Two caches, both exact (a hit is compared in full, a
 * miss costs one walk):
 *
 * - by connection: in its record (conntrack/layout.ts, C_WAYS), a pair of words for each of ESTABLISHED, NEW, and
 *   ESTABLISHED in reply: the way in (Ways.idOf) of the last packet that was remembered, and its path. The pairs hold
 *   for the mark (and the status, where rules look at it) in C_WAYS_MARK and C_WAYS_STATUS. A new record has none;
 * - by flow, for packets without an entry (conntrack off, UNTRACKED, INVALID): direct-mapped by the tuple.
 *
 *   pair of a connection:  way | path + 1, or -1 - the number of the fork at which the way splits (forks.ts)
 */

const FLOW_BITS = 14;
const FLOW_WORDS = 16;
/** Word 0 is the path; the key ends before this one. */
const FLOW_KEY_END = 15;

export class PathCache {
  readonly #words: Int32Array;
  #byFlow = new Int32Array(FLOW_WORDS << FLOW_BITS);
  #key = new Int32Array(FLOW_WORDS);
  #flowSlot = 0;

  /** `words`: the records of the connection table. */
  constructor(words: Int32Array) {
    this.#words = words;
  }

  /** Path of a packet of entry `ct` in state `ctinfo`; negative where there is none. `status`: 0 where no rule looks at it. */
  connection(ct: number, ctinfo: number, way: number, ctmark: number, status: number): number {
    const words = this.#words;
    const at = ct << RECORD_SHIFT;
    const pair = at + wayPair(ctinfo);
    return words[pair] === way && words[at + C_WAYS_MARK] === ctmark && words[at + C_WAYS_STATUS] === status
      ? words[pair + 1]! - 1
      : -1;
  }

  setConnection(ct: number, ctinfo: number, way: number, ctmark: number, status: number, path: number): void {
    const words = this.#words;
    const at = ct << RECORD_SHIFT;
    if (words[at + C_WAYS_MARK] !== ctmark || words[at + C_WAYS_STATUS] !== status) {
      words.fill(0, at + C_WAYS, at + C_WAYS_MARK);
      words[at + C_WAYS_MARK] = ctmark;
      words[at + C_WAYS_STATUS] = status;
    }
    const pair = at + wayPair(ctinfo);
    words[pair] = way;
    words[pair + 1] = path + 1;
  }

  /** Number of the fork at which the way of such a packet splits, or -1. */
  fork(ct: number, ctinfo: number, way: number, ctmark: number, status: number): number {
    const path = this.connection(ct, ctinfo, way, ctmark, status);
    return path < -1 ? -2 - path : -1;
  }

  setFork(ct: number, ctinfo: number, way: number, ctmark: number, status: number, number: number): void {
    this.setConnection(ct, ctinfo, way, ctmark, status, -2 - number);
  }

  /** Path of a packet without an entry, or -1. `setFlow` may follow, for the same packet. */
  flow(r: Int32Array, way: number): number {
    const key = this.#key;
    for (let i = 0; i < 8; i++) key[1 + i] = r[R_SADDR + i]!;
    key[9] = r[R_FAMILY]! | (r[R_L4PROTO]! << 8) | ((r[R_CTINFO]! & 255) << 16);
    key[10] = r[R_SPORT]!;
    key[11] = r[R_DPORT]!;
    key[12] = r[R_ICMP_TYPE]!;
    key[13] = r[R_ICMP_CODE]!;
    key[14] = way;
    let hash = 0;
    for (let i = 1; i < FLOW_KEY_END; i++)
      hash = Math.imul((hash << 5) | (hash >>> 27), 0x85ebca77) ^ key[i]!;
    this.#flowSlot = (mix32(hash) >>> (32 - FLOW_BITS)) * FLOW_WORDS;
    const words = this.#byFlow;
    const at = this.#flowSlot;
    for (let i = 1; i < FLOW_KEY_END; i++) if (words[at + i] !== key[i]) return -1;
    return words[at]! - 1;
  }

  setFlow(path: number): void {
    const words = this.#byFlow;
    const at = this.#flowSlot;
    words[at] = path + 1;
    for (let i = 1; i < FLOW_KEY_END; i++) words[at + i] = this.#key[i]!;
  }
}

/** Where in a record the pair for packets in state `ctinfo` lies: CT_ESTABLISHED (0), CT_NEW (2), CT_ESTABLISHED_REPLY (3). */
export function wayPair(ctinfo: number): number {
  return C_WAYS + (ctinfo === 0 ? 0 : 2 * (ctinfo - 1));
}
