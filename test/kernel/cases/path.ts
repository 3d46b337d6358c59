/**
 * Which packets reach which hook at all: header checks, local delivery, forwarding, broadcast, multicast, martians,
 * missing routes, expiring TTLs, fragments. All rules only count.
 */

import type { Case, CasePacket } from '../judge.ts';
import {
  destinationOptions,
  ethernet,
  filler,
  fragment4,
  fragment6,
  fragmentHeader,
  hopByHop,
  icmp,
  icmpv6,
  igmp,
  ip,
  ipv4,
  ipv6,
  option6,
  patch,
  raw,
  routing,
  tcp,
  udp,
} from '../packets.ts';
import { addresses, arrives, CHAINS, type Family, leaves, table } from './build.ts';
import { A4, A6, ETHERNET_ROUTER, MAC, ROUTER } from './hosts.ts';

const COUNT =
  table('raw', ...CHAINS.raw) +
  table('mangle', ...CHAINS.mangle.flatMap((c) => [c, `${c} -p udp --dport 53`])) +
  table('filter', ...CHAINS.filter);
/** The same, with a rule that turns conntrack and with it defragmentation on. */
const TRACK =
  COUNT.replace(/COMMIT\n$/, '') +
  ['INPUT', 'FORWARD', 'OUTPUT']
    .flatMap((chain) =>
      ['NEW', 'ESTABLISHED', 'RELATED', 'INVALID', 'UNTRACKED'].map(
        (state) => `-A ${chain} -m conntrack --ctstate ${state}\n`,
      ),
    )
    .join('') +
  'COMMIT\n';

const datagram = udp({ sport: 1024, dport: 53, payload: filler(10) });

/** Each packet of a table as a case of its own, without and with conntrack: a difference names its packet. */
function each(
  prefix: string,
  family: Family,
  packets: Readonly<Record<string, CasePacket | readonly CasePacket[]>>,
  more: Partial<Case> = {},
): Case[] {
  return Object.entries(packets).flatMap(([name, list]) =>
    (['plain', 'tracked'] as const).map((kind): Case => {
      const dump = kind === 'plain' ? COUNT : TRACK;
      return {
        id: `${prefix}/${name}/${kind}`,
        host: ROUTER,
        ...(family === 4 ? { rules4: dump } : { rules6: dump }),
        packets: Array.isArray(list) ? list : [list as CasePacket],
        capture: true,
        // Cutting an IPv6 packet again gives its fragments an identification drawn at random.
        ...(kind === 'tracked' &&
        family === 6 &&
        name.match(/fragment|forwarded|interleaved|own-packets|df-set/)
          ? { varies: ['output'] as const }
          : {}),
        ...more,
      };
    }),
  );
}

const to4 = (daddr: string, fields = {}, layer = datagram) =>
  ipv4({ saddr: A4.outside, daddr, ...fields }, layer);
const to6 = (daddr: string, fields = {}, layer = datagram) =>
  ipv6({ saddr: A6.outside, daddr, ...fields }, layer);
const good4 = to4(A4.self);
const good6 = to6(A6.self);

