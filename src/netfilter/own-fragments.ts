import type { Batch } from '../batch/batch.ts';
import { DECODE_FRAGMENT } from '../batch/layout.ts';
import { DIRECTION_OUT, DIRECTION_OUTPUT } from '../direction/director.ts';
import type { Packet } from '../packet/packet.ts';

/** Puts the fragments of one family together: Defragmenter. */
export interface FragmentAssembler {
  add(batch: Batch, i: number, p: Packet, user: number, iif: number, registers?: Int32Array): boolean;
  readonly firstRegisters: Int32Array | undefined;
}

/** Users of defragmentation, told apart as IP_DEFRAG_* are. */
export const DEFRAG_OWN = 1;
export const DEFRAG_LOCAL_DELIVER = 2;

/**
 * How far behind a fragment the others of its packet are looked for, in packets. The kernel sends them in one go; a
 * router's answer to the first may come between, and little else.
 */
const LOOK_AHEAD_PACKETS = 1024;

/**
 * Fragments that this host made. OUTPUT saw the packet whole, and the cut came behind POSTROUTING (ip_do_fragment(),
 * ip6_fragment()): so the whole is replayed when its first fragment has come, with those that lie ahead. An error
 * that answers one of them ("fragmentation needed", "packet too big") then finds the connection. Where they do not all
 * lie ahead, it is replayed with the last.
 */
export class OwnFragments {
  readonly #assemblers: readonly (FragmentAssembler | undefined)[];
  /** Numbers of packets that have been taken ahead of their turn. */
  readonly #taken = new Set<number>();

  /** `assemblers`: [4] and [6]. */
  constructor(assemblers: readonly (FragmentAssembler | undefined)[]) {
    this.#assemblers = assemblers;
  }

  /** Takes row `i` of `batch`. True when `p` holds the whole packet, with the time and number of this fragment. */
  add(batch: Batch, i: number, p: Packet, iface: number, ahead: readonly Batch[]): boolean {
    const number = batch.firstPacket + i;
    if (this.#taken.delete(number)) return false;
    const assembler = this.#assemblers[batch.columns.family[i]!]!;
    if (
      !assembler.add(batch, i, p, DEFRAG_OWN, iface) &&
      !this.#addAhead(batch, i, p, iface, ahead, assembler)
    ) {
      return false;
    }
    p.timeNs = batch.columns.timeNs[i]!;
    p.number = number;
    return true;
  }

  #addAhead(
    batch: Batch,
    i: number,
    p: Packet,
    iface: number,
    ahead: readonly Batch[],
    assembler: FragmentAssembler,
  ): boolean {
    let there: Batch | undefined = batch;
    let row = i;
    for (let k = 0, distance = 1; distance <= LOOK_AHEAD_PACKETS; distance++) {
      row++;
      while (there !== undefined && row >= there.count) {
        there = ahead[k++];
        row = 0;
      }
      if (there === undefined) return false;
      if (!isOfTheSame(batch, i, there, row)) continue;
      const number = there.firstPacket + row;
      if (this.#taken.has(number)) continue;
      this.#taken.add(number);
      if (assembler.add(there, row, p, DEFRAG_OWN, iface)) return true;
    }
    return false;
  }
}

/** Row `j` of `other` is a fragment of the packet that row `i` of `batch` is one of. */
function isOfTheSame(batch: Batch, i: number, other: Batch, j: number): boolean {
  const [c, d] = [batch.columns, other.columns];
  if ((d.decodeFlags[j]! & DECODE_FRAGMENT) === 0 || !isOwn(d.direction[j]!)) return false;
  if (c.family[i] !== d.family[j] || c.ipId[i] !== d.ipId[j]) return false;
  for (let k = 0; k < 4; k++) {
    if (c.saddr[4 * i + k] !== d.saddr[4 * j + k] || c.daddr[4 * i + k] !== d.daddr[4 * j + k]) return false;
  }
  return true;
}

function isOwn(direction: number): boolean {
  return direction === DIRECTION_OUT || direction === DIRECTION_OUTPUT;
}
