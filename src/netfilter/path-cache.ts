import { mix32 } from '../base/hash.ts';
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
 * - by connection: a slot for each of NEW, ESTABLISHED and ESTABLISHED in reply, in an array beside the conntrack
 *   table. A record is found by the entry that look-up has just given, so a hit costs one cache line;
 * - by flow, for packets without an entry (conntrack off, UNTRACKED, INVALID): direct-mapped by the tuple.
 *
 *   slot of a connection:  path + 1 | signature | entrance | ctmark | ctstatus, MTU class << 16
 *
 * `entrance` is everything else that decides the way: direction and interface, TOS, packet type, whether the TTL
 * lets it be forwarded, and what raw has said.
 */
export const CONNECTION_SLOT_WORDS = 5;
/** Three slots a connection; 16 words, one cache line. */
const RECORD_WORDS = 16;

const FLOW_BITS = 14;
const FLOW_WORDS = 20;
/** Word 0 is the path; the key ends before this one. */
const FLOW_KEY_END = 17;

export class PathCache {
  /**
   * Shared memory for its alignment alone: its pages begin cache lines, where an ArrayBuffer's begin anywhere and records
   * straddle two.
   */
  #byConnection: Int32Array = new Int32Array(new SharedArrayBuffer(4 * (RECORD_WORDS << 10)));
  #byFlow = new Int32Array(FLOW_WORDS << FLOW_BITS);
  #key = new Int32Array(FLOW_WORDS);
  #flowSlot = 0;

  /** The records by connection, a cache line each: read by quick-way.loop.ts as `connection` does. */
  get records(): Int32Array {
    return this.#byConnection;
  }

  /** Path of a packet of entry `ct` in state `ctinfo`, or -1. */
  connection(
    ct: number,
    ctinfo: number,
    signature: number,
    entrance: number,
    ctmark: number,
    rest: number,
  ): number {
    const at = connectionSlot(ct, ctinfo);
    const words = this.#byConnection;
    if (at >= words.length) return -1;
    if (
      words[at + 1] !== signature ||
      words[at + 2] !== entrance ||
      words[at + 3] !== ctmark ||
      words[at + 4] !== rest
    ) {
      return -1;
    }
    return words[at]! - 1;
  }

  setConnection(
    ct: number,
    ctinfo: number,
    signature: number,
    entrance: number,
    ctmark: number,
    rest: number,
    path: number,
  ): void {
    while ((ct + 1) * RECORD_WORDS > this.#byConnection.length) {
      const grown = new Int32Array(new SharedArrayBuffer(8 * this.#byConnection.length));
      grown.set(this.#byConnection);
      this.#byConnection = grown;
    }
    const words = this.#byConnection;
    const at = connectionSlot(ct, ctinfo);
    words[at] = path + 1;
    words[at + 1] = signature;
    words[at + 2] = entrance;
    words[at + 3] = ctmark;
    words[at + 4] = rest;
  }

  /** The record of `ct` belongs to another connection now. */
  forgetConnection(ct: number): void {
    const at = ct * RECORD_WORDS;
    if (at < this.#byConnection.length) this.#byConnection.fill(0, at, at + RECORD_WORDS);
  }

  /** Path of a packet without an entry, or -1. `setFlow` may follow, for the same packet. */
  flow(r: Int32Array, signature: number, entrance: number, mtuClass: number): number {
    const key = this.#key;
    for (let i = 0; i < 8; i++) key[1 + i] = r[R_SADDR + i]!;
    key[9] = r[R_FAMILY]! | (r[R_L4PROTO]! << 8) | ((r[R_CTINFO]! & 255) << 16);
    key[10] = r[R_SPORT]!;
    key[11] = r[R_DPORT]!;
    key[12] = r[R_ICMP_TYPE]!;
    key[13] = r[R_ICMP_CODE]!;
    key[14] = signature;
    key[15] = entrance;
    key[16] = mtuClass;
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

/** Where the slot of entry `ct` for packets in state `ctinfo` lies in PathCache.records (it may be beyond their end). */
export function connectionSlot(ct: number, ctinfo: number): number {
  return ct * RECORD_WORDS + CONNECTION_SLOT_WORDS * slotOf(ctinfo);
}

/** CT_NEW (2), CT_ESTABLISHED (0), CT_ESTABLISHED_REPLY (3). */
function slotOf(ctinfo: number): number {
  return ctinfo === 0 ? 0 : ctinfo - 1;
}