export const headerCases = (): Case[] => [
  ...each('header4', 4, {
    good: arrives('eth0', good4),
    'bad-checksum': arrives('eth0', to4(A4.self, { checksum: 'bad' })),
    'version-5': arrives('eth0', to4(A4.self, { version: 5 }), { protocol: 0x0800 }),
    'version-6-as-ipv4': arrives('eth0', good6, { protocol: 0x0800 }),
    'header-too-short': arrives('eth0', to4(A4.self, { headerWords: 4 })),
    'header-longer-than-packet': arrives('eth0', to4(A4.self, { headerWords: 15 })),
    'length-below-header': arrives('eth0', to4(A4.self, { totalLength: 19 })),
    'length-of-header-only': arrives('eth0', to4(A4.self, { totalLength: 20 })),
    'length-beyond-packet': arrives('eth0', to4(A4.self, { totalLength: 100 })),
    'length-shorter-than-packet': arrives('eth0', to4(A4.self, { totalLength: 30 })),
    'trailing-bytes': arrives('eth0', to4(A4.self, { trailer: filler(7) })),
    truncated: arrives('eth0', good4.slice(0, 19)),
    'one-byte': arrives('eth0', good4.slice(0, 1)),
    'header-alone': arrives('eth0', ipv4({ saddr: A4.outside, daddr: A4.self, protocol: 17 }, raw(17))),
    'evil-bit': arrives('eth0', to4(A4.self, { evil: true })),
    'options-nop': arrives('eth0', to4(A4.self, { options: Uint8Array.of(1, 1, 1, 0) })),
    'options-bad-length': arrives('eth0', to4(A4.self, { options: Uint8Array.of(7, 1, 0, 0) })),
    'options-record-route': arrives(
      'eth1',
      ipv4({ saddr: A4.inside, daddr: A4.far, options: Uint8Array.of(7, 7, 4, 0, 0, 0, 0, 0) }, datagram),
    ),
    'options-router-alert': arrives(
      'eth1',
      ipv4({ saddr: A4.inside, daddr: A4.far, options: Uint8Array.of(148, 4, 0, 0) }, datagram),
    ),
    'options-source-route': arrives(
      'eth1',
      ipv4(
        { saddr: A4.inside, daddr: A4.selfInside, options: Uint8Array.of(131, 7, 4, 198, 51, 100, 7, 0) },
        datagram,
      ),
    ),
    'options-timestamp': arrives('eth0', to4(A4.self, { options: Uint8Array.of(68, 8, 5, 0, 0, 0, 0, 0) })),
    'options-timestamp-full': arrives('eth0', to4(A4.self, { options: Uint8Array.of(68, 4, 5, 0xf0) })),
    'udp-bad-checksum': arrives('eth0', to4(A4.self, {}, udp({ sport: 1024, dport: 53, checksum: 'bad' }))),
    'udp-no-checksum': arrives('eth0', to4(A4.self, {}, udp({ sport: 1024, dport: 53, checksum: 0 }))),
    'udp-bad-length': arrives('eth0', to4(A4.self, {}, udp({ sport: 1024, dport: 53, length: 100 }))),
    'udp-length-shorter': arrives(
      'eth0',
      to4(A4.self, {}, udp({ sport: 1024, dport: 53, length: 8, payload: filler(8) })),
    ),
    'udp-length-below-header': arrives('eth0', to4(A4.self, {}, udp({ sport: 1024, dport: 53, length: 7 }))),
    'udp-short': arrives('eth0', to4(A4.self, {}, raw(17, filler(7)))),
    'udp-port-0': arrives('eth0', to4(A4.self, {}, udp({ sport: 0, dport: 0 }))),
    'tcp-bad-checksum': arrives(
      'eth0',
      to4(A4.self, {}, tcp({ sport: 1, dport: 2, flags: 'S', checksum: 'bad' })),
    ),
    'tcp-short': arrives('eth0', to4(A4.self, {}, tcp({ sport: 1, dport: 2, flags: 'S', cut: 19 }))),
    'tcp-offset-4': arrives(
      'eth0',
      to4(A4.self, {}, tcp({ sport: 1, dport: 2, flags: 'S', headerWords: 4 })),
    ),
    'tcp-offset-beyond': arrives(
      'eth0',
      to4(A4.self, {}, tcp({ sport: 1, dport: 2, flags: 'S', headerWords: 15 })),
    ),
    'tcp-port-0': arrives('eth0', to4(A4.self, {}, tcp({ sport: 0, dport: 0, flags: 'S' }))),
    'icmp-bad-checksum': arrives('eth0', to4(A4.self, {}, icmp({ type: 8, checksum: 'bad' }))),
    'icmp-short': arrives('eth0', to4(A4.self, {}, icmp({ type: 8, cut: 7 }))),
    'icmp-unknown-type': arrives('eth0', to4(A4.self, {}, icmp({ type: 200 }))),
    'icmp-reserved-type': arrives('eth0', to4(A4.self, {}, icmp({ type: 1 }))),
    'icmp-reply-alone': arrives('eth0', to4(A4.self, {}, icmp({ type: 0 }))),
    'icmp-timestamp': arrives('eth0', to4(A4.self, {}, icmp({ type: 13, payload: filler(12) }))),
    'protocol-0': arrives('eth0', to4(A4.self, {}, raw(0, filler(8)))),
    'protocol-255': arrives('eth0', to4(A4.self, {}, raw(255, filler(8)))),
    'icmpv6-in-ipv4': arrives('eth0', to4(A4.self, {}, raw(58, filler(8)))),
  }),
  ...each('header6', 6, {
    good: arrives('eth0', good6),
    'version-5': arrives('eth0', to6(A6.self, { version: 5 }), { protocol: 0x86dd }),
    'ipv4-as-ipv6': arrives('eth0', good4, { protocol: 0x86dd }),
    'length-beyond-packet': arrives('eth0', to6(A6.self, { payloadLength: 100 })),
    'length-shorter-than-packet': arrives('eth0', to6(A6.self, { payloadLength: 10 })),
    'length-0': arrives('eth0', to6(A6.self, { payloadLength: 0 })),
    'trailing-bytes': arrives('eth0', to6(A6.self, { trailer: filler(7) })),
    truncated: arrives('eth0', good6.slice(0, 39)),
    'no-next-header': arrives('eth0', to6(A6.self, {}, raw(59))),
    'udp-bad-checksum': arrives('eth0', to6(A6.self, {}, udp({ sport: 1024, dport: 53, checksum: 'bad' }))),
    'udp-no-checksum': arrives('eth0', to6(A6.self, {}, udp({ sport: 1024, dport: 53, checksum: 0 }))),
    'udp-bad-length': arrives('eth0', to6(A6.self, {}, udp({ sport: 1024, dport: 53, length: 100 }))),
    'tcp-bad-checksum': arrives(
      'eth0',
      to6(A6.self, {}, tcp({ sport: 1, dport: 2, flags: 'S', checksum: 'bad' })),
    ),
    'icmpv6-bad-checksum': arrives('eth0', to6(A6.self, {}, icmpv6({ type: 128, checksum: 'bad' }))),
    'icmpv6-short': arrives('eth0', to6(A6.self, {}, icmpv6({ type: 128, cut: 7 }))),
    'icmpv6-unknown-type': arrives('eth0', to6(A6.self, {}, icmpv6({ type: 200 }))),
    'icmpv6-reply-alone': arrives('eth0', to6(A6.self, {}, icmpv6({ type: 129 }))),
    'neighbour-solicitation': arrives(
      'eth0',
      to6(A6.self, { hopLimit: 255 }, icmpv6({ type: 135, payload: filler(16) })),
    ),
    'router-advertisement': arrives(
      'eth0',
      to6('ff02::1', { hopLimit: 255 }, icmpv6({ type: 134, payload: filler(8) })),
    ),
    'icmpv4-in-ipv6': arrives('eth0', to6(A6.self, {}, raw(1, filler(8)))),
    'hop-by-hop': arrives('eth0', to6(A6.self, {}, hopByHop(datagram))),
    'hop-by-hop-unknown-skip': arrives(
      'eth0',
      to6(A6.self, {}, hopByHop(datagram, option6(0x1e, filler(4)))),
    ),
    'hop-by-hop-unknown-discard': arrives(
      'eth0',
      to6(A6.self, {}, hopByHop(datagram, option6(0x5e, filler(4)))),
    ),
    'hop-by-hop-too-long': arrives('eth0', to6(A6.self, {}, raw(0, Uint8Array.of(17, 9, 1, 4, 0, 0, 0, 0)))),
    'hop-by-hop-not-first': arrives('eth0', to6(A6.self, {}, destinationOptions(hopByHop(datagram)))),
    'router-alert-forwarded': arrives(
      'eth1',
      ipv6({ saddr: A6.inside, daddr: A6.far }, hopByHop(datagram, option6(5, Uint8Array.of(0, 0)))),
    ),
    'hop-by-hop-discard-forwarded': arrives(
      'eth1',
      ipv6({ saddr: A6.inside, daddr: A6.far }, hopByHop(datagram, option6(0x5e, filler(4)))),
    ),
    'destination-options': arrives('eth0', to6(A6.self, {}, destinationOptions(datagram))),
    'routing-done': arrives(
      'eth0',
      to6(A6.self, {}, routing(datagram, { type: 2, segmentsLeft: 0, addresses: [A6.far] })),
    ),
    'routing-type-0': arrives(
      'eth0',
      to6(A6.self, {}, routing(datagram, { type: 0, segmentsLeft: 1, addresses: [A6.far] })),
    ),
    'routing-segments-left': arrives(
      'eth0',
      to6(A6.self, {}, routing(datagram, { type: 4, segmentsLeft: 1, addresses: [A6.far] })),
    ),
    'from-multicast': arrives('eth0', ipv6({ saddr: 'ff02::1', daddr: A6.self }, datagram)),
    'from-loopback': arrives('eth0', ipv6({ saddr: '::1', daddr: A6.self }, datagram)),
    'to-loopback': arrives('eth0', to6('::1')),
    'from-unspecified': arrives('eth0', ipv6({ saddr: '::', daddr: A6.self }, datagram)),
    'to-unspecified': arrives('eth0', to6('::')),
    'from-v4-mapped': arrives('eth0', ipv6({ saddr: '::ffff:192.0.2.9', daddr: A6.self }, datagram)),
    'to-multicast-scope-0': arrives('eth0', to6('ff00::1')),
    'to-multicast-scope-1': arrives('eth0', to6('ff01::1')),
    'from-own-address': arrives('eth0', ipv6({ saddr: A6.self, daddr: A6.self }, datagram)),
  }),
];

