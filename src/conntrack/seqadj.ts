import { IPS_SEQ_ADJUST } from '../packet/conntrack-access.ts';
import { IPPROTO_TCP, type Packet } from '../packet/packet.ts';
import { R_L4PROTO, R_LENGTH, R_TCP_ACK, R_TCP_SEQ } from '../packet/registers.ts';
import { replaceSum16, writableBytes } from '../packet/rewrite.ts';
import type { ConntrackCore } from './core.ts';
import { C_STATUS, RECORD_SHIFT } from './layout.ts';

/**
 * Sequence adjustment: when a helper has written text of another length into a TCP packet, all later sequence numbers of
 * that direction are shifted behind the connection's hooks, and the acknowledgements that come back are shifted the
 * opposite way. net/netfilter/nf_conntrack_seqadj.c.
 *
 * Two shifts are known for each direction, before and behind the place of the last change.
 */
export class SequenceAdjustments {
  /** By record: of each direction the place, the offset before it and the offset behind it. */
  private readonly byConnection = new Map<number, Int32Array>();
  private readonly core: ConntrackCore;

  constructor(core: ConntrackCore) {
    this.core = core;
  }

  /** nf_ct_seqadj_set(): from `seq` of a packet of direction `dir` on, `bytes` more are sent than the sender knows. */
  set(ct: number, dir: number, seq: number, bytes: number): void {
    if (bytes === 0) return;
    this.core.words[(ct << RECORD_SHIFT) + C_STATUS]! |= IPS_SEQ_ADJUST;
    let ways = this.byConnection.get(ct);
    if (ways === undefined) {
      ways = new Int32Array(2 * WAY_WORDS);
      this.byConnection.set(ct, ways);
    }
    const at = dir * WAY_WORDS;
    if (ways[at + BEFORE] !== ways[at + BEHIND] && ((ways[at + PLACE]! - seq) | 0) >= 0) return;
    ways[at + PLACE] = seq;
    ways[at + BEFORE] = ways[at + BEHIND]!;
    ways[at + BEHIND]! += bytes;
  }

  /** nf_ct_seq_offset(): by how much the sequence number `seq` of direction `dir` is shifted. */
  offset(ct: number, dir: number, seq: number): number {
    const ways = this.byConnection.get(ct);
    if (ways === undefined) return 0;
    const at = dir * WAY_WORDS;
    return isAfter(seq, ways[at + PLACE]!) ? ways[at + BEHIND]! : ways[at + BEFORE]!;
  }

  /** By how much an acknowledgement of what direction `dir` sent has to be shifted back (nf_ct_seq_adjust()). */
  ackOffset(ct: number, dir: number, ack: number): number {
    const ways = this.byConnection.get(ct);
    if (ways === undefined) return 0;
    const at = dir * WAY_WORDS;
    return isAfter((ack - ways[at + BEFORE]!) | 0, ways[at + PLACE]!)
      ? ways[at + BEHIND]!
      : ways[at + BEFORE]!;
  }

  /**
   * nf_ct_seq_adjust(): shifts sequence number, acknowledgement and SACK blocks of a packet of direction `dir`. False when
   * its TCP options make no sense: then the kernel drops it. Like the kernel it does not ask whether the packet is
   * TCP: an ICMP error about one is treated alike.
   */
  adjust(p: Packet, ct: number, dir: 0 | 1): boolean {
    const length = p.l3Offset + p.r[R_LENGTH]! - p.l4Offset;
    if (length < 20) return false;
    if (p.l4Offset + 20 > p.l3End) return true;
    writableBytes(p);
    const { r, view, l4Offset: l4 } = p;
    const seq = view.getInt32(l4 + SEQ);
    this.write(p, l4 + SEQ, seq + this.offset(ct, dir, seq));
    if (r[R_L4PROTO] === IPPROTO_TCP) r[R_TCP_SEQ] = view.getInt32(l4 + SEQ);
    if ((view.getUint8(l4 + 13) & ACK) === 0) return true;
    const ack = view.getInt32(l4 + ACK_SEQ);
    this.write(p, l4 + ACK_SEQ, ack - this.ackOffset(ct, 1 - dir, ack));
    if (r[R_L4PROTO] === IPPROTO_TCP) r[R_TCP_ACK] = view.getInt32(l4 + ACK_SEQ);
    return this.adjustSack(p, ct, dir, l4 + length);
  }

  /** nf_ct_sack_adjust(). */
  private adjustSack(p: Packet, ct: number, dir: 0 | 1, packetEnd: number): boolean {
    const { view, l4Offset: l4 } = p;
    const end = l4 + ((view.getUint8(l4 + 12) >> 4) << 2);
    if (end > packetEnd || end > p.l3End) return end <= packetEnd;
    for (let at = l4 + 20; at < end; ) {
      const kind = view.getUint8(at);
      if (kind === OPTION_END) return true;
      if (kind === OPTION_NOP) {
        at++;
        continue;
      }
      if (at + 1 === end) return false;
      const bytes = view.getUint8(at + 1);
      if (bytes < 2 || at + bytes > end) return false;
      if (kind === OPTION_SACK && bytes >= 10 && (bytes - 2) % 8 === 0) {
        for (let edge = at + 2; edge < at + bytes; edge += 4) {
          const value = view.getInt32(edge);
          this.write(p, edge, value - this.ackOffset(ct, 1 - dir, value));
        }
      }
      at += bytes;
    }
    return true;
  }

  /** Replaces a word of the transport header, whose checksum follows. */
  private write(p: Packet, at: number, value: number): void {
    const { view } = p;
    for (const [offset, half] of [
      [0, (value >>> 16) & 0xffff],
      [2, value & 0xffff],
    ] as const) {
      const old = view.getUint16(at + offset);
      if (old === half) continue;
      view.setUint16(at + offset, half);
      replaceSum16(p, p.l4Offset + TCP_CHECKSUM, old, half);
    }
  }

  forget(ct: number): void {
    this.byConnection.delete(ct);
  }
}

/** Offsets in the TCP header. */
const SEQ = 4;
const ACK_SEQ = 8;
const TCP_CHECKSUM = 16;
const ACK = 16;
const OPTION_END = 0;
const OPTION_NOP = 1;
const OPTION_SACK = 5;

const WAY_WORDS = 3;
const PLACE = 0;
const BEFORE = 1;
const BEHIND = 2;

function isAfter(a: number, b: number): boolean {
  return ((b - a) | 0) < 0;
}
