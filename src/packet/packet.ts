import type { Batch } from '../batch/batch.ts';
import { DECODE_FRAGMENT, NO_OFFSET, PKT_UNKNOWN } from '../batch/layout.ts';
import {
  CT_NONE,
  R_CHECKSUM,
  R_CT,
  R_CT_TEMPLATE,
  R_CTINFO,
  R_DADDR,
  R_DECODE_FLAGS,
  R_DPORT,
  R_FAMILY,
  R_FRAG_OFFSET,
  R_ICMP_CODE,
  R_ICMP_ID,
  R_ICMP_TYPE,
  R_IP_ID,
  R_L4PROTO,
  R_LENGTH,
  R_PKT_TYPE,
  R_SADDR,
  R_SPORT,
  R_TCP_ACK,
  R_TCP_FLAGS,
  R_TCP_SEQ,
  R_TCP_WINDOW,
  R_TOS,
  R_TTL,
  R_TUPLE_HASH,
  REGISTER_COUNT,
} from './registers.ts';

export const IPPROTO_ICMP = 1;
export const IPPROTO_IGMP = 2;
export const IPPROTO_TCP = 6;
export const IPPROTO_UDP = 17;
export const IPPROTO_DCCP = 33;
export const IPPROTO_GRE = 47;
export const IPPROTO_ESP = 50;
export const IPPROTO_AH = 51;
export const IPPROTO_ICMPV6 = 58;
export const IPPROTO_SCTP = 132;
export const IPPROTO_UDPLITE = 136;

/**
 * The packet under evaluation: one object for a whole run, loaded from a batch row for each packet that has to
 * walk rules. Its registers `r` hold the state; the raw bytes are read through `view`/`bytes` at `l3Offset`.
 *
 * Bytes and registers: `view` shows the packet as it was captured until a target rewrites a header. A target
 * that changes header fields changes the registers and calls `touch()`; `header()` then gives the bytes as they
 * would be now (rewritten in a private copy, made on first use). Matches that read raw header bytes (u32, string,
 * bpf …) call `header()` first; those that read only registers never pay.
 */
export class Packet {
  /** Registers, see registers.ts. */
  readonly r = new Int32Array(REGISTER_COUNT);
  /** Bytes in which the packet lies: the batch's data, or the private copy after `header()` had to rewrite. */
  bytes: Uint8Array = new Uint8Array(0);
  view: DataView = new DataView(new ArrayBuffer(0));
  /** Offset in `bytes` of the IP header. */
  l3Offset = 0;
  /** Offset in `bytes` just behind the last captured byte of the IP packet (padding trimmed). */
  l3End = 0;
  /** Offset in `bytes` of the transport header, or -1 when there is none to be seen. */
  l4Offset = -1;
  /** Offset in `bytes` of the Ethernet header, or -1. */
  macOffset = -1;
  /** Nanoseconds from the run's base time. */
  timeNs = 0;
  /** Number of the packet in the run, from 0. */
  number = 0;
  /** Set by a match that cannot judge the packet and wants it dropped at once (xt_action_param.hotdrop). */
  hotdrop = false;
  /**
   * Bytes of the largest fragment, header and all, that defragmentation put it together from (IPCB(skb)->frag_max_size);
   * 0 when it came in one piece.
   */
  fragMaxBytes = 0;
  /** Bytes that are this packet's alone, if `bytes` are; and where its private copies are made, one packet's after the other's (rewrite.ts). */
  privateBytes: Uint8Array | undefined = undefined;
  scratch: DataView<ArrayBuffer> | undefined = undefined;
  /** Registers were changed since `bytes` were read or rewritten. */
  touched = false;

  /** Loads row `i` of a decoded batch. `firstNumber` is the run-wide number of row 0. */
  load(batch: Batch, i: number, firstNumber: number): void {
    const c = batch.columns;
    const r = this.r;
    r.fill(0);
    this.bytes = batch.data;
    this.view = batch.view;
    this.l3Offset = c.l3Offset[i]!;
    this.l3End = this.l3Offset + c.l3CapLen[i]!;
    const l4 = c.l4Offset[i]!;
    this.l4Offset = l4 === NO_OFFSET ? -1 : l4;
    const mac = c.macOffset[i]!;
    this.macOffset = mac === NO_OFFSET ? -1 : mac;
    this.timeNs = c.timeNs[i]!;
    this.number = firstNumber + i;
    this.hotdrop = false;
    this.fragMaxBytes = 0;
    this.touched = false;
    const s = 4 * i;
    for (let k = 0; k < 4; k++) {
      r[R_SADDR + k] = c.saddr[s + k]!;
      r[R_DADDR + k] = c.daddr[s + k]!;
    }
    const l4proto = c.l4proto[i]!;
    r[R_FAMILY] = c.family[i]!;
    r[R_L4PROTO] = l4proto;
    r[R_TOS] = c.tos[i]!;
    r[R_TTL] = c.ttl[i]!;
    r[R_LENGTH] = c.length[i]!;
    r[R_FRAG_OFFSET] = c.fragOffset[i]!;
    r[R_DECODE_FLAGS] = c.decodeFlags[i]!;
    r[R_PKT_TYPE] = c.pktType[i] === PKT_UNKNOWN ? 0 : c.pktType[i]!;
    r[R_IP_ID] = c.ipId[i]! | 0;
    r[R_CHECKSUM] = c.checksum[i]!;
    r[R_TUPLE_HASH] = c.tupleHash[i]!;
    r[R_CTINFO] = CT_NONE;
    r[R_CT] = -1;
    r[R_CT_TEMPLATE] = -1;
    r[R_SPORT] = -1;
    r[R_DPORT] = -1;
    r[R_ICMP_TYPE] = -1;
    r[R_ICMP_CODE] = -1;
    r[R_TCP_FLAGS] = -1;
    if (this.l4Offset < 0) return;
    switch (l4proto) {
      case IPPROTO_TCP:
        r[R_TCP_FLAGS] = c.tcpFlags[i]!;
        r[R_TCP_SEQ] = c.tcpSeq[i]! | 0;
        r[R_TCP_ACK] = c.tcpAck[i]! | 0;
        r[R_TCP_WINDOW] = c.tcpWindow[i]!;
        r[R_SPORT] = c.sport[i]!;
        r[R_DPORT] = c.dport[i]!;
        break;
      case IPPROTO_UDP:
      case IPPROTO_UDPLITE:
      case IPPROTO_SCTP:
      case IPPROTO_DCCP:
        r[R_SPORT] = c.sport[i]!;
        r[R_DPORT] = c.dport[i]!;
        break;
      case IPPROTO_ICMP:
      case IPPROTO_ICMPV6:
        r[R_ICMP_TYPE] = c.dport[i]! >>> 8;
        r[R_ICMP_CODE] = c.dport[i]! & 255;
        r[R_ICMP_ID] = c.sport[i]!;
        break;
    }
  }

  /** True for a fragment (first or later) that was not put together. */
  get isFragment(): boolean {
    return (this.r[R_DECODE_FLAGS]! & DECODE_FRAGMENT) !== 0;
  }

  /** Says that registers no longer agree with `bytes`. */
  touch(): void {
    this.touched = true;
  }
}