export const routeCases = (): Case[] => [
  ...each('route4', 4, {
    self: arrives('eth0', good4),
    'self-by-other-interface': arrives('eth1', ipv4({ saddr: A4.inside, daddr: A4.self }, datagram)),
    forward: arrives('eth1', ipv4({ saddr: A4.inside, daddr: A4.far }, datagram)),
    'forward-back-out': arrives('eth0', to4(A4.far)),
    'forward-inside': arrives('eth0', to4(A4.inside)),
    'forward-ttl-2': arrives('eth0', to4(A4.inside, { ttl: 2 })),
    'forward-ttl-1': arrives('eth0', to4(A4.inside, { ttl: 1 })),
    'forward-ttl-0': arrives('eth0', to4(A4.inside, { ttl: 0 })),
    'self-ttl-1': arrives('eth0', to4(A4.self, { ttl: 1 })),
    'self-ttl-0': arrives('eth0', to4(A4.self, { ttl: 0 })),
    'subnet-broadcast': arrives('eth0', to4('192.0.2.255')),
    'other-subnet-broadcast': arrives('eth0', to4('10.0.0.255')),
    'network-address': arrives('eth0', to4('192.0.2.0')),
    'limited-broadcast': arrives('eth0', to4('255.255.255.255')),
    'limited-broadcast-from-0': arrives(
      'eth0',
      ipv4({ saddr: '0.0.0.0', daddr: '255.255.255.255' }, udp({ sport: 68, dport: 67 })),
    ),
    'from-0-to-self': arrives('eth0', ipv4({ saddr: '0.0.0.0', daddr: A4.self }, datagram)),
    'multicast-all-hosts': arrives('eth0', to4('224.0.0.1')),
    'multicast-not-joined': arrives('eth0', to4('224.0.0.251')),
    'multicast-global': arrives('eth0', to4('239.1.2.3')),
    'multicast-igmp': arrives(
      'eth0',
      to4('224.0.0.22', { ttl: 1 }, igmp({ type: 0x16, group: '239.1.2.3' })),
    ),
    'from-loopback': arrives('eth0', ipv4({ saddr: '127.0.0.1', daddr: A4.self }, datagram)),
    'to-loopback': arrives('eth0', to4('127.0.0.1')),
    'from-multicast': arrives('eth0', ipv4({ saddr: '224.0.0.1', daddr: A4.self }, datagram)),
    'from-broadcast': arrives('eth0', ipv4({ saddr: '255.255.255.255', daddr: A4.self }, datagram)),
    'from-subnet-broadcast': arrives('eth0', ipv4({ saddr: '192.0.2.255', daddr: A4.self }, datagram)),
    'from-class-e': arrives('eth0', ipv4({ saddr: '240.0.0.1', daddr: A4.self }, datagram)),
    'to-class-e': arrives('eth1', ipv4({ saddr: A4.inside, daddr: '240.0.0.1' }, datagram)),
    'to-0': arrives('eth0', to4('0.0.0.0')),
    'to-0.1': arrives('eth0', to4('0.0.0.1')),
    'from-own-address': arrives('eth0', ipv4({ saddr: A4.self, daddr: A4.self }, datagram)),
    'from-own-other-address': arrives('eth0', ipv4({ saddr: A4.selfInside, daddr: A4.inside }, datagram)),
    'from-inside-spoofed': arrives('eth0', ipv4({ saddr: A4.inside, daddr: A4.inside2 }, datagram)),
    out: leaves('eth0', ipv4({ saddr: A4.self, daddr: A4.far }, datagram)),
    'out-foreign-source': leaves('eth0', ipv4({ saddr: A4.far2, daddr: A4.far }, datagram)),
    'out-inside': leaves('eth1', ipv4({ saddr: A4.selfInside, daddr: A4.inside }, datagram)),
    'out-ttl-1': leaves('eth0', ipv4({ saddr: A4.self, daddr: A4.far, ttl: 1 }, datagram)),
    'out-ttl-0': leaves('eth0', ipv4({ saddr: A4.self, daddr: A4.far, ttl: 0 }, datagram)),
    'out-broadcast': leaves('eth0', ipv4({ saddr: A4.self, daddr: '192.0.2.255' }, datagram)),
    'out-limited-broadcast': leaves('eth0', ipv4({ saddr: A4.self, daddr: '255.255.255.255' }, datagram)),
    'out-multicast': leaves('eth0', ipv4({ saddr: A4.self, daddr: '224.0.0.251' }, datagram)),
    'out-multicast-joined': leaves('eth0', ipv4({ saddr: A4.self, daddr: '224.0.0.1' }, datagram)),
    'out-bound': leaves('eth1', ipv4({ saddr: A4.self, daddr: A4.far }, datagram), { bind: 'eth1' }),
    loopback: leaves('lo', ipv4({ saddr: '127.0.0.1', daddr: '127.0.0.1' }, datagram)),
    'loopback-other': leaves('lo', ipv4({ saddr: '127.0.0.1', daddr: '127.9.9.9' }, datagram)),
    'loopback-own-address': leaves('lo', ipv4({ saddr: A4.self, daddr: A4.selfInside }, datagram)),
    'loopback-bad-checksum': leaves(
      'lo',
      ipv4({ saddr: '127.0.0.1', daddr: '127.0.0.1' }, udp({ sport: 1, dport: 53, checksum: 'bad' })),
    ),
    'loopback-conversation': [
      leaves(
        'lo',
        ipv4({ saddr: '127.0.0.1', daddr: '127.0.0.1' }, tcp({ sport: 1, dport: 2, flags: 'S', seq: 1 })),
      ),
      leaves(
        'lo',
        ipv4(
          { saddr: '127.0.0.1', daddr: '127.0.0.1' },
          tcp({ sport: 2, dport: 1, flags: 'SA', seq: 1, ack: 2 }),
        ),
      ),
      leaves(
        'lo',
        ipv4(
          { saddr: '127.0.0.1', daddr: '127.0.0.1' },
          tcp({ sport: 1, dport: 2, flags: 'A', seq: 2, ack: 2 }),
        ),
      ),
    ],
    'out-bad-ip-checksum': leaves('eth0', ipv4({ saddr: A4.self, daddr: A4.far, checksum: 'bad' }, datagram)),
    'out-bad-total-length': leaves(
      'eth0',
      ipv4({ saddr: A4.self, daddr: A4.far, totalLength: 25 }, datagram),
    ),
    'out-tcp-bad-checksum': leaves(
      'eth0',
      ipv4({ saddr: A4.self, daddr: A4.far }, tcp({ sport: 1, dport: 2, flags: 'S', checksum: 'bad' })),
    ),
    'out-options': leaves(
      'eth0',
      ipv4({ saddr: A4.self, daddr: A4.far, options: Uint8Array.of(1, 1, 1, 0) }, datagram),
    ),
  }),
  ...each('route6', 6, {
    self: arrives('eth0', good6),
    'self-by-other-interface': arrives('eth1', ipv6({ saddr: A6.inside, daddr: A6.self }, datagram)),
    forward: arrives('eth1', ipv6({ saddr: A6.inside, daddr: A6.far }, datagram)),
    'forward-back-out': arrives('eth0', to6(A6.far)),
    'forward-hop-limit-2': arrives('eth0', to6(A6.inside, { hopLimit: 2 })),
    'forward-hop-limit-1': arrives('eth0', to6(A6.inside, { hopLimit: 1 })),
    'forward-hop-limit-0': arrives('eth0', to6(A6.inside, { hopLimit: 0 })),
    'self-hop-limit-1': arrives('eth0', to6(A6.self, { hopLimit: 1 })),
    'self-hop-limit-0': arrives('eth0', to6(A6.self, { hopLimit: 0 })),
    'subnet-anycast': arrives('eth0', to6('2001:db8::')),
    'all-nodes': arrives('eth0', to6('ff02::1')),
    'all-routers': arrives('eth0', to6('ff02::2')),
    'solicited-node': arrives('eth0', to6('ff02::1:ff00:1')),
    'multicast-not-joined': arrives('eth0', to6('ff02::fb')),
    'multicast-global': arrives('eth0', to6('ff0e::1')),
    'link-local-to-self': arrives('eth0', ipv6({ saddr: 'fe80::9', daddr: 'fe80::1' }, datagram)),
    'link-local-to-other-interface': arrives(
      'eth0',
      ipv6({ saddr: 'fe80::9', daddr: 'fe80::1:1' }, datagram),
    ),
    'link-local-to-far': arrives('eth0', ipv6({ saddr: 'fe80::9', daddr: A6.inside }, datagram)),
    'to-foreign-link-local': arrives('eth0', ipv6({ saddr: A6.outside, daddr: 'fe80::77' }, datagram)),
    out: leaves('eth0', ipv6({ saddr: A6.self, daddr: A6.far }, datagram)),
    'out-foreign-source': leaves('eth0', ipv6({ saddr: A6.far2, daddr: A6.far }, datagram)),
    'out-multicast': leaves('eth0', ipv6({ saddr: A6.self, daddr: 'ff02::1' }, datagram)),
    'out-multicast-not-joined': leaves('eth0', ipv6({ saddr: A6.self, daddr: 'ff02::fb' }, datagram)),
    'out-link-local': leaves('eth0', ipv6({ saddr: 'fe80::1', daddr: 'fe80::9' }, datagram)),
    loopback: leaves('lo', ipv6({ saddr: '::1', daddr: '::1' }, datagram)),
    'loopback-own-address': leaves('lo', ipv6({ saddr: A6.self, daddr: A6.selfInside }, datagram)),
    'out-bad-payload-length': leaves(
      'eth0',
      ipv6({ saddr: A6.self, daddr: A6.far, payloadLength: 10 }, datagram),
    ),
  }),
  // The machine without forwarding, with rp_filter, with blackholes.
  ...each(
    'no-forwarding4',
    4,
    { forward: arrives('eth0', to4(A4.inside)), self: arrives('eth0', good4) },
    { host: { ...ROUTER, sysctls: { 'net.ipv4.ip_forward': 0 } } },
  ),
  ...each(
    'no-forwarding6',
    6,
    { forward: arrives('eth0', to6(A6.inside)), self: arrives('eth0', good6) },
    { host: { ...ROUTER, sysctls: { 'net.ipv6.conf.all.forwarding': 0 } } },
  ),
  ...[1, 2].flatMap((mode) =>
    each(
      `rp_filter-${mode}`,
      4,
      {
        good: arrives('eth0', good4),
        'wrong-interface': arrives('eth1', ipv4({ saddr: A4.outside, daddr: A4.self }, datagram)),
        'from-inside-on-outside': arrives('eth0', ipv4({ saddr: A4.inside, daddr: A4.self }, datagram)),
        'default-route-on-inside': arrives('eth1', ipv4({ saddr: A4.far, daddr: A4.self }, datagram)),
        unroutable: arrives('eth1', ipv4({ saddr: '198.18.0.1', daddr: A4.self }, datagram)),
      },
      {
        host: {
          ...ROUTER,
          routes: [...ROUTER.routes!, 'blackhole 198.18.0.0/15'],
          sysctls: { 'net.ipv4.conf.all.rp_filter': mode },
        },
      },
    ),
  ),
  ...each(
    'special-routes4',
    4,
    {
      blackhole: arrives('eth0', to4('198.18.0.1')),
      unreachable: arrives('eth0', to4('198.18.1.1')),
      prohibit: arrives('eth0', to4('198.18.2.1')),
      none: arrives('eth0', to4('203.0.113.1')),
      'out-blackhole': leaves('eth0', ipv4({ saddr: A4.self, daddr: '198.18.0.1' }, datagram)),
      'out-none': leaves('eth0', ipv4({ saddr: A4.self, daddr: '203.0.113.1' }, datagram)),
    },
    {
      host: {
        ...ROUTER,
        routes: ['blackhole 198.18.0.0/24', 'unreachable 198.18.1.0/24', 'prohibit 198.18.2.0/24'],
      },
    },
  ),
  ...each(
    'special-routes6',
    6,
    {
      blackhole: arrives('eth0', to6('2001:db8:b::1')),
      unreachable: arrives('eth0', to6('2001:db8:c::1')),
      prohibit: arrives('eth0', to6('2001:db8:d::1')),
      none: arrives('eth0', to6('2001:db8:ffff::1')),
      'out-none': leaves('eth0', ipv6({ saddr: A6.self, daddr: '2001:db8:ffff::1' }, datagram)),
    },
    {
      host: {
        ...ROUTER,
        routes: ['blackhole 2001:db8:b::/64', 'unreachable 2001:db8:c::/64', 'prohibit 2001:db8:d::/64'],
      },
    },
  ),
  ...each(
    'mtu4',
    4,
    {
      fits: arrives(
        'eth1',
        ipv4(
          { saddr: A4.inside, daddr: A4.far, df: true },
          udp({ sport: 1, dport: 53, payload: filler(1272) }),
        ),
      ),
      'too-big-df': arrives(
        'eth1',
        ipv4(
          { saddr: A4.inside, daddr: A4.far, df: true },
          udp({ sport: 1, dport: 53, payload: filler(1273) }),
        ),
      ),
      'too-big': arrives(
        'eth1',
        ipv4({ saddr: A4.inside, daddr: A4.far }, udp({ sport: 1, dport: 53, payload: filler(1300) })),
      ),
      'out-too-big': leaves(
        'eth0',
        ipv4({ saddr: A4.self, daddr: A4.far }, udp({ sport: 1, dport: 53, payload: filler(1300) })),
      ),
      'fragments-to-be-cut-again': fragment4(
        ipv4({ saddr: A4.inside, daddr: A4.far, id: 5 }, udp({ sport: 1, dport: 53, payload: filler(1400) })),
        1200,
      ).map((p) => arrives('eth1', p)),
    },
    {
      host: {
        ...ROUTER,
        interfaces: [
          { name: 'eth0', mtu: 1300 },
          { name: 'eth1', mtu: 1500 },
        ],
      },
    },
  ),
  ...each(
    'mtu6',
    6,
    {
      fits: arrives(
        'eth1',
        ipv6({ saddr: A6.inside, daddr: A6.far }, udp({ sport: 1, dport: 53, payload: filler(1232) })),
      ),
      'too-big': arrives(
        'eth1',
        ipv6({ saddr: A6.inside, daddr: A6.far }, udp({ sport: 1, dport: 53, payload: filler(1233) })),
      ),
      fragments: fragment6(
        ipv6({ saddr: A6.inside, daddr: A6.far }, udp({ sport: 1, dport: 53, payload: filler(1400) })),
        5,
        [1200],
      ).map((p) => arrives('eth1', p)),
    },
    {
      host: {
        ...ROUTER,
        interfaces: [
          { name: 'eth0', mtu: 1280 },
          { name: 'eth1', mtu: 1500 },
        ],
      },
    },
  ),
  ...each(
    'ethernet4',
    4,
    {
      padded: arrives(
        'eth0',
        ethernet(
          { src: MAC.outside, dst: MAC.eth0, pad: true },
          to4(A4.self, {}, udp({ sport: 1, dport: 53 })),
        ),
      ),
      'other-host': arrives('eth0', ethernet({ src: MAC.outside, dst: '02:00:00:00:00:77' }, good4)),
      'broadcast-frame-unicast-packet': arrives(
        'eth0',
        ethernet({ src: MAC.outside, dst: MAC.broadcast }, good4),
      ),
      'broadcast-frame-forwarded': arrives(
        'eth0',
        ethernet({ src: MAC.outside, dst: MAC.broadcast }, to4(A4.inside)),
      ),
      'multicast-frame-forwarded': arrives(
        'eth0',
        ethernet({ src: MAC.outside, dst: '01:00:5e:00:00:01' }, to4(A4.inside)),
      ),
      'unicast-frame-broadcast-packet': arrives(
        'eth0',
        ethernet({ src: MAC.outside, dst: MAC.eth0 }, to4('192.0.2.255')),
      ),
      forwarded: arrives('eth0', ethernet({ src: MAC.outside, dst: MAC.eth0 }, to4(A4.inside))),
      'unknown-vlan': arrives('eth0', ethernet({ src: MAC.outside, dst: MAC.eth0, vlan: [5] }, good4)),
      'priority-tag': arrives('eth0', ethernet({ src: MAC.outside, dst: MAC.eth0, vlan: [0] }, good4)),
      'type-unknown': arrives('eth0', ethernet({ src: MAC.outside, dst: MAC.eth0, type: 0x9999 }, good4)),
    },
    { host: ETHERNET_ROUTER },
  ),
];

