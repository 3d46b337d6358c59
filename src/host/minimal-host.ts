import type { Family } from '../base/inet.ts';
import { AddressMap } from './address-map.ts';
import { isLimitedBroadcast4, isLoopback4, isMulticast4, isZeronet4 } from './address4.ts';
import {
  ADDR6_ANY,
  ADDR6_LINKLOCAL,
  ADDR6_LOOPBACK,
  ADDR6_UNICAST,
  addressType6,
  isMulticast6,
} from './address6.ts';
import type { Inventory } from './inventory.ts';
import { InventoryHost, writeAddress4, writeAddress6 } from './kernel-host.ts';
import { clearResult, refuse, take } from './result.ts';
import { RTN_BROADCAST, RTN_LOCAL, RTN_MULTICAST, RTN_UNICAST, RTN_UNSPEC } from './route.ts';
import type { Sysctls } from './sysctl.ts';
import {
  type AddressType,
  type Host,
  type LocalGuess,
  REVERSE_ELSEWHERE,
  REVERSE_LOCAL,
  REVERSE_NONE,
  REVERSE_SAME,
  type ReversePath,
  ROUTE_BROADCAST,
  ROUTE_LOCAL,
  ROUTE_MARTIAN,
  ROUTE_MULTICAST,
  ROUTE_NONE,
  ROUTE_UNICAST,
  type RouteKind,
  type RouteResult,
} from './types.ts';

/**
 * The host that is assumed when HOST says neither addresses nor routes. Its rules, in this order:
 *
 *  1. 127.0.0.0/8, ::1 and every address told by `guess.learnLocal()` are the host's own.
 *  2. Multicast and limited broadcast that came in are delivered to INPUT.
 *  3. With one interface besides lo, every packet that came in by it is for the host, and every packet that the host
 *     makes leaves by it.
 *  4. With more, the host is a router: a packet goes out by the interface that its destination was seen behind, as
 *     `guess.learnSource()` told; else by the first interface that it did not come in by.
 *
 * What is learned counts from the moment on that it was told: the engine tells it all before the replay begins, so that
 * the answers do not depend on the order of packets.
 */
export class MinimalHost extends InventoryHost implements Host {
  /** Own addresses, with the id of their interface. */
  private readonly own = new AddressMap();
  /** Addresses seen as sources, with the interface that they came in by. */
  private readonly seen = new AddressMap();
  /** First own address told of each interface and family, for source selection: family * 65536 + id. */
  private readonly firstOwn = new Map<number, Int32Array>();

  constructor(inventory: Inventory, sysctls: Sysctls, assumptions: Iterable<string>) {
    super(inventory, sysctls, assumptions);
    this.assume(
      'Neither addresses nor routes of the host are known: with one capture interface every packet that came in is taken as addressed to the host; with several, a packet whose destination was not seen as an address of the host is forwarded to the interface where that address was seen as a source.',
    );
  }

  /** Nothing is known of groups and networks: only a limited broadcast surely comes back. */
  comesBack(family: Family, words: Int32Array, daddrAt: number): boolean {
    return family === 4 && isLimitedBroadcast4(words[daddrAt]!);
  }

  readonly guess: LocalGuess = {
    learnLocal: (family, words, at, interfaceId) => {
      this.own.add(family, words, at, interfaceId);
      const key = family * 65536 + interfaceId;
      if (!this.firstOwn.has(key))
        this.firstOwn.set(
          key,
          Int32Array.from({ length: 4 }, (_, i) => (family === 4 && i > 0 ? 0 : words[at + i]!)),
        );
    },
    learnSource: (family, words, at, interfaceId) => this.seen.add(family, words, at, interfaceId),
  };

  routeInput(
    family: Family,
    words: Int32Array,
    saddrAt: number,
    daddrAt: number,
    _tos: number,
    _mark: number,
    iif: number,
    _l4proto: number,
    _sport: number,
    _dport: number,
    out: RouteResult,
  ): RouteKind {
    clearResult(out);
    if (this.isMulticast(family, words, daddrAt))
      return take(out, ROUTE_MULTICAST, 0, 'multicast is delivered');
    if (family === 4 && isLimitedBroadcast4(words[daddrAt]!))
      return take(out, ROUTE_BROADCAST, 0, 'limited broadcast');
    if (this.isMulticast(family, words, saddrAt))
      return refuse(out, ROUTE_MARTIAN, 'martian source: a multicast address');
    if (this.inventory.devices[iif]!.isLoopback || this.isLocalAddress(family, words, daddrAt))
      return take(out, ROUTE_LOCAL, 0, 'an address of the host');
    const oif = this.outInterface(family, words, daddrAt, iif);
    if (oif === 0)
      return take(out, ROUTE_LOCAL, 0, 'the only interface: what comes in is taken as addressed to the host');
    return take(out, ROUTE_UNICAST, oif, 'forwarded to where the destination was seen');
  }

