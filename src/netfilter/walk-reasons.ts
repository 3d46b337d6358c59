import { DECODE_BAD_IP_OPTIONS, DECODE_OPTIONS } from '../batch/layout.ts';
import { DEPENDS_ON_MORE, DEPENDS_ON_TRANSLATION } from '../compile/dependence.ts';
import { isOdd } from '../compile/odd.ts';
import type { Sharing } from '../compile/sharing.ts';
import type { Trail } from '../evaluate/trail.ts';
import { IPS_CONFIRMED, IPS_WHOLE_WAY } from '../packet/conntrack-access.ts';
import type { Packet } from '../packet/packet.ts';
import { R_CT, R_CTINFO, R_CTMARK, R_CTSTATUS, R_DECODE_FLAGS, R_FAMILY } from '../packet/registers.ts';
import { OUTCOME_REJECTED } from './outcome.ts';
import { isShared } from './quick-way.loop.ts';
import type { Traversal } from './traverse.ts';

/** Why a packet had to walk. */
export const WALK_LINEAR = 0;
export const WALK_TOO_MANY_CLASSES = 1;
export const WALK_RAW_FIRST = 2;
export const WALK_RULE = 3;
export const WALK_LOOPBACK = 4;
export const WALK_BRIDGED = 5;
export const WALK_ODD = 6;
export const WALK_HOTDROP = 7;
export const WALK_REJECTED = 8;
export const WALK_HELPED = 9;
export const WALK_BEGINS = 10;
export const WALK_RELATED = 11;
export const WALK_MARKED = 12;
export const WALK_UNKNOWN = 13;

/** By number: a name for programs, and the reason in words. */
export const WALK_REASONS: readonly { readonly name: string; readonly sentence: string }[] = [
  { name: 'linear', sentence: 'no path is shared: --evaluator linear, or no rules for the family' },
  { name: 'too-many-classes', sentence: 'no path is shared: rules tell too many kinds of packets apart' },
  {
    name: 'raw-first',
    sentence: 'raw has a say in what is tracked, and their connection did not know their way',
  },
  { name: 'rule', sentence: 'came to a rule that must see each packet' },
  { name: 'loopback', sentence: 'the host to itself, by lo' },
  { name: 'bridged', sentence: 'passed on by a bridge' },
  { name: 'odd', sentence: 'fragments, IP options, broken headers' },
  { name: 'hotdrop', sentence: 'dropped by a match that could not read it' },
  { name: 'rejected', sentence: 'rejected' },
  { name: 'helped', sentence: "its connection's helper or sequence adjustment reads each packet" },
  { name: 'begins', sentence: 'begins a connection' },
  { name: 'related', sentence: 'RELATED to a connection' },
  { name: 'marked', sentence: "changed its connection's mark" },
  { name: 'not-known', sentence: 'the first of its kind in its connection or flow' },
];

/** What the reasons are found by; the same as OrderedStageParts. */
export interface WalkReasonParts {
  readonly sharing: readonly (Sharing | undefined)[];
  readonly rawFirst: readonly boolean[];
  readonly trail: Trail;
  /** [4] and [6]: rules look at too much for a signature (Sharing.seal). */
  readonly hasTooManyClasses: readonly boolean[];
}

/**
 * Counts walks by why the packet had to walk: what OrderedStage decides in #replay, #share and #mayRemember, asked
 * again for each walk of a profiled run. It stands in for the methods of one Traversal.
 */
export class WalkReasons {
  readonly packets = new Float64Array(WALK_REASONS.length);
  readonly #parts: WalkReasonParts;
  readonly #traversal: Traversal;

  constructor(parts: WalkReasonParts, traversal: Traversal) {
    this.#parts = parts;
    this.#traversal = traversal;
    const { inbound, outbound, output, loop, bridged } = traversal;
    const watch =
      (walk: (p: Packet, iface: number) => void, always = -1) =>
      (p: Packet, iface: number): void =>
        this.#walk(p, always, () => walk.call(traversal, p, iface));
    traversal.inbound = watch(inbound);
    traversal.outbound = watch(outbound);
    traversal.output = watch(output);
    traversal.loop = watch(loop, WALK_LOOPBACK);
    traversal.bridged = (p, bridge, ports, count, isForAll) =>
      this.#walk(p, WALK_BRIDGED, () => bridged.call(traversal, p, bridge, ports, count, isForAll));
  }

  #isWalking = false;

  #walk(p: Packet, always: number, walk: () => void): void {
    // `output` goes on by `outbound` or `loop`.
    if (this.#isWalking) {
      walk();
      return;
    }
    const { r } = p;
    const flags = r[R_DECODE_FLAGS]!;
    const ctinfo = r[R_CTINFO]!;
    const status = r[R_CTSTATUS]!;
    const ctmark = r[R_CTMARK]!;
    const ct = r[R_CT]!;
    const isWhole = p.l4Offset >= 0 && p.fragMaxBytes === 0 && !isOdd(r);
    this.#isWalking = true;
    walk();
    this.#isWalking = false;
    const family = r[R_FAMILY]!;
    let reason = always;
    if (reason < 0) reason = this.#ofFamily(family);
    if (reason < 0 && (!isWhole || (flags & (DECODE_OPTIONS | DECODE_BAD_IP_OPTIONS)) !== 0))
      reason = WALK_ODD;
    if (reason < 0) reason = this.#ofWalk(p, ct < 0 || ((status & IPS_CONFIRMED) === 0 && this.#isOwn()));
    if (reason < 0 && ct >= 0) {
      if ((status & IPS_WHOLE_WAY) !== 0) reason = WALK_HELPED;
      else if ((status & IPS_CONFIRMED) === 0) reason = WALK_BEGINS;
      else if (!isShared(ctinfo)) reason = WALK_RELATED;
      else if (r[R_CT] === ct && r[R_CTMARK] !== ctmark) reason = WALK_MARKED;
    }
    this.packets[reason < 0 ? WALK_UNKNOWN : reason]! += 1;
  }

  #ofFamily(family: number): number {
    const { sharing, rawFirst, hasTooManyClasses } = this.#parts;
    if (hasTooManyClasses[family]) return WALK_TOO_MANY_CLASSES;
    if (sharing[family] === undefined) return WALK_LINEAR;
    return rawFirst[family] ? WALK_RAW_FIRST : -1;
  }

  /** The walk of a first packet depended on what keeps it from standing for others' (walk-memo.ts). */
  #isOwn(): boolean {
    return (this.#parts.trail.depends & (DEPENDS_ON_TRANSLATION | DEPENDS_ON_MORE)) !== 0;
  }

  /** `isAlone`: packets like this one do not ask at forks. */
  #ofWalk(p: Packet, isAlone: boolean): number {
    const { trail } = this.#parts;
    if (trail.unsharable || (isAlone && trail.forkCount > 0)) return WALK_RULE;
    if (p.hotdrop) return WALK_HOTDROP;
    return this.#traversal.end.outcome === OUTCOME_REJECTED ? WALK_REJECTED : -1;
  }
}