/** Fragments: by themselves without conntrack, put together with it. */
export const fragmentCases = (): Case[] => {
  const family = (f: Family) => {
    const a = addresses(f);
    const payload = udp({ sport: 1024, dport: 53, payload: filler(120) });
    const cut = (saddr: string, daddr: string, ...cuts: number[]) =>
      f === 4
        ? fragment4(ipv4({ saddr, daddr, id: 77 }, payload), ...cuts)
        : fragment6(ipv6({ saddr, daddr }, payload), 77, cuts);
    const self = cut(a.outside, a.self, 64);
    const through = cut(a.inside, a.far, 64);
    const three = cut(a.outside, a.self, 48, 96);
    const overlap = cut(a.outside, a.self, 64).concat(cut(a.outside, a.self, 56));
    const arrive = (iface: string, packets: readonly Uint8Array[]) => packets.map((p) => arrives(iface, p));
    return {
      'in-order': arrive('eth0', self),
      forwarded: arrive('eth1', through),
      'out-of-order': arrive('eth0', [self[1]!, self[0]!]),
      three: arrive('eth0', [three[2]!, three[0]!, three[1]!]),
      'first-only': arrive('eth0', [self[0]!]),
      'last-only': arrive('eth0', [self[1]!]),
      duplicate: arrive('eth0', [self[0]!, self[0]!, self[1]!]),
      'duplicate-after': arrive('eth0', [self[0]!, self[1]!, self[1]!]),
      overlap: arrive('eth0', [overlap[0]!, overlap[3]!]),
      'two-datagrams-interleaved': [
        ...arrive('eth0', [self[0]!]),
        ...arrive('eth1', [through[0]!]),
        ...arrive('eth0', [self[1]!]),
        ...arrive('eth1', [through[1]!]),
      ],
      'same-id-other-interface': [...arrive('eth0', [self[0]!]), ...arrive('eth1', [self[1]!])],
      'own-packets': cut(a.self, a.far, 64).map((p) => leaves('eth0', p)),
      loopback: cut(a.loopback, a.loopback, 64).map((p) => leaves('lo', p)),
      'whole-in-one-fragment':
        f === 4
          ? arrive('eth0', [to4(A4.self)])
          : arrive('eth0', [to6(A6.self, {}, fragmentHeader(datagram, { id: 5 }))]),
      'length-not-of-8': arrive(
        'eth0',
        f === 4
          ? [ipv4({ saddr: a.outside, daddr: a.self, mf: true }, raw(17, filler(21)))]
          : [to6(A6.self, {}, fragmentHeader(raw(17, filler(21)), { more: true }))],
      ),
      'beyond-64k': arrive(
        'eth0',
        f === 4
          ? [ipv4({ saddr: a.outside, daddr: a.self, fragmentOffset: 65528 }, raw(17, filler(40)))]
          : [to6(A6.self, {}, fragmentHeader(raw(17, filler(40)), { offset: 65528 }))],
      ),
      'echo-in-fragments': arrive(
        'eth0',
        f === 4
          ? fragment4(
              ipv4({ saddr: a.outside, daddr: a.self, id: 3 }, icmp({ type: 8, payload: filler(60) })),
              32,
            )
          : fragment6(
              ipv6({ saddr: a.outside, daddr: a.self }, icmpv6({ type: 128, payload: filler(60) })),
              3,
              [32],
            ),
      ),
      'with-options': arrive(
        'eth0',
        f === 4
          ? fragment4(
              ipv4({ saddr: a.outside, daddr: a.self, id: 3, options: Uint8Array.of(1, 1, 1, 0) }, payload),
              32,
            )
          : fragment6(ipv6({ saddr: a.outside, daddr: a.self }, destinationOptions(payload)), 3, [32]),
      ),
      'behind-hop-by-hop':
        f === 4
          ? arrive('eth0', self)
          : arrive(
              'eth0',
              fragment6(ipv6({ saddr: a.outside, daddr: a.self }, hopByHop(payload)), 3, [32], 48),
            ),
      'bad-udp-checksum': arrive(
        'eth0',
        f === 4
          ? fragment4(
              ipv4(
                { saddr: a.outside, daddr: a.self, id: 3 },
                udp({ sport: 1, dport: 53, payload: filler(60), checksum: 'bad' }),
              ),
              32,
            )
          : fragment6(
              ipv6(
                { saddr: a.outside, daddr: a.self },
                udp({ sport: 1, dport: 53, payload: filler(60), checksum: 'bad' }),
              ),
              3,
              [32],
            ),
      ),
      'df-set': arrive(
        'eth1',
        f === 4 ? through.map((p) => fixChecksum(patch(p, { 6: p[6]! | 0x40 }))) : through,
      ),
    };
  };
  return [...each('fragments4', 4, family(4)), ...each('fragments6', 6, family(6))];
};

