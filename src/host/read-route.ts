import type { Family } from '../base/inet.ts';
import { Fields, maskOf, parseAddress, realmNumber, type TableNames } from './fields.ts';
import type { JsonFile } from './host-file.ts';
import {
  formatAddress,
  formatPrefix,
  type Nexthop,
  ROUTE_TYPE_NAMES,
  type Route,
  RTN_LOCAL,
  RTN_UNICAST,
  SCOPE_HOST,
  SCOPE_LINK,
  SCOPE_UNIVERSE,
  TABLE_MAIN,
} from './route.ts';

export interface RouteReader {
  readonly tables: TableNames;
  /** Id of an interface, made when HOST does not know it otherwise. */
  readonly interfaceId: (name: string) => number;
  readonly assume: (sentence: string) => void;
}

/**
 * Reads `ip -j route show table all` or its IPv6 sister. Without `-6` iproute2 shows the routes of *both* families, the
 * IPv4 ones first; those of the other family are left out, and read from the file only when `family` asks for them.
 */
export function readRouteJson(file: JsonFile, family: Family, reader: RouteReader): Route[] {
  const routes: Route[] = [];
  for (const { entry, index } of file.entries()) {
    if (familyOf(entry) !== family) continue;
    const route = readRoute(new Fields(file, [index], entry), family, reader);
    if (route !== undefined) routes.push(route);
  }
  return routes;
}

/** A default route does not name its family: an IPv6 one has a router preference, or an IPv6 address somewhere. */
function familyOf(entry: Record<string, unknown>): Family {
  const { dst } = entry;
  if (typeof dst === 'string' && dst !== 'default' && dst !== 'all') return dst.includes(':') ? 6 : 4;
  if (entry.pref !== undefined) return 6;
  const { via: _, ...rest } = entry;
  return /[0-9a-f]:[0-9a-f:]*:/i.test(JSON.stringify([rest.gateway, rest.from, rest.prefsrc, rest.nexthops]))
    ? 6
    : 4;
}

function readRoute(fields: Fields, family: Family, reader: RouteReader): Route | undefined {
  const typeName = fields.string('type') ?? 'unicast';
  const type = ROUTE_TYPE_NAMES.indexOf(typeName);
  if (type < 0) fields.bad('type', `"${typeName}" is not a type of route`);
  const flags = fields.strings('flags');
  // Entries of the route cache (redirects, path MTUs), shown only on request.
  if (flags.includes('cloned') || fields.has('cache')) return undefined;
  const prefix = fields.prefix('dst', family);
  if (prefix === undefined) fields.bad('dst', 'a route without "dst"');
  const source = fields.prefix('from', family);
  const nexthops = readNexthops(fields, family, reader);
  const prefsrc = fields.address('prefsrc', family);
  const flow = fields.child('flow');
  const realm =
    flow === undefined
      ? 0
      : ((realmNumber(flow.numberOrName('from')) << 16) | realmNumber(flow.numberOrName('to'))) >>> 0;
  if (fields.has('encap'))
    reader.assume('A route has an encapsulation (encap): the packet is replayed as if it left without it.');
  if (fields.objects('metrics').some((metrics) => metrics.has('mtu')))
    reader.assume(
      'A route has an MTU of its own (mtu), which is not taken into account: what is too long for it is replayed as forwarded.',
    );
  const table = reader.tables.id(fields.numberOrName('table') ?? TABLE_MAIN);
  const metric = fields.integer('metric', 0, 0xffffffff) ?? 0;
  const tos = family === 4 ? readTos(fields) : 0;
  return {
    type,
    table,
    prefix: prefix.words,
    prefixLength: prefix.length,
    srcPrefix: source === undefined || source.length === 0 ? undefined : source.words,
    srcPrefixLength: source?.length ?? 0,
    tos,
    metric,
    scope: fields.scope('scope') ?? (type === RTN_LOCAL ? SCOPE_HOST : SCOPE_UNIVERSE),
    prefsrc,
    realm,
    nexthops,
    preference: { low: 1, medium: 2, high: 3 }[fields.string('pref') ?? 'medium'] ?? 2,
    isKernelMade: fields.numberOrName('protocol') === 'kernel' || fields.numberOrName('protocol') === 2,
    text: describe(fields, family, prefix.words, prefix.length, nexthops),
  };
}

function readTos(fields: Fields): number {
  const tos = fields.numberOrName('tos') ?? fields.numberOrName('dsfield') ?? 0;
  return typeof tos === 'number' ? tos & 0xff : (DSFIELD_NAMES[tos] ?? 0);
}

