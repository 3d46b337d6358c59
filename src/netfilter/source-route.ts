import { DECODE_OPTIONS, PKT_HOST } from '../batch/layout.ts';
import { writeHeaderChecksum } from '../decode/internet-checksum.ts';
import { OPTION_END, OPTION_LOOSE_ROUTE, OPTION_NOOP, OPTION_STRICT_ROUTE } from '../decode/ipv4-options.ts';
import {
  type Host,
  ROUTE_BROADCAST,
  ROUTE_LOCAL,
  ROUTE_MULTICAST,
  ROUTE_UNICAST,
  type RouteResult,
} from '../host/types.ts';
import type { Packet } from '../packet/packet.ts';
import { R_DADDR, R_DECODE_FLAGS, R_FAMILY, R_PKT_TYPE } from '../packet/registers.ts';
import { writableBytes } from '../packet/rewrite.ts';

const IPV4_HEADER_BYTES = 20;
const DADDR_AT = 16;

/**
 * IPv4 source routes: a packet to this host says to which address it goes on. Where the interface accepts that
 * (accept_source_route of all and of the interface), PREROUTING, conntrack and FORWARD see the destination it came with,
 * POSTROUTING the next one; of further addresses of this host each becomes the destination at once. Linux:
 * net/ipv4/ip_input.c, ip_rcv_options(); net/ipv4/ip_options.c, ip_options_rcv_srr(), ip_forward_options().
 *
 *     type | length | pointer | address | address …      pointer: of the next address, from 1 at the type
 *
 * One for a machine, for one packet after another: `follow` where it is routed, `isBroken` and `goOn` where it is forwarded.
 */
export class SourceRoute {
  readonly #host: Host;
  /** Where `#ask` leaves the way. */
  readonly #route: RouteResult;
  readonly #ask: (p: Packet, iif: number) => void;
  /** Of the option, from the IP header. */
  #at = 0;
  /** The packet goes on to this address. */
  #nextHop = 0;
  #isFollowed = false;
  #isStrict = false;
  readonly #source = new Int32Array(4);

  /** `ask`: the way of a packet that came in by `iif`, as its registers stand, goes to `route`. */
  constructor(host: Host, route: RouteResult, ask: (p: Packet, iif: number) => void) {
    this.#host = host;
    this.#route = route;
    this.#ask = ask;
  }

  /** Routes a packet anew that has been routed by its destination; false when it is dropped for its source route. */
  follow(p: Packet, iif: number): boolean {
    this.#isFollowed = false;
    const at = optionAt(p);
    if (at === 0) return true;
    const { r } = p;
    const route = this.#route;
    if (this.#host.interfaceSysctl(4, 'accept_source_route', iif) === 0) return false;
    if (r[R_PKT_TYPE] !== PKT_HOST) return false;
    const option = p.l3Offset + at;
    this.#at = at;
    this.#isStrict = p.bytes[option] === OPTION_STRICT_ROUTE;
    const { kind } = route;
    if (kind === ROUTE_UNICAST) return !this.#isStrict;
    if (kind === ROUTE_BROADCAST || kind === ROUTE_MULTICAST) return false;
    // What has no way is dropped for that.
    if (kind !== ROUTE_LOCAL) return true;

    const length = p.bytes[option + 1]!;
    for (let pointer = p.bytes[option + 2]!; pointer <= length; pointer += 4) {
      if (pointer + 3 > length) return false;
      const daddr = r[R_DADDR]!;
      const address = p.view.getInt32(p.l3Offset + at + pointer - 1);
      r[R_DADDR] = address;
      this.#ask(p, iif);
      r[R_DADDR] = daddr;
      if (route.kind === ROUTE_UNICAST) {
        this.#isFollowed = true;
        this.#nextHop = address;
        return true;
      }
      if (route.kind !== ROUTE_LOCAL) return false;
      setDestination(p, address);
    }
    return true;
  }

  /** A strict route leads over no gateway. */
  isBroken(): boolean {
    return this.#isFollowed && this.#isStrict && this.#route.hasGateway;
  }

  /** Behind FORWARD: the next address is the destination, and its place in the option is taken by the host's own. */
  goOn(p: Packet, oif: number): void {
    if (!this.#isFollowed) return;
    const bytes = writableBytes(p);
    const option = p.l3Offset + this.#at;
    const length = bytes[option + 1]!;
    let pointer = bytes[option + 2]!;
    while (pointer + 3 <= length && p.view.getInt32(option + pointer - 1) !== this.#nextHop) pointer += 4;
    setDestination(p, this.#nextHop);
    p.view.setInt32(option + pointer - 1, this.#ownAddress(p, oif));
    bytes[option + 2] = pointer + 4;
    writeHeaderChecksum(p.view, p.l3Offset, 4 * (bytes[p.l3Offset]! & 15));
  }

  /** ip_rt_get_source(). */
  #ownAddress({ r }: Packet, oif: number): number {
    const route = this.#route;
    if (route.hasPrefsrc) return route.prefsrc[0]!;
    const to = route.hasGateway ? route.gateway : r;
    this.#source[0] = 0;
    this.#host.selectSource(4, oif, to, route.hasGateway ? 0 : R_DADDR, this.#source, 0);
    return this.#source[0]!;
  }
}

/** Where a packet's source route stands, from its IP header; 0 when it has none, or it was not captured. */
function optionAt({ r, bytes, l3Offset, l3End }: Packet): number {
  if (r[R_FAMILY] !== 4 || (r[R_DECODE_FLAGS]! & DECODE_OPTIONS) === 0) return 0;
  const end = Math.min(l3End, l3Offset + 4 * (bytes[l3Offset]! & 15));
  for (let at = l3Offset + IPV4_HEADER_BYTES; at + 2 < end; ) {
    const option = bytes[at]!;
    if (option === OPTION_END) break;
    const length = option === OPTION_NOOP ? 1 : Math.max(2, bytes[at + 1]!);
    if (option === OPTION_LOOSE_ROUTE || option === OPTION_STRICT_ROUTE)
      return at + length <= end ? at - l3Offset : 0;
    at += length;
  }
  return 0;
}

/** In the header alone: the transport's checksum is that of the last destination, and stays. */
function setDestination(p: Packet, daddr: number): void {
  writableBytes(p);
  p.view.setInt32(p.l3Offset + DADDR_AT, daddr);
  p.r[R_DADDR] = daddr;
}
