import { type Family, maskIpv4 } from '../base/inet.ts';
import { AddressMap } from './address-map.ts';
import { isLimitedBroadcast4, isMulticast4, isZeronet4, selectAddress4 } from './address4.ts';
import {
  ADDR6_ANY,
  ADDR6_LINKLOCAL,
  ADDR6_LOOPBACK,
  ADDR6_MAPPED,
  ADDR6_MULTICAST,
  ADDR6_SCOPE_MASK,
  ADDR6_UNICAST,
  addressType6,
  equals6,
  isMulticast6,
  isUsable6,
  selectAddress6,
} from './address6.ts';
import type { Device } from './device.ts';
import { Fib4 } from './fib4.ts';
import { Fib6 } from './fib6.ts';
import type { Inventory } from './inventory.ts';
import { Ipv4Routing } from './ipv4-route.ts';
import { Ipv6Routing } from './ipv6-route.ts';
import {
  type Route,
  RTN_ANYCAST,
  RTN_BROADCAST,
  RTN_LOCAL,
  RTN_MULTICAST,
  RTN_UNICAST,
  RTN_UNREACHABLE,
  RTN_UNSPEC,
  SCOPE_UNIVERSE,
  TABLE_LOCAL,
} from './route.ts';
import { type Prefix, routedPrefixes } from './routed-prefixes.ts';
import { Flow, type PolicyRule } from './rule.ts';
import type { Sysctls } from './sysctl.ts';
import type { AddressType, Host, Interface, Neighbour, ReversePath, RouteResult } from './types.ts';

/** RTN_* number -> name of `-m addrtype`. */
const ADDRESS_TYPES: readonly AddressType[] = [
  'UNSPEC',
  'UNICAST',
  'LOCAL',
  'BROADCAST',
  'ANYCAST',
  'MULTICAST',
  'BLACKHOLE',
  'UNREACHABLE',
  'PROHIBIT',
  'THROW',
  'NAT',
  'XRESOLVE',
];

/** Interfaces and sysctls: what every kind of host has. */
export abstract class InventoryHost {
  protected readonly inventory: Inventory;
  protected readonly sysctls: Sysctls;
  private readonly sentences = new Set<string>();

  constructor(inventory: Inventory, sysctls: Sysctls, assumptions: Iterable<string>) {
    this.inventory = inventory;
    this.sysctls = sysctls;
    for (const sentence of assumptions) this.sentences.add(sentence);
  }

  get interfaces(): readonly Interface[] {
    return this.inventory.devices;
  }

  get assumptions(): readonly string[] {
    return [...this.sentences];
  }

  protected readonly assume = (sentence: string): void => {
    if (!this.sentences.has(sentence)) this.sentences.add(sentence);
  };

  interfaceId(name: string): number {
    return this.inventory.id(name);
  }

  findInterface(name: string): number {
    return this.inventory.find(name);
  }

  findIfindex(ifindex: number): number {
    return this.inventory.findIfindex(ifindex);
  }

  sysctl(name: string): number {
    return this.sysctls.number(name);
  }

  sysctlText(name: string): string | undefined {
    return this.sysctls.text(name);
  }

  interfaceSysctl(family: Family, name: string, interfaceId: number): number {
    const device = this.inventory.devices[interfaceId]!;
    return this.sysctls.ofInterface(family, name, device.name);
  }
}

/** What HOST says of routing. */
interface RoutesAndRules {
  readonly routes4: readonly Route[];
  readonly routes6: readonly Route[];
  readonly rules4: readonly PolicyRule[];
  readonly rules6: readonly PolicyRule[];
}

/** A host that HOST describes: addresses, routes and rules are known. */
export class KernelHost extends InventoryHost implements Host {
  readonly neighbours: readonly Neighbour[];
  private readonly devices: readonly Device[];
  private readonly ipv4: Ipv4Routing;
  private readonly ipv6: Ipv6Routing;
  private readonly fib4: Fib4;
  private readonly fib6: Fib6;
  private readonly flow = new Flow();
  private readonly written: RoutesAndRules;

