/** Cases for the kernel that random ones do not reach: timeouts, fragments, short headers, odd protocols. */

import { type Family, table } from '../kernel/cases/build.ts';
import { ETHERNET_ROUTER, MAC, ROUTER } from '../kernel/cases/hosts.ts';
import type { Case, CasePacket } from '../kernel/judge.ts';
import {
  ethernet,
  filler,
  fragment4,
  fragment6,
  gre,
  hex,
  icmp,
  icmpv6,
  ip,
  type Layer,
  raw,
  sctp,
  tcp,
  udp,
  udplite,
} from '../kernel/packets.ts';

const address = { 4: ['192.0.2.9', '192.0.2.1'], 6: ['2001:db8::9', '2001:db8::1'] } as const;

function arrives(layer: Layer, family: Family = 4, at?: number, saddr?: string): CasePacket {
  const [from, daddr] = address[family];
  const bytes = ip({ saddr: saddr ?? from, daddr }, layer);
  return { iface: 'eth0', dir: 'in', hex: hex(bytes), ...(at === undefined ? {} : { at }) };
}

const datagram = udp({ sport: 1024, dport: 53, payload: filler(10) });

/**
 * Any two moments are 0.2 s or more off a timeout apart, 1 s or 2 s, and so is each from the load, which may be half a
 * second before the first packet.
 */
const timeouts: Case = {
  id: 'sets/timeouts',
  host: ROUTER,
  ipset: [
    'create first hash:ip timeout 0',
    'add first 192.0.2.9 timeout 2',
    'create seen hash:ip timeout 1',
    'create kept hash:ip timeout 1',
    'create own hash:ip timeout 1 counters',
    'create ports bitmap:port range 0-100 timeout 1',
    'create nets hash:net timeout 1',
    'add nets 192.0.2.0/24 timeout 0',
    'add nets 192.0.2.8/30 timeout 2 nomatch',
    'create plain hash:ip',
    'create full hash:ip timeout 1 maxelem 1',
    'create list list:set timeout 9',
    'add list seen timeout 2',
    'add list plain',
    '',
  ].join('\n'),
  rules4: table(
    'mangle',
    'INPUT -m set --match-set first src',
    'INPUT -m set --match-set seen src',
    'INPUT -m set --match-set kept src',
    'INPUT -m set --match-set own src',
    'INPUT -m set --match-set own src --packets-gt 3',
    'INPUT -m set --match-set ports dst',
    'INPUT -m set --match-set nets src',
    'INPUT -m set --match-set nets src --return-nomatch',
    'INPUT -m set --match-set plain src',
    'INPUT -m set --match-set full src',
    'INPUT -m set --match-set list src',
    'INPUT -j SET --add-set seen src',
    'INPUT -j SET --add-set kept src --exist',
    'INPUT -j SET --add-set own src --timeout 2',
    'INPUT -j SET --add-set ports dst --exist --timeout 2',
    'INPUT -j SET --add-set plain src --timeout 2',
    'INPUT -j SET --add-set full src',
  ),
  packets: [0, 0.6, 1.4, 2.9, 5.4, 6.1].flatMap((at) => [
    arrives(datagram, 4, at),
    arrives(datagram, 4, at, '192.0.2.77'),
  ]),
  conntrack: false,
};

const PORT_SETS = (family: Family) => {
  const other = family === 4 ? 'icmp' : 'icmpv6';
  const from = address[family][0];
  const ports = [
    'tcp:80',
    'udp:53',
    'sctp:9',
    'udplite:53',
    'gre:0',
    'esp:0',
    '253:0',
    `${other}:echo-request`,
  ];
  return `create port${family} hash:ip,port family ${family === 4 ? 'inet' : 'inet6'}\n${ports
    .map((port) => `add port${family} ${from},${port}\n`)
    .join('')}`;
};

const whole = { sport: 53, dport: 53 };

function portPackets(family: Family): CasePacket[] {
  const [saddr, daddr] = address[family];
  const echo = family === 4 ? icmp({ type: 8, code: 0 }) : icmpv6({ type: 128, code: 0 });
  const layers: Layer[] = [
    tcp({ sport: 80, dport: 80 }),
    udp({ ...whole }),
    udplite({ ...whole, payload: filler(8) }),
    sctp({ sport: 9, dport: 9, chunks: [] }),
    gre({ payload: filler(4) }),
    raw(50, filler(16)),
    raw(253, filler(3)),
    raw(253),
    raw(59, filler(8)),
    echo,
    // Headers that end too early.
    raw(6, filler(19)),
    raw(17, filler(7)),
    raw(132, filler(11)),
    raw(family === 4 ? 1 : 58, filler(7)),
  ];
  const large = ip({ saddr, daddr }, udp({ ...whole, payload: filler(60) }));
  const pieces = family === 4 ? fragment4(large, 24) : fragment6(large, 7, [24]);
  return [
    ...layers.map((layer) => arrives(layer, family)),
    ...pieces.map((piece): CasePacket => ({ iface: 'eth0', dir: 'in', hex: hex(piece) })),
  ];
}

const ports: Case = {
  id: 'sets/ports',
  host: ROUTER,
  ipset: `${PORT_SETS(4)}${PORT_SETS(6)}create any bitmap:port range 0-65535\nadd any 53\nadd any 80\nadd any 9\n`,
  rules4: table('mangle', ...portRules(4)),
  rules6: table('mangle', ...portRules(6)),
  packets: [...portPackets(4), ...portPackets(6)],
  conntrack: false,
};

function portRules(family: Family): string[] {
  return ['PREROUTING', 'INPUT'].flatMap((chain) => [
    `${chain} -m set --match-set port${family} src,dst`,
    `${chain} -m set ! --match-set port${family} src,dst`,
    `${chain} -m set --match-set port${family} src,src`,
    `${chain} -m set --match-set any dst`,
    `${chain} -m set ! --match-set any src`,
  ]);
}

/** bitmap:ip,mac takes the address of the first packet that asks. */
const macs: Case = {
  id: 'sets/macs',
  host: ETHERNET_ROUTER,
  ipset: [
    'create macs bitmap:ip,mac range 192.0.2.0/24',
    'add macs 192.0.2.9',
    `add macs 192.0.2.10,${MAC.inside}`,
    'create learns bitmap:ip,mac range 192.0.2.0/24 counters',
    '',
  ].join('\n'),
  rules4: table(
    'mangle',
    'INPUT -m set --match-set macs src,src',
    'INPUT -m set --match-set macs src,dst',
    'INPUT -m set --match-set learns src,src',
    'INPUT -m set --match-set learns src,src --packets-gt 1',
    'INPUT -j SET --add-set learns src,src',
    'OUTPUT -m set --match-set macs dst,src',
  ),
  packets: [MAC.outside, MAC.inside, MAC.outside].flatMap((src) =>
    ['192.0.2.9', '192.0.2.10', '192.0.2.11'].map((saddr): CasePacket => {
      const bytes = ethernet({ dst: MAC.eth0, src }, ip({ saddr, daddr: '192.0.2.1' }, datagram));
      return { iface: 'eth0', dir: 'in', hex: hex(bytes) };
    }),
  ),
  conntrack: false,
};

export const setCases = (): Case[] => [timeouts, ports, macs];
