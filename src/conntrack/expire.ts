import { IPS_ASSURED, IPS_CONFIRMED, IPS_DYING } from '../packet/conntrack-access.ts';
import type { ConntrackCore } from './core.ts';
import {
  C_STATUS,
  C_TIMEOUT,
  HEADER_FREE,
  HEADER_GC_NEXT,
  HEADER_NEXT_ROUND_NS,
  HEADER_NEXT_SWEEP_NS,
  HEADER_SOONEST_NS,
  RECORD_SHIFT,
} from './layout.ts';

/**
 * The end of entries that nobody looks up any more.
 *
 * An expired entry is never found (look-up kills it), so when it is swept out shows in one thing only: how many
 * entries count against nf_conntrack_max. The kernel's worker (gc_worker() in net/netfilter/nf_conntrack_core.c)
 * goes through the whole table in at most a minute and sooner when much expires; here each new entry sweeps
 * SWEEP_RECORDS others, and a full table is swept through before anything is dropped, as soon as anything in it may
 * have expired. So a replayed table is hardly ever fuller than the kernel's (by what has come to its end within
 * SWEPT_FOR_NS), and can be emptier by what the kernel had not swept yet.
 */
export const SWEEP_RECORDS = 4;

/**
 * How long a sweep of the whole table that leaves it full is good for at most: entries may have been given shorter
 * timeouts since. The kernel's worker waits as long between two rounds (GC_SCAN_INTERVAL_MIN). Without it, each packet of
 * a flood against a full table of half a million would look at all of them: 8 ms a packet.
 */
const SWEPT_FOR_NS = 1e9;

/**
 * How long a round of sweeps that found nothing to come to its end is good for at most. A flood of new connections would
 * look at old records, which are in no cache, for nothing.
 */
export const ROUND_GOOD_FOR_NS = 10e9;

/** Looks at the next few records and kills those that have expired; none while there are records to use again. */
export function sweep(core: ConntrackCore): void {
  const { header, headerFloats: floats } = core.table;
  if (header[HEADER_FREE] !== 0 || core.nowNs < floats[HEADER_NEXT_ROUND_NS]!) return;
  if (header[HEADER_GC_NEXT]! + SWEEP_RECORDS >= core.table.high) {
    floats[HEADER_NEXT_ROUND_NS] = Math.min(floats[HEADER_SOONEST_NS]!, core.nowNs + ROUND_GOOD_FOR_NS);
    floats[HEADER_SOONEST_NS] = Number.POSITIVE_INFINITY;
  }
  sweepRecords(core, SWEEP_RECORDS);
}

/** Looks at all records, unless nothing can have expired since that was done last; gives how many died. */
export function sweepAll(core: ConntrackCore): number {
  const { headerFloats: floats } = core.table;
  if (core.nowNs < floats[HEADER_NEXT_SWEEP_NS]!) return 0;
  floats[HEADER_SOONEST_NS] = Number.POSITIVE_INFINITY;
  const killed = sweepRecords(core, core.table.high);
  floats[HEADER_NEXT_SWEEP_NS] = Math.min(floats[HEADER_SOONEST_NS]!, core.nowNs + SWEPT_FOR_NS);
  return killed;
}

/** Kills those of the next `records` records that have expired, and notes when the first of the others will. */
function sweepRecords(core: ConntrackCore, records: number): number {
  const { table, words, floats } = core;
  const { high, header, headerFloats } = table;
  let killed = 0;
  let next = header[HEADER_GC_NEXT]!;
  for (let i = 0; i < records && i < high; i++) {
    if (next >= high) next = 0;
    const at = next << RECORD_SHIFT;
    if ((words[at + C_STATUS]! & (IPS_CONFIRMED | IPS_DYING)) === IPS_CONFIRMED) {
      const expiry = floats[(at + C_TIMEOUT) >> 1]!;
      if (expiry <= core.nowNs) {
        core.kill(next);
        killed++;
      } else if (expiry < headerFloats[HEADER_SOONEST_NS]!) headerFloats[HEADER_SOONEST_NS] = expiry;
    }
    next++;
  }
  header[HEADER_GC_NEXT] = next;
  return killed;
}

/** Buckets of the kernel's table that early_drop() looks through (NF_CT_EVICTION_RANGE). */
const EVICTION_BUCKETS = 8;

/** Connections that early_drop() looks at, of a table with so many a bucket. */
export function evictionLimit(perBucket: number): number {
  return Math.max(1, Math.round(EVICTION_BUCKETS * perBucket));
}

/**
 * early_drop(): when the table is full, connections near the new one's place that were never answered on both
 * sides make room. Which ones those are is decided by a secret hash in the kernel and by our own here; that some
 * of so many are looked at, `perBucket` of them in each of eight buckets, is the same.
 */
function earlyDrop(core: ConntrackCore, hash: number, perBucket: number): boolean {
  return core.table.walkFrom(hash, evictionLimit(perBucket), dropUnlessAssured, core);
}

function dropUnlessAssured(core: ConntrackCore, ct: number): boolean {
  const status = core.words[(ct << RECORD_SHIFT) + C_STATUS]!;
  if ((status & IPS_ASSURED) !== 0 || (status & IPS_DYING) !== 0) return false;
  return core.kill(ct);
}

/**
 * Sees to it that there is room for one more entry, of whose tuple `hash` is: __nf_conntrack_alloc() with a table of
 * `max` entries. False when none could be dropped.
 */
export function makeRoom(core: ConntrackCore, hash: number, max: number, perBucket: number): boolean {
  return core.inUse < max || sweepAll(core) > 0 || earlyDrop(core, hash, perBucket);
}
