/**
 * Translation on a bridge whose frames iptables sees (br_netfilter): what a bridged or a routed packet becomes when
 * PREROUTING gives it another destination, behind the same port, another port of the bridge, or somewhere else.
 */

import type { Case, CasePacket, Host } from '../judge.ts';
import { type Bytes, ethernet, filler, ip, tcp, udp } from '../packets.ts';
import { type Family, onRouter, table } from './build.ts';

const PORT_MACS = { a: '02:00:00:00:00:0a', b: '02:00:00:00:00:0b', c: '02:00:00:00:00:0c' } as const;
const BRIDGE_MAC = '02:00:00:00:00:01';
const OUTER_MAC = '02:00:00:00:01:01';
const FAR_MAC = '02:00:00:00:01:09';

/** a and b are behind ports of br0, c beside b; far is behind eth1, which is no port. */
const ADDRESSES = {
  4: {
    self: '192.0.2.1',
    a: '192.0.2.10',
    b: '192.0.2.11',
    c: '192.0.2.12',
    nobody: '192.0.2.13',
    outer: '10.0.0.1',
    far: '10.0.0.9',
    lost: '198.51.100.1',
  },
  6: {
    self: '2001:db8::1',
    a: '2001:db8::a',
    b: '2001:db8::b',
    c: '2001:db8::c',
    nobody: '2001:db8::d',
    outer: '2001:db8:1::1',
    far: '2001:db8:1::9',
    lost: '2001:db8:f::1',
  },
} as const;

function host(more: Partial<Host> = {}): Host {
  const [four, six] = [ADDRESSES[4], ADDRESSES[6]];
  return {
    interfaces: [
      { name: 'br0', type: 'bridge', mac: BRIDGE_MAC },
      { name: 'port1', type: 'tap', mac: '02:00:00:00:02:01', master: 'br0' },
      { name: 'port2', type: 'tap', mac: '02:00:00:00:02:02', master: 'br0' },
      { name: 'port3', type: 'tap', mac: '02:00:00:00:02:03', master: 'br0' },
      { name: 'eth1', type: 'tap', mac: OUTER_MAC },
    ],
    addresses: [
      `${four.self}/24 dev br0`,
      `${six.self}/64 dev br0`,
      `${four.outer}/24 dev eth1`,
      `${six.outer}/64 dev eth1`,
    ],
    neighbours: ([4, 6] as const).flatMap((family) => {
      const at = ADDRESSES[family];
      return [
        ...(['a', 'b', 'c'] as const).map((name) => `${at[name]} lladdr ${PORT_MACS[name]} dev br0`),
        `${at.far} lladdr ${FAR_MAC} dev eth1`,
      ];
    }),
    ...more,
  };
}

const HAIRPIN: Host = host({
  ip: ['link set port1 type bridge_slave hairpin on', 'link set port2 type bridge_slave hairpin on'],
});
const NOT_FORWARDING: Host = host({
  sysctls: { 'net.ipv4.ip_forward': 0, 'net.ipv6.conf.all.forwarding': 0 },
});

function looks(nat: readonly string[]): string {
  const chains = ['PREROUTING', 'INPUT', 'FORWARD', 'POSTROUTING'] as const;
  const mangle = chains.flatMap((chain) => [
    `${chain} -m physdev --physdev-is-bridged`,
    `${chain} -m physdev --physdev-in port1`,
    ...(chain === 'FORWARD' || chain === 'POSTROUTING'
      ? [
          `${chain} -m physdev --physdev-is-bridged --physdev-out port1`,
          `${chain} -m physdev --physdev-is-bridged --physdev-out port2`,
          `${chain} -m physdev --physdev-is-bridged --physdev-out port3`,
          `${chain} -o eth1`,
          `${chain} -o br0`,
        ]
      : []),
    `${chain} -m conntrack --ctstate DNAT`,
  ]);
  return table('mangle', ...mangle) + table('nat', ...nat);
}