function fixChecksum(packet: Uint8Array): Uint8Array {
  let sum = 0;
  for (let i = 0; i < 20; i += 2) if (i !== 10) sum += (packet[i]! << 8) | packet[i + 1]!;
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  const right = ~sum & 0xffff;
  return patch(packet, { 10: right >>> 8, 11: right & 255 });
}

/** What of a connection stays when its first packet is dropped, and where. */
export const confirmCases = (): Case[] =>
  ([4, 6] as const).flatMap((family) => {
    const a = addresses(family);
    const packets = [
      arrives('eth0', ip({ saddr: a.outside, daddr: a.self }, datagram)),
      arrives('eth0', ip({ saddr: a.outside, daddr: a.self }, datagram)),
      arrives('eth1', ip({ saddr: a.inside, daddr: a.far }, datagram)),
      arrives('eth1', ip({ saddr: a.inside, daddr: a.far }, datagram)),
      leaves('eth0', ip({ saddr: a.self, daddr: a.far }, datagram)),
      leaves('eth0', ip({ saddr: a.self, daddr: a.far }, datagram)),
      leaves('lo', ip({ saddr: a.loopback, daddr: a.loopback }, datagram)),
      leaves('lo', ip({ saddr: a.loopback, daddr: a.loopback }, datagram)),
    ];
    const places: [Parameters<typeof table>[0], string][] = [
      ['mangle', 'PREROUTING'],
      ['mangle', 'INPUT'],
      ['mangle', 'FORWARD'],
      ['mangle', 'OUTPUT'],
      ['mangle', 'POSTROUTING'],
      ['filter', 'INPUT'],
      ['filter', 'FORWARD'],
      ['filter', 'OUTPUT'],
      ['security', 'INPUT'],
      ['security', 'FORWARD'],
      ['security', 'OUTPUT'],
    ];
    return places.map(([name, chain]): Case => {
      const states = (c: string) =>
        ['NEW', 'ESTABLISHED'].map((state) => `${c} -m conntrack --ctstate ${state}`);
      // The second packet of each kind is let through if the first one left an entry.
      const drop = `${chain} -m conntrack --ctstate NEW -m statistic --mode nth --every 2 --packet 0 -j DROP`;
      const dump =
        table('raw', ...CHAINS.raw) +
        table(name, drop, ...(CHAINS[name] as string[]).flatMap(states)) +
        table('nat', ...CHAINS.nat);
      return {
        id: `confirm/dropped-in-${name}-${chain}/${family}`,
        host: ROUTER,
        ...(family === 4 ? { rules4: dump } : { rules6: dump }),
        packets,
        between: packets.map((_, i) => i),
      };
    });
  });
