import { jiffiesAt, jiffiesOfMs } from '../matches/jiffies.ts';
import type { Packet } from '../packet/packet.ts';
import { R_LENGTH } from '../packet/registers.ts';
import { type ElementTable, PERMANENT } from './element-table.ts';
import type { CounterTest, SetOptions, SetQuery, SkbInfo } from './types.ts';

/**
 * Timeouts, counters and skbinfo of elements. Linux: net/netfilter/ipset/ip_set_core.c, ip_set_match_extensions();
 * include/linux/netfilter/ipset/ip_set_timeout.h, ip_set_counter.h, ip_set_skbinfo.h.
 */

/** Longest timeout: what milliseconds in 32 bits hold (IPSET_MAX_TIMEOUT). */
export const MAX_TIMEOUT_SECONDS = Math.floor(0xffffffff / 1000);

/** ip_set_timeout_set(): 0 seconds is for ever. */
export function timeoutAfter(nowJiffies: number, seconds: number): number {
  return seconds === 0 ? PERMANENT : nowJiffies + jiffiesOfMs(seconds * 1000);
}

/** ip_set_timeout_expired(). */
export function isExpired(table: ElementTable, place: number, timeNs: number): boolean {
  return jiffiesAt(timeNs) > table.timeoutAt[place]!;
}

/** ip_set_match_extensions(): whether the element counts as found; counts the packet and copies skbinfo if so. */
export function matchExtensions(
  options: SetOptions,
  table: ElementTable,
  place: number,
  p: Packet,
  query: SetQuery,
  found: SkbInfo | undefined,
): boolean {
  if (options.timeoutSeconds !== undefined && isExpired(table, place, p.timeNs)) return false;
  if (options.counters) {
    // First counted, then compared: the packet itself is in what --packets-gt sees (since Linux 5.7).
    if (query.updateCounters) {
      table.packets[place]!++;
      table.bytes[place]! += p.r[R_LENGTH]!;
    }
    if (query.packets !== undefined && !counterMatches(table.packets[place]!, query.packets)) return false;
    if (query.bytes !== undefined && !counterMatches(table.bytes[place]!, query.bytes)) return false;
  }
  if (options.skbinfo && found !== undefined) {
    found.skbmark = table.skbmark[place]!;
    found.skbmarkmask = table.skbmarkmask[place]!;
    found.skbprio = table.skbprio[place]!;
    found.skbqueue = table.skbqueue[place]!;
  }
  return true;
}

/** ip_set_match_counter(). */
function counterMatches(count: number, test: CounterTest): boolean {
  const value = Number(test.value);
  switch (test.operation) {
    case 'eq':
      return count === value;
    case 'ne':
      return count !== value;
    case 'lt':
      return count < value;
    case 'gt':
      return count > value;
  }
}

/**
 * Extensions of an element that a packet has added: the counters begin with this packet, skbinfo is what `query`
 * brings, which is nothing (IP_SET_INIT_KEXT).
 */
export function initExtensions(
  options: SetOptions,
  table: ElementTable,
  place: number,
  p: Packet,
  query: SetQuery,
): void {
  table.packets[place] = 1;
  table.bytes[place] = p.r[R_LENGTH]!;
  table.skbmark[place] = 0;
  table.skbmarkmask[place] = 0;
  table.skbprio[place] = 0;
  table.skbqueue[place] = 0;
  if (options.timeoutSeconds === undefined) return;
  const seconds = Math.min(query.timeoutSeconds ?? options.timeoutSeconds, MAX_TIMEOUT_SECONDS);
  table.timeoutAt[place] = timeoutAfter(jiffiesAt(p.timeNs), seconds);
}