export const bridgeCases = (): Case[] =>
  ([4, 6] as const).flatMap((family) => {
    const at = ADDRESSES[family];
    const to = (name: keyof typeof at, port = 80) =>
      family === 4 ? `${at[name]}:${port}` : `[${at[name]}]:${port}`;
    const frame = (port: string, src: string, dst: string, packet: Bytes): CasePacket => ({
      iface: port,
      dir: 'in',
      hex: Buffer.from(ethernet({ src, dst }, packet)).toString('hex'),
    });
    // Each host has been heard before: the bridge knows who is behind which port.
    const greetings = (['a', 'b', 'c'] as const).map((name, i) =>
      frame(
        `port${i === 2 ? 2 : i + 1}`,
        PORT_MACS[name],
        BRIDGE_MAC,
        ip({ saddr: at[name], daddr: at.self }, udp({ sport: 1, dport: 9 })),
      ),
    );
    const asks = (
      daddr: string,
      dport: number,
      fields: { dst?: string; ttl?: number; payload?: number } = {},
    ): CasePacket =>
      frame(
        'port1',
        PORT_MACS.a,
        fields.dst ?? BRIDGE_MAC,
        ip(
          { saddr: at.a, daddr, ...(fields.ttl === undefined ? {} : { ttl: fields.ttl }) },
          tcp({ sport: 5000, dport, flags: 'S', seq: 1, payload: filler(fields.payload ?? 0) }),
        ),
      );
    const dnat = (port: number, target: string) =>
      `PREROUTING -p tcp -m tcp --dport ${port} -j DNAT --to-destination ${target}`;
    const snat = family === 4 ? '192.0.2.1' : '2001:db8::1';
    const cases: readonly (readonly [
      name: string,
      nat: readonly string[],
      packets: readonly CasePacket[],
      host?: Host,
    ])[] = [
      // For the bridge's own address, as a container asks for a published port.
      ['to-self/other-port', [dnat(8080, to('b'))], [asks(at.self, 8080)]],
      ['to-self/same-port', [dnat(8080, to('a'))], [asks(at.self, 8080)]],
      ['to-self/same-port-hairpin', [dnat(8080, to('a'))], [asks(at.self, 8080)], HAIRPIN],
      [
        'to-self/same-port-hairpin-masqueraded',
        [dnat(8080, to('a')), `POSTROUTING -s ${at.a} -d ${at.a} -j MASQUERADE`],
        [
          asks(at.self, 8080),
          frame(
            'port1',
            PORT_MACS.a,
            BRIDGE_MAC,
            ip({ saddr: at.a, daddr: snat }, tcp({ sport: 80, dport: 5000, flags: 'SA', seq: 7, ack: 2 })),
          ),
        ],
        HAIRPIN,
      ],
      ['to-self/other-network', [dnat(8080, to('far'))], [asks(at.self, 8080)]],
      ['to-self/no-route', [dnat(8080, to('lost'))], [asks(at.self, 8080)]],
      ['to-self/itself', [dnat(8080, to('outer'))], [asks(at.self, 8080)]],
      ['to-self/ttl-1', [dnat(8080, to('b'))], [asks(at.self, 8080, { ttl: 1 })]],
      ['to-self/not-forwarding', [dnat(8080, to('b'))], [asks(at.self, 8080)], NOT_FORWARDING],
      // Through the bridge to be routed, and back onto it.
      ['to-far/other-port', [dnat(8080, to('b'))], [asks(at.far, 8080)]],
      ['to-far/not-forwarding', [dnat(8080, to('b'))], [asks(at.far, 8080)], NOT_FORWARDING],
      ['to-far/port-only', [dnat(8080, to('far', 81))], [asks(at.far, 8080)]],
      // A bridged frame, for b.
      ['bridged/other-port', [dnat(8080, to('c'))], [asks(at.b, 8080, { dst: PORT_MACS.b })]],
      ['bridged/back', [dnat(8080, to('a'))], [asks(at.b, 8080, { dst: PORT_MACS.b })]],
      ['bridged/back-hairpin', [dnat(8080, to('a'))], [asks(at.b, 8080, { dst: PORT_MACS.b })], HAIRPIN],
      ['bridged/port-only', [dnat(8080, to('b', 81))], [asks(at.b, 8080, { dst: PORT_MACS.b })]],
      ['bridged/other-network', [dnat(8080, to('far'))], [asks(at.b, 8080, { dst: PORT_MACS.b })]],
      [
        'bridged/other-network-ttl-1',
        [dnat(8080, to('far'))],
        [asks(at.b, 8080, { dst: PORT_MACS.b, ttl: 1 })],
      ],
      ['bridged/self', [dnat(8080, to('self'))], [asks(at.b, 8080, { dst: PORT_MACS.b })]],
      [
        'bridged/redirect',
        ['PREROUTING -p tcp -j REDIRECT --to-ports 81'],
        [asks(at.b, 8080, { dst: PORT_MACS.b })],
      ],
      ['bridged/no-route', [dnat(8080, to('lost'))], [asks(at.b, 8080, { dst: PORT_MACS.b })]],
      [
        'bridged/not-forwarding',
        [dnat(8080, to('c'))],
        [asks(at.b, 8080, { dst: PORT_MACS.b })],
        NOT_FORWARDING,
      ],
      [
        'bridged/other-network-not-forwarding',
        [dnat(8080, to('far'))],
        [asks(at.b, 8080, { dst: PORT_MACS.b })],
        NOT_FORWARDING,
      ],
      ['bridged/unknown-neighbour', [dnat(8080, to('nobody'))], [asks(at.b, 8080, { dst: PORT_MACS.b })]],
      [
        'bridged/masqueraded',
        [`POSTROUTING -s ${at.a} -j MASQUERADE`],
        [asks(at.b, 8080, { dst: PORT_MACS.b })],
      ],
    ];
    return cases.map(([name, nat, packets, on]) => {
      const dump = looks(nat);
      return onRouter(
        `bridge-dnat/${name}/${family}`,
        family === (4 as Family) ? { v4: dump } : { v6: dump },
        [...greetings, ...packets],
        { host: on ?? host() },
      );
    });
  });
