import type { Batch, Columns } from '../batch/batch.ts';
import { CHECKSUM_UNKNOWN, NO_OFFSET, PKT_HOST } from '../batch/layout.ts';

/**
 * The frame under decoding: one object for all rows of all batches. Each header's function reads at `at`, writes
 * the row's columns and moves `at` behind itself.
 *
 *   data:  … | link headers | IP header | …        |
 *            ^ begin        ^ at        end ^      wireEnd ^
 *
 * Bytes from `end` on were not captured; nothing is on the wire from `wireEnd` on. What shortens the packet
 * (a PPPoE length, the IP length) moves both.
 */
export class Frame {
  c!: Columns;
  view!: DataView;
  row = 0;
  /** Offset in data of the next header. */
  at = 0;
  /** Offset in data just behind the last captured byte that is part of the packet. */
  end = 0;
  /** Offset in data (or beyond it) just behind the last byte that was on the wire; never below `end`. */
  wireEnd = 0;
  /** False when header checksums are to be taken as good. */
  verify = true;

  setBatch(batch: Batch): void {
    this.c = batch.columns;
    this.view = batch.view;
  }

  /** Begins row `row`: every decode column gets its value for "nothing known". */
  begin(row: number): void {
    const { c } = this;
    this.row = row;
    this.at = c.dataOffset[row]!;
    this.end = this.at + c.capLen[row]!;
    this.wireEnd = this.at + Math.max(c.origLen[row]!, c.capLen[row]!);
    c.family[row] = 0;
    c.drop[row] = 0;
    c.l4proto[row] = 0;
    c.tos[row] = 0;
    c.ttl[row] = 0;
    c.tcpFlags[row] = 0;
    c.checksum[row] = CHECKSUM_UNKNOWN;
    c.decodeFlags[row] = 0;
    c.fragOffset[row] = 0;
    c.vlan[row] = 0xffff;
    c.etherType[row] = 0;
    c.pktType[row] = PKT_HOST;
    c.macOffset[row] = NO_OFFSET;
    c.l3Offset[row] = this.at;
    c.l3CapLen[row] = 0;
    c.length[row] = 0;
    c.l4Offset[row] = NO_OFFSET;
    c.sport[row] = 0;
    c.dport[row] = 0;
    c.tcpSeq[row] = 0;
    c.tcpAck[row] = 0;
    c.tcpWindow[row] = 0;
    for (let k = 4 * row; k < 4 * row + 4; k++) {
      c.saddr[k] = 0;
      c.daddr[k] = 0;
    }
    c.ipId[row] = 0;
    c.tupleHash[row] = 0;
    c.ifindex[row] = 0;
  }

  /** Captured bytes from `at` on. */
  get captured(): number {
    return this.end - this.at;
  }

  /** Bytes from `at` on that were on the wire. */
  get onWire(): number {
    return this.wireEnd - this.at;
  }

  /** The packet ends `bytes` behind `at`: what follows is padding. */
  trim(bytes: number): void {
    this.wireEnd = Math.min(this.wireEnd, this.at + bytes);
    this.end = Math.min(this.end, this.wireEnd);
  }

  flag(bits: number): void {
    this.c.decodeFlags[this.row]! |= bits;
  }
}
