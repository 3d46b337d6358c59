import { allocateBatch, type Batch } from '../batch/batch.ts';
import { NO_OFFSET } from '../batch/layout.ts';
import { LINKTYPE_RAW } from '../capture/linktype.ts';
import { decodeBatch } from '../decode/decode.ts';
import type { Packet } from '../packet/packet.ts';
import {
  R_IIF,
  R_MARK,
  R_PHYS_IN,
  R_PKT_TYPE,
  R_PRIORITY,
  R_REALM,
  R_TRACE,
  REGISTER_COUNT,
} from '../packet/registers.ts';
import { currentBytes } from '../packet/rewrite.ts';
import { DEFRAG_LOCAL_DELIVER, type FragmentAssembler } from './own-fragments.ts';

/** What skb_morph() gives the whole of its first fragment. */
const OF_THE_FIRST = [R_MARK, R_PRIORITY, R_PKT_TYPE, R_PHYS_IN, R_TRACE];
/** What it has of the fragment that came last: its device and route (ip_frag_queue()). */
const OF_THE_LAST = [R_IIF, R_REALM];

const ETHERNET_BYTES = 14;
/** Room before the IP header for that of Ethernet. */
const LINK_BYTES = 16;

/**
 * Puts IPv4 fragments for this host together behind PREROUTING, where no conntrack has done so before: ip_local_deliver()
 * in net/ipv4/ip_input.c. Each fragment is taken as PREROUTING left it, so that a header that was rewritten there is the
 * whole's, if it was the first fragment's, and so is its mark (inet_frag_reasm_prepare() in
 * net/ipv4/inet_fragment.c).
 */
export class LocalFragments {
  readonly #assembler: FragmentAssembler;
  readonly #kept = new Int32Array(REGISTER_COUNT);
  #rewritten: Batch | undefined;

  constructor(assembler: FragmentAssembler) {
    this.#assembler = assembler;
  }

  /** Row `i` of `batch` is in `p`, behind PREROUTING. True when `p` holds the whole now; false when it waits. */
  add(batch: Batch, i: number, p: Packet): boolean {
    const kept = this.#kept;
    const { number } = p;
    kept.set(p.r);
    const isAsCaptured = currentBytes(p) === batch.data;
    const source = isAsCaptured ? batch : this.#rewrite(batch, i, p);
    const row = isAsCaptured ? i : 0;
    const isWhole = this.#assembler.add(source, row, p, DEFRAG_LOCAL_DELIVER, kept[R_IIF]!, kept);
    p.number = number;
    if (!isWhole) {
      p.r.set(kept);
      return false;
    }
    const first = this.#assembler.firstRegisters ?? kept;
    for (const register of OF_THE_FIRST) p.r[register] = first[register]!;
    for (const register of OF_THE_LAST) p.r[register] = kept[register]!;
    return true;
  }

  /** A batch whose one row is the packet as it is now. */
  #rewrite(batch: Batch, i: number, p: Packet): Batch {
    this.#rewritten ??= allocateBatch(1, LINK_BYTES + 0x10000);
    const one = this.#rewritten;
    const c = one.columns;
    one.count = 1;
    one.data.set(p.bytes.subarray(p.l3Offset, p.l3End), LINK_BYTES);
    c.timeNs[0] = batch.columns.timeNs[i]!;
    c.dataOffset[0] = LINK_BYTES;
    c.capLen[0] = p.l3End - p.l3Offset;
    c.origLen[0] = batch.columns.length[i]!;
    c.source[0] = batch.columns.source[i]!;
    c.linktype[0] = LINKTYPE_RAW;
    decodeBatch(one);
    const mac = batch.columns.macOffset[i]!;
    if (mac !== NO_OFFSET) {
      const bytes = batch.data.subarray(mac, mac + ETHERNET_BYTES);
      c.macOffset[0] = LINK_BYTES - ETHERNET_BYTES;
      one.data.set(bytes, c.macOffset[0]);
    }
    c.pktType[0] = batch.columns.pktType[i]!;
    return one;
  }
}