  routeOutput(
    family: Family,
    words: Int32Array,
    _saddrAt: number,
    daddrAt: number,
    _tos: number,
    _mark: number,
    oif: number,
    _l4proto: number,
    _sport: number,
    _dport: number,
    out: RouteResult,
  ): RouteKind {
    clearResult(out);
    if (this.isLocalAddress(family, words, daddrAt))
      return take(out, ROUTE_LOCAL, this.inventory.loopbackId, 'an address of the host');
    const leaves = oif !== 0 ? oif : this.leavesBy(family, words, daddrAt);
    if (leaves === 0) return refuse(out, ROUTE_NONE, 'no interface but lo is known');
    const isBroadcast = family === 4 && isLimitedBroadcast4(words[daddrAt]!);
    const kind = isBroadcast
      ? ROUTE_BROADCAST
      : this.isMulticast(family, words, daddrAt)
        ? ROUTE_MULTICAST
        : ROUTE_UNICAST;
    take(out, kind, leaves, 'the interface where the destination was seen, else the first');
    out.hasPrefsrc = this.selectSource(family, leaves, words, daddrAt, out.prefsrc, 0);
    return out.kind;
  }

  reversePath(
    family: Family,
    words: Int32Array,
    _saddrAt: number,
    daddrAt: number,
    _tos: number,
    _mark: number,
    iif: number,
  ): ReversePath {
    if (this.isLocalAddress(family, words, daddrAt)) return REVERSE_LOCAL;
    const leaves = this.leavesBy(family, words, daddrAt);
    if (leaves === 0) return REVERSE_NONE;
    return leaves === iif ? REVERSE_SAME : REVERSE_ELSEWHERE;
  }

  addressType(family: Family, words: Int32Array, at: number, _interfaceId: number): AddressType {
    if (this.isMulticast(family, words, at)) return 'MULTICAST';
    if (family === 4 && (isZeronet4(words[at]!) || isLimitedBroadcast4(words[at]!))) return 'BROADCAST';
    if (family === 6 && addressType6(words, at) === ADDR6_ANY) return 'UNSPEC';
    return this.isLocalAddress(family, words, at) ? 'LOCAL' : 'UNICAST';
  }

  addressTypes(family: Family, words: Int32Array, at: number, interfaceId: number): number {
    if (family === 4) {
      const name = this.addressType(4, words, at, interfaceId);
      if (name === 'MULTICAST') return 1 << RTN_MULTICAST;
      if (name === 'BROADCAST') return 1 << RTN_BROADCAST;
      return name === 'LOCAL' ? 1 << RTN_LOCAL : 1 << RTN_UNICAST;
    }
    const type = addressType6(words, at);
    let types = 0;
    if (this.isMulticast(6, words, at)) types |= 1 << RTN_MULTICAST;
    if ((type & ADDR6_UNICAST) !== 0) types |= 1 << RTN_UNICAST;
    if (type === ADDR6_ANY) types |= 1 << RTN_UNSPEC;
    if (this.isLocalAddress(6, words, at)) types |= 1 << RTN_LOCAL;
    return types;
  }

  isLocalAddress(family: Family, words: Int32Array, at: number): boolean {
    if (family === 4 ? isLoopback4(words[at]!) : isLoopback6(words, at)) return true;
    return this.own.get(family, words, at) !== 0;
  }

  selectSource(
    family: Family,
    interfaceId: number,
    _words: Int32Array,
    _daddrAt: number,
    out: Int32Array,
    outAt: number,
  ): boolean {
    const address = this.firstOwn.get(family * 65536 + interfaceId);
    if (address === undefined) return false;
    return family === 4 ? writeAddress4(address[0]!, out, outAt) : writeAddress6(address, out, outAt);
  }

  hasOneSource(): boolean {
    return true;
  }

  firstAddress(
    family: Family,
    interfaceId: number,
    words: Int32Array,
    daddrAt: number,
    out: Int32Array,
    outAt: number,
  ): boolean {
    return this.selectSource(family, interfaceId, words, daddrAt, out, outAt);
  }

  broadcastMask(): number {
    return 0;
  }

  private isMulticast(family: Family, words: Int32Array, at: number): boolean {
    return family === 4 ? isMulticast4(words[at]!) : isMulticast6(words, at);
  }

  /** Where a packet that came in goes on to, 0 when the host has no second interface. */
  private outInterface(family: Family, words: Int32Array, daddrAt: number, iif: number): number {
    const other = this.firstInterface(iif);
    if (other === 0) return 0;
    if (family === 6 && (addressType6(words, daddrAt) & ADDR6_LINKLOCAL) !== 0) return 0;
    const seen = this.seen.get(family, words, daddrAt);
    return seen !== 0 ? seen : other;
  }

  private leavesBy(family: Family, words: Int32Array, daddrAt: number): number {
    const seen = this.seen.get(family, words, daddrAt);
    return seen !== 0 ? seen : this.firstInterface(0);
  }

  /** The first interface that is neither lo nor `except`. */
  private firstInterface(except: number): number {
    const { devices } = this.inventory;
    for (let id = 1; id < devices.length; id++)
      if (id !== except && !devices[id]!.isLoopback && devices[id]!.master === 0) return id;
    return 0;
  }
}

function isLoopback6(words: Int32Array, at: number): boolean {
  return addressType6(words, at) === (ADDR6_LOOPBACK | ADDR6_UNICAST);
}