  constructor(
    inventory: Inventory,
    sysctls: Sysctls,
    fib: RoutesAndRules,
    assumptions: Iterable<string>,
    neighbours: readonly Neighbour[] = [],
  ) {
    super(inventory, sysctls, assumptions);
    this.written = fib;
    this.neighbours = neighbours;
    const { devices, loopbackId } = inventory;
    this.devices = devices;
    const owners = new AddressMap();
    // An address that several interfaces have belongs to the one that got it last (inet_hash_insert()): HOST does not
    // tell which that was, the youngest interface is the best guess.
    for (const device of devices.toReversed())
      for (const { address } of device.addresses4) owners.add(4, address, 0, device.id);
    this.fib4 = new Fib4(devices, fib.routes4, fib.rules4);
    this.fib6 = new Fib6(
      devices,
      fib.routes6,
      fib.rules6,
      sysctls.number('net.ipv6.fib_multipath_hash_policy'),
      () =>
        this.assume(
          'Which nexthop of a multipath route a flow takes depends on a secret of the running kernel: an unseeded hash of the same fields chooses here.',
        ),
    );
    this.ipv4 = new Ipv4Routing({
      devices,
      fib: this.fib4,
      loopbackId,
      owners,
      multipathPolicy: sysctls.number('net.ipv4.fib_multipath_hash_policy'),
      assume: this.assume,
    });
    this.ipv6 = new Ipv6Routing({
      devices,
      fib: this.fib6,
      loopbackId,
      isForwarding: sysctls.number('net.ipv6.conf.all.forwarding') !== 0,
      assume: this.assume,
    });
  }

  routedPrefixes(family: Family): readonly Prefix[] | undefined {
    const { routes4, routes6, rules4, rules6 } = this.written;
    return family === 4
      ? routedPrefixes(4, this.devices, routes4, rules4)
      : routedPrefixes(6, this.devices, routes6, rules6);
  }

  routeInput(
    family: Family,
    words: Int32Array,
    saddrAt: number,
    daddrAt: number,
    tos: number,
    mark: number,
    iif: number,
    l4proto: number,
    sport: number,
    dport: number,
    out: RouteResult,
  ): void {
    const routing = family === 4 ? this.ipv4 : this.ipv6;
    routing.input(words, saddrAt, daddrAt, tos, mark, iif, l4proto, sport, dport, out);
  }

  routeOutput(
    family: Family,
    words: Int32Array,
    saddrAt: number,
    daddrAt: number,
    tos: number,
    mark: number,
    oif: number,
    l4proto: number,
    sport: number,
    dport: number,
    out: RouteResult,
  ): void {
    const routing = family === 4 ? this.ipv4 : this.ipv6;
    routing.output(words, saddrAt, daddrAt, tos, mark, oif, l4proto, sport, dport, out);
  }

  reversePath(
    family: Family,
    words: Int32Array,
    saddrAt: number,
    daddrAt: number,
    tos: number,
    mark: number,
    iif: number,
    l4proto: number,
    isBound: boolean,
    isStrict: boolean,
  ): ReversePath {
    return family === 4
      ? this.ipv4.reversePath(words, saddrAt, daddrAt, tos, mark, iif)
      : this.ipv6.reversePath(words, saddrAt, daddrAt, tos, mark, iif, l4proto, isBound, isStrict);
  }

  addressType(family: Family, words: Int32Array, at: number, interfaceId: number): AddressType {
    if (family === 4) return ADDRESS_TYPES[this.type4(words, at, interfaceId)]!;
    const types = this.addressTypes(6, words, at, interfaceId);
    for (const type of PRIMARY_ORDER_6) if ((types & (1 << type)) !== 0) return ADDRESS_TYPES[type]!;
    return 'UNICAST';
  }

  addressTypes(family: Family, words: Int32Array, at: number, interfaceId: number): number {
    return family === 4 ? 1 << this.type4(words, at, interfaceId) : this.types6(words, at, interfaceId);
  }

  comesBack(family: Family, words: Int32Array, daddrAt: number, oif: number): boolean {
    const device = this.devices[oif];
    if (device === undefined || this.interfaces[oif]!.isLoopback) return false;
    if (family === 6) return isMulticast6(words, daddrAt) && this.ipv6.hasJoined(device, words, daddrAt);
    if (isMulticast4(words[daddrAt]!)) return this.ipv4.hasJoined(device, words[daddrAt]!);
    return this.type4(words, daddrAt, 0) === RTN_BROADCAST;
  }

  /** __inet_dev_addr_type() of net/ipv4/fib_frontend.c: RTN_*. */
  private type4(words: Int32Array, at: number, interfaceId: number): number {
    const word = words[at]!;
    if (isZeronet4(word) || isLimitedBroadcast4(word)) return RTN_BROADCAST;
    if (isMulticast4(word)) return RTN_MULTICAST;
    const { flow, fib4 } = this;
    flow.daddrWords = words;
    flow.daddrAt = at;
    const vrf = interfaceId === 0 ? 0 : this.devices[interfaceId]!.l3mdev;
    const table = vrf === 0 ? TABLE_LOCAL : this.devices[vrf]!.vrfTable || TABLE_LOCAL;
    if (fib4.lookupTable(table, flow) !== 0) return RTN_UNICAST;
    const route = fib4.route!;
    return interfaceId === 0 || route.nexthops[0]!.oif === interfaceId ? route.type : RTN_UNICAST;
  }

