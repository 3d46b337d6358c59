import { DECODE_L4_SHORT } from '../batch/layout.ts';
import type { Emitter } from '../extension/emitter.ts';
import type { Packet } from '../packet/packet.ts';
import { R_DECODE_FLAGS, R_FAMILY, R_FRAG_OFFSET, R_LENGTH, R_SPORT } from '../packet/registers.ts';

/** What the matches on transport headers have in common. */

/** A range of ports, or its complement. */
export interface PortRange {
  readonly low: number;
  readonly high: number;
  readonly inverted: boolean;
}

export const ANY_PORT: PortRange = { low: 0, high: 0xffff, inverted: false };

/** A pair of bounds as an option gives it, for every match that takes a range; undefined when it was not given. */
export function rangeOf<T>(
  given: { readonly value: readonly [T, T]; readonly inverted: boolean } | undefined,
): { readonly low: T; readonly high: T; readonly inverted: boolean } | undefined {
  return given && { low: given.value[0], high: given.value[1], inverted: given.inverted };
}

export function portMatches(range: PortRange, port: number): boolean {
  return (port >= range.low && port <= range.high) !== range.inverted;
}

/** A later fragment shows no transport header: par->fragoff is not 0. */
export function isLaterFragment(p: Packet): boolean {
  return p.r[R_FRAG_OFFSET] !== 0;
}

/**
 * Where a match looks that does not ask whether this is a later fragment (par->thoff): behind the IPv4 header, at
 * whatever is there. In IPv6 ipv6_find_hdr() leaves the offset at 0, and the IPv6 header itself is taken for the
 * transport's. Gives an offset in the packet's bytes, or -1 where a packet that is whole shows no transport header.
 */
export function believedTransport(p: Packet): number {
  if (!isLaterFragment(p)) return p.l4Offset;
  return p.r[R_FAMILY] === 4 ? p.l3Offset + 4 * (p.view.getUint8(p.l3Offset) & 15) : p.l3Offset;
}

/** An IPv4 fragment at offset 8 could overwrite the flags of a TCP header: tcp_mt() drops it (fragoff == 1). */
export function isFlagOverwrite(p: Packet): boolean {
  return p.r[R_FAMILY] === 4 && p.r[R_FRAG_OFFSET] === 8;
}

/** The packet itself (not the capture) ends before its transport header does: skb_header_pointer() gives NULL. */
export function isHeaderShort(p: Packet): boolean {
  return (p.r[R_DECODE_FLAGS]! & DECODE_L4_SHORT) !== 0;
}

/** Bytes from the transport header to the end of the packet as it was on the wire; only where l4Offset is valid. */
export function transportBytes(p: Packet): number {
  return p.r[R_LENGTH]! - (p.l4Offset - p.l3Offset);
}

/**
 * Whether the transport header can be looked at. Not in a later fragment; and a packet that ends within it is
 * dropped at once, since it cannot be judged. (Where only the capture is cut short, nothing matches.)
 */
export function seesTransport(p: Packet): boolean {
  if (isLaterFragment(p)) return false;
  if (isHeaderShort(p)) {
    p.hotdrop = true;
    return false;
  }
  return p.l4Offset >= 0;
}

/**
 * Emits a test on a port register. A register without a port holds -1, which no test here takes: a packet
 * without the header does not match, inverted or not.
 */
export function emitPort(e: Emitter, register: number, range: PortRange): void {
  if (!range.inverted) {
    e.range(register, range.low, range.high);
    return;
  }
  const pairs: number[] = [];
  if (range.low > 0) pairs.push(0, range.low - 1);
  if (range.high < 0xffff) pairs.push(range.high + 1, 0xffff);
  if (pairs.length === 0) e.never();
  else e.ranges(register, pairs);
}

/** Emits that there is a transport header with ports at all. */
export function emitHasPorts(e: Emitter): void {
  e.range(R_SPORT, 0, 0xffff);
}

/** ` --dport 80`, ` ! --sport 1:5`; '' for the whole range, inverted or not, as the tcp and udp matches save it. */
export function savePort(name: string, range: PortRange): string {
  return range.low === 0 && range.high === 0xffff ? '' : saveGivenPort(name, range);
}

/** ` spt:80`, ` dpts:!1:5`; '' for the whole range when not inverted. */
/** ` ! --sport 1:2`: of the matches that print a range whenever it was given, even that of all ports. */
export function saveGivenPort(name: string, range: PortRange | undefined): string {
  if (range === undefined) return '';
  const text = range.low === range.high ? `${range.low}` : `${range.low}:${range.high}`;
  return `${range.inverted ? ' !' : ''} --${name} ${text}`;
}

export function listPort(name: string, range: PortRange): string {
  if (range.low === 0 && range.high === 0xffff && !range.inverted) return '';
  const not = range.inverted ? '!' : '';
  return range.low === range.high
    ? ` ${name}:${not}${range.low}`
    : ` ${name}s:${not}${range.low}:${range.high}`;
}