/** Names of iproute2's rt_dsfield that `ip route` may print for a TOS. */
export const DSFIELD_NAMES: Readonly<Record<string, number>> = {
  default: 0,
  lowdelay: 0x10,
  throughput: 0x08,
  reliability: 0x04,
  mincost: 0x02,
  AF11: 0x28,
  AF12: 0x30,
  AF13: 0x38,
  AF21: 0x48,
  AF22: 0x50,
  AF23: 0x58,
  AF31: 0x68,
  AF32: 0x70,
  AF33: 0x78,
  AF41: 0x88,
  AF42: 0x90,
  AF43: 0x98,
  CS1: 0x20,
  CS2: 0x40,
  CS3: 0x60,
  CS4: 0x80,
  CS5: 0xa0,
  CS6: 0xc0,
  CS7: 0xe0,
  EF: 0xb8,
};

function readNexthops(fields: Fields, family: Family, reader: RouteReader): Nexthop[] {
  const several = fields.objects('nexthops');
  if (several.length === 0) return [readNexthop(fields, family, reader)];
  return several.map((nexthop) => readNexthop(nexthop, family, reader));
}

function readNexthop(fields: Fields, family: Family, reader: RouteReader): Nexthop {
  const flags = fields.strings('flags');
  const dev = fields.string('dev');
  const via = fields.child('via');
  let gateway = fields.has('gateway') ? fields.address('gateway', family) : undefined;
  let gatewayFamily: Family | 0 = gateway === undefined ? 0 : family;
  if (via !== undefined) {
    const host = via.string('host') ?? '';
    gatewayFamily = via.string('family') === 'inet6' ? 6 : 4;
    gateway = parseAddress(host, gatewayFamily) ?? via.bad('host', `"${host}" is not an address`);
  }
  return {
    oif: dev === undefined ? 0 : reader.interfaceId(dev),
    gateway,
    gatewayFamily,
    weight: Math.max(1, fields.integer('weight', 0, 65536) ?? 1),
    isDead: flags.includes('dead'),
    isLinkdown: flags.includes('linkdown'),
  };
}

/** As `ip route` prints it, as far as it tells routes apart. */
function describe(
  fields: Fields,
  family: Family,
  words: Int32Array,
  length: number,
  nexthops: readonly Nexthop[],
): string {
  const parts: string[] = [];
  const type = fields.string('type');
  if (type !== undefined && type !== 'unicast') parts.push(type);
  parts.push(formatPrefix(family, words, length));
  for (const key of ['from', 'tos']) if (fields.has(key)) parts.push(key, String(fields.numberOrName(key)));
  const gateway = nexthops[0]!;
  if (nexthops.length > 1) parts.push(`nexthops ${nexthops.length}`);
  else {
    if (gateway.gateway !== undefined)
      parts.push('via', formatAddress(gateway.gatewayFamily === 6 ? 6 : 4, gateway.gateway));
    const dev = fields.string('dev');
    if (dev !== undefined) parts.push('dev', dev);
  }
  for (const key of ['table', 'metric'])
    if (fields.has(key)) parts.push(key, String(fields.numberOrName(key)));
  return parts.join(' ');
}

/** The route of a network or address that the kernel makes itself. */
export function makeKernelRoute(
  family: Family,
  fields: {
    type: number;
    table: number;
    address: Int32Array;
    prefixLength: number;
    oif: number;
    deviceName: string;
    prefsrc?: Int32Array | undefined;
    metric?: number;
    isLinkdown?: boolean;
  },
): Route {
  const mask = maskOf(family, fields.prefixLength);
  const prefix = Int32Array.from(fields.address, (word, i) => word & mask[i]!);
  const typeName = fields.type === RTN_UNICAST ? '' : `${ROUTE_TYPE_NAMES[fields.type]} `;
  return {
    type: fields.type,
    table: fields.table,
    prefix,
    prefixLength: fields.prefixLength,
    srcPrefix: undefined,
    srcPrefixLength: 0,
    tos: 0,
    metric: fields.metric ?? 0,
    scope: family === 6 ? SCOPE_UNIVERSE : fields.type === RTN_LOCAL ? SCOPE_HOST : SCOPE_LINK,
    prefsrc: fields.prefsrc,
    realm: 0,
    nexthops: [
      {
        oif: fields.oif,
        gateway: undefined,
        gatewayFamily: 0,
        weight: 1,
        isDead: false,
        isLinkdown: fields.isLinkdown ?? false,
      },
    ],
    preference: 2,
    isKernelMade: true,
    text: `${typeName}${formatPrefix(family, prefix, fields.prefixLength)} dev ${fields.deviceName} (from its addresses)`,
  };
}
