/**
 * IPv4 source routes (RFC 791) through a host that accepts them: whom the packet goes to, which destination each hook
 * sees, and what becomes of the option.
 */

import type { Case, Host } from '../judge.ts';
import { concat, ethernet, filler, fragment4, type Ipv4Fields, ipv4, udp } from '../packets.ts';
import { arrives, CHAINS, table } from './build.ts';
import { A4, ETHERNET_ROUTER, MAC, ROUTER } from './hosts.ts';

const LOOSE = 131;
const STRICT = 137;

/** The option, padded to whole words; `pointer` is where the next address stands, 4 for the first. */
function route(type: number, pointer: number, ...addresses: readonly string[]): Uint8Array {
  const words = addresses.map((text) => Uint8Array.from(text.split('.').map(Number)));
  return concat(Uint8Array.of(type, 3 + 4 * words.length, pointer), ...words, Uint8Array.of(0));
}

const NEIGHBOUR = '192.0.2.77';
/** The option and the destination that the packet comes with; another interface than eth1 where said. */
const ROUTES: readonly (readonly [options: Uint8Array, fields?: Partial<Ipv4Fields>])[] = [
  // To the outside, by a gateway and to a neighbour.
  [route(LOOSE, 4, A4.far)],
  [route(LOOSE, 4, NEIGHBOUR)],
  [route(STRICT, 4, NEIGHBOUR)],
  // A strict route allows no gateway.
  [route(STRICT, 4, A4.far)],
  // By further addresses of this host first.
  [route(LOOSE, 4, A4.self, A4.far)],
  [route(LOOSE, 4, A4.self, A4.selfInside, NEIGHBOUR, A4.far)],
  [route(LOOSE, 4, A4.self)],
  [route(LOOSE, 4, A4.self, A4.selfInside)],
  // The second of two; the end of the list.
  [route(LOOSE, 8, '203.0.113.1', A4.far)],
  [route(LOOSE, 8, A4.far)],
  [route(LOOSE, 12, A4.far, NEIGHBOUR)],
  [route(STRICT, 8, A4.far)],
  [route(LOOSE, 4)],
  // An address that is cut off.
  [route(LOOSE, 5, A4.far)],
  [route(LOOSE, 6, A4.self, A4.far)],
  // Back by where it came from.
  [route(LOOSE, 4, '10.0.0.77')],
  // Where no packet goes on to.
  [route(LOOSE, 4, '127.0.0.1')],
  [route(LOOSE, 4, '224.0.0.5')],
  [route(LOOSE, 4, '10.0.0.255')],
  [route(LOOSE, 4, '192.0.2.255')],
  [route(LOOSE, 4, '0.0.0.0')],
  [route(LOOSE, 4, '10.99.0.1')],
  [route(LOOSE, 4, A4.self, '224.0.0.5')],
  // It is not for this host.
  [route(LOOSE, 4, NEIGHBOUR), { daddr: A4.far }],
  [route(STRICT, 4, NEIGHBOUR), { daddr: A4.far }],
  [route(LOOSE, 4, A4.far), { daddr: '10.0.0.255' }],
  [route(LOOSE, 4, A4.far), { daddr: '224.0.0.1' }],
  // Its time is up.
  [route(LOOSE, 4, A4.far), { ttl: 1 }],
  [route(STRICT, 4, A4.far), { ttl: 1 }],
  [route(LOOSE, 4, A4.self), { ttl: 1 }],
];

const packets = [
  ...ROUTES.map(([options, fields], i) =>
    arrives(
      'eth1',
      ipv4(
        { saddr: A4.inside, daddr: A4.selfInside, options, ...fields },
        udp({ sport: 2000 + i, dport: 53, payload: filler(4) }),
      ),
    ),
  ),
  ...fragment4(
    ipv4(
      { saddr: A4.inside, daddr: A4.selfInside, options: route(LOOSE, 4, A4.far), id: 9 },
      udp({ sport: 1999, dport: 53, payload: filler(40) }),
    ),
    24,
  ).map((packet) => arrives('eth1', packet)),
];

/** To the host's hardware address, and to all. */
const frames = [MAC.eth1, MAC.broadcast].flatMap((dst) =>
  [route(LOOSE, 4, A4.self), route(LOOSE, 4, '10.0.0.77'), route(LOOSE, 8, A4.far)].map((options, i) =>
    arrives(
      'eth1',
      ethernet(
        { src: MAC.inside, dst },
        ipv4({ saddr: A4.inside, daddr: A4.selfInside, options }, udp({ sport: 3000 + i, dport: 53 })),
      ),
    ),
  ),
);

const DESTINATIONS = [A4.selfInside, A4.self, A4.far, NEIGHBOUR, '10.0.0.77', '127.0.0.1'];
/** The bytes of the option from its pointer on, by word. */
const OPTION = [
  '20>>8&0xff=4',
  '20>>8&0xff=8',
  '20>>8&0xff=12',
  '23=0xc0000201',
  '23=0xa000001',
  '23=0xc6336407',
  '27=0xc0000201',
];

const dump = (): string =>
  table(
    'mangle',
    ...CHAINS.mangle.flatMap((chain) => [
      ...DESTINATIONS.map((daddr) => `${chain} -d ${daddr}`),
      ...(chain === 'PREROUTING' || chain === 'INPUT' || chain === 'POSTROUTING'
        ? OPTION.map((test) => `${chain} -m u32 --u32 "${test}"`)
        : []),
    ]),
    'FORWARD -o eth0',
    'FORWARD -o eth1',
  );

/** Accepts where both `all` and the device do. */
function accepting(router: Host, ...devices: readonly string[]): Host {
  return {
    ...router,
    sysctls: {
      'net.ipv4.conf.all.accept_source_route': devices.includes('all') ? 1 : 0,
      'net.ipv4.conf.eth0.accept_source_route': devices.includes('eth0') ? 1 : 0,
      'net.ipv4.conf.eth1.accept_source_route': devices.includes('eth1') ? 1 : 0,
    },
  };
}

const STATE = '-m conntrack --ctstate';

export const sourceRouteCases = (): Case[] => [
  {
    id: 'source-route/followed',
    host: accepting(ROUTER, 'all', 'eth1'),
    rules4: dump(),
    packets,
    conntrack: false,
  },
  {
    id: 'source-route/of-another-interface',
    host: accepting(ROUTER, 'all', 'eth0'),
    rules4: dump(),
    packets,
  },
  { id: 'source-route/not-of-all', host: accepting(ROUTER, 'eth0', 'eth1'), rules4: dump(), packets },
  {
    id: 'source-route/tracked',
    host: accepting(ROUTER, 'all', 'eth1'),
    rules4: `${dump()}${table('filter', `FORWARD ${STATE} NEW`, `FORWARD ${STATE} INVALID`, `INPUT ${STATE} NEW`)}`,
    packets,
    conntrack: true,
  },
  {
    id: 'source-route/translated',
    host: accepting(ROUTER, 'all', 'eth1'),
    rules4: `${dump()}${table('nat', `POSTROUTING -d ${NEIGHBOUR} -j SNAT --to-source 192.0.2.9`, 'POSTROUTING -o eth0 -j MASQUERADE')}`,
    packets,
    conntrack: true,
  },
  {
    id: 'source-route/ethernet',
    host: accepting(ETHERNET_ROUTER, 'all', 'eth1'),
    rules4: dump(),
    packets: frames,
    conntrack: false,
  },
];