  /** match_type6() and match_lookup_rt6() of net/netfilter/xt_addrtype.c. */
  private types6(words: Int32Array, at: number, interfaceId: number): number {
    const type = addressType6(words, at);
    let types = 0;
    if ((type & ADDR6_MULTICAST) !== 0) types |= 1 << RTN_MULTICAST;
    if ((type & ADDR6_UNICAST) !== 0) types |= 1 << RTN_UNICAST;
    if (type === ADDR6_ANY) types |= 1 << RTN_UNSPEC;
    const { flow, fib6 } = this;
    flow.daddrWords = words;
    flow.daddrAt = at;
    flow.saddrWords = ANY6;
    flow.saddrAt = 0;
    flow.iif = this.inventory.loopbackId;
    flow.oif = interfaceId;
    flow.l3mdev = interfaceId === 0 ? 0 : this.devices[interfaceId]!.l3mdev;
    const isStrict = interfaceId !== 0 || (type & (ADDR6_MULTICAST | ADDR6_LINKLOCAL | ADDR6_LOOPBACK)) !== 0;
    if (fib6.lookup(flow, interfaceId, isStrict) !== 0) return types | (1 << RTN_UNREACHABLE);
    const route = fib6.route!;
    if (interfaceId === 0 ? route.type === RTN_LOCAL : this.hasAddress6(interfaceId, words, at))
      types |= 1 << RTN_LOCAL;
    const isSubnetRouter =
      route.prefixLength < 127 && fib6.nexthop!.gateway === undefined && equals6(route.prefix, 0, words, at);
    if (route.type === RTN_ANYCAST || isSubnetRouter) types |= 1 << RTN_ANYCAST;
    return types;
  }

  /** ipv6_chk_addr() with the device as a condition. */
  private hasAddress6(interfaceId: number, words: Int32Array, at: number): boolean {
    const { addresses6 } = this.devices[interfaceId]!;
    for (let i = 0; i < addresses6.length; i++)
      if (isUsable6(addresses6[i]!) && equals6(addresses6[i]!.address, 0, words, at)) return true;
    return false;
  }

  isLocalAddress(family: Family, words: Int32Array, at: number): boolean {
    return (this.addressTypes(family, words, at, 0) & (1 << RTN_LOCAL)) !== 0;
  }

  selectSource(
    family: Family,
    interfaceId: number,
    words: Int32Array,
    daddrAt: number,
    out: Int32Array,
    outAt: number,
  ): boolean {
    if (family === 4) {
      const word = selectAddress4(this.devices, this.devices[interfaceId], words[daddrAt]!, SCOPE_UNIVERSE);
      if (word === 0) return false;
      return writeAddress4(word, out, outAt);
    }
    const address = selectAddress6(this.devices, interfaceId, words, daddrAt);
    return address !== undefined && writeAddress6(address.address, out, outAt);
  }

  hasOneSource(family: Family, interfaceId: number): boolean {
    if (family === 6) return false;
    return this.devices[interfaceId]!.addresses4.filter(({ isSecondary }) => !isSecondary).length <= 1;
  }

  /** nf_nat_redirect_ipv4(), nf_nat_redirect_ipv6() of net/netfilter/nf_nat_redirect.c. */
  firstAddress(
    family: Family,
    interfaceId: number,
    words: Int32Array,
    daddrAt: number,
    out: Int32Array,
    outAt: number,
  ): boolean {
    const { addresses4, addresses6 } = this.devices[interfaceId]!;
    if (family === 4) return addresses4.length > 0 && writeAddress4(addresses4[0]!.address[0]!, out, outAt);
    const scope = addressType6(words, daddrAt) & ADDR6_SCOPE_MASK;
    for (let i = 0; i < addresses6.length; i++) {
      const address = addresses6[i]!;
      const type = addressType6(address.address, 0);
      if ((type & ADDR6_MAPPED) !== 0 || !isUsable6(address)) continue;
      if (scope !== 0 && (scope & type & ADDR6_SCOPE_MASK) === 0) continue;
      return writeAddress6(address.address, out, outAt);
    }
    return false;
  }

  broadcastMask(interfaceId: number, daddr: number): number {
    for (const { isSecondary, broadcast, prefixLength } of this.devices[interfaceId]?.addresses4 ?? [])
      if (!isSecondary && broadcast === daddr) return maskIpv4(prefixLength);
    return 0;
  }
}

const ANY6 = new Int32Array(4);
const PRIMARY_ORDER_6 = [
  RTN_MULTICAST,
  RTN_UNSPEC,
  RTN_LOCAL,
  RTN_ANYCAST,
  RTN_UNREACHABLE,
  RTN_UNICAST,
] as const;

export function writeAddress4(word: number, out: Int32Array, outAt: number): true {
  out[outAt] = word;
  return true;
}

export function writeAddress6(address: Int32Array, out: Int32Array, outAt: number): true {
  for (let i = 0; i < 4; i++) out[outAt + i] = address[i]!;
  return true;
}
