import { mix32 } from '../base/hash.ts';
import type { ConntrackCore } from '../conntrack/core.ts';
import {
  C_SOURCE_NEXT,
  C_SOURCE_PREV,
  C_STATUS,
  C_TIMEOUT,
  RECORD_SHIFT,
  TUPLE_ZONE,
} from '../conntrack/layout.ts';
import { IPS_CONFIRMED, IPS_SRC_NAT_DONE } from '../packet/conntrack-access.ts';

/**
 * The second hash of the connection table: by original source (address, port, protocol, zone), so that one
 * source keeps its translation whichever destination it talks to (nf_nat_bysource in net/netfilter/nf_nat_core.c).
 * Chains through the records, newest first, as the kernel's; an entry is in it from the moment its source
 * translation is settled (IPS_SRC_NAT_DONE) until it dies (ConntrackCore.bury).
 *
 * The kernel enters every connection. Here those whose source stays as it is are left out: another's source is asked for
 * when one's own is not in the range to translate to, and theirs, being the same, is not either. They are most, where
 * only some are translated, and each costs two cache misses to enter and to take out.
 */

/** hash_by_src(), reduced to a bucket. */
function bucketOf(core: ConntrackCore, tuple: Int32Array, at: number, zone: number): number {
  let h = mix32(tuple[at]! ^ Math.imul(tuple[at + 8]! | (tuple[at + 10]! << 16), 0x9e3779b1));
  h = mix32(
    h ^ tuple[at + 1]! ^ Math.imul(tuple[at + 2]!, 0x85ebca77) ^ Math.imul(tuple[at + 3]!, 0xc2b2ae3d),
  );
  return mix32(h + zone) & (core.table.sourceBuckets.length - 1);
}

/** The zone counts only when it is of both directions (nf_conntrack_zone.dir). */
function zoneOf(words: Int32Array, at: number): number {
  const original = words[at + TUPLE_ZONE]!;
  return original === words[at + 16 + TUPLE_ZONE] ? original : 0;
}

/** Puts an entry at the head of its source's chain. */
export function linkSource(core: ConntrackCore, ct: number): void {
  const words = core.words;
  const at = ct << RECORD_SHIFT;
  const bucket = bucketOf(core, words, at, zoneOf(words, at));
  const next = core.table.sourceBuckets[bucket]!;
  words[at + C_SOURCE_NEXT] = next;
  words[at + C_SOURCE_PREV] = -bucket - 1;
  if (next !== 0) words[((next - 1) << RECORD_SHIFT) + C_SOURCE_PREV] = ct + 1;
  core.table.sourceBuckets[bucket] = ct + 1;
}

/**
 * Entries with the same original source as the tuple at `at` of `tuple`, newest first: gives the first at or
 * behind chain position `from` (0: the head, else what `nextSource` gave), or -1.
 */
export function firstSource(core: ConntrackCore, tuple: Int32Array, at: number, ct: number): number {
  const zone = zoneOf(core.words, ct << RECORD_SHIFT);
  return matching(core, core.table.sourceBuckets[bucketOf(core, tuple, at, zone)]! - 1, tuple, at, ct);
}

/** The next such entry behind `previous`, or -1. */
export function nextSource(
  core: ConntrackCore,
  previous: number,
  tuple: Int32Array,
  at: number,
  ct: number,
): number {
  return matching(core, core.words[(previous << RECORD_SHIFT) + C_SOURCE_NEXT]! - 1, tuple, at, ct);
}

/** same_src(): addresses, port and protocol of the source, and the zone of the original direction. */
function matching(core: ConntrackCore, first: number, tuple: Int32Array, at: number, ct: number): number {
  const words = core.words;
  const zone = words[(ct << RECORD_SHIFT) + TUPLE_ZONE]!;
  for (let other = first; other >= 0; other = words[(other << RECORD_SHIFT) + C_SOURCE_NEXT]! - 1) {
    const o = other << RECORD_SHIFT;
    if (
      words[o] === tuple[at] &&
      words[o + 8] === tuple[at + 8] &&
      words[o + 10] === tuple[at + 10] &&
      words[o + 1] === tuple[at + 1] &&
      words[o + 2] === tuple[at + 2] &&
      words[o + 3] === tuple[at + 3] &&
      words[o + TUPLE_ZONE] === zone &&
      (words[o + C_STATUS]! & IPS_SRC_NAT_DONE) !== 0 &&
      !hasEnded(core, o)
    ) {
      return other;
    }
  }
  return -1;
}

/**
 * The kernel does not ask whether an entry has come to its end, but its worker takes it out at some time within
 * GC_SCAN_INTERVAL_MAX (60 s) from then on; when, no capture tells. Here it counts no more from its end on, whenever its record is
 * swept (expire.ts), so that every way to replay gives the same.
 */
function hasEnded(core: ConntrackCore, at: number): boolean {
  if ((core.words[at + C_STATUS]! & IPS_CONFIRMED) === 0) return false;
  return core.floats[(at + C_TIMEOUT) >> 1]! <= core.nowNs;
}
