/**
 * Random rulesets made of what tools write (ruleset-idioms.ts), with rules that only look, on hosts that are set up in
 * different ways, with traffic of which some is odd: as a pure function of a seed. What random.ts does not draw.
 */

import { addresses, arrives, CHAINS, type Family, leaves, type Table } from './cases/build.ts';
import { ROUTER } from './cases/hosts.ts';
import type { Case, CasePacket, Host } from './judge.ts';
import {
  ah,
  type Bytes,
  be32,
  concat,
  dccp,
  filler,
  fragment4,
  fragment6,
  icmp,
  icmpError,
  icmpv6,
  icmpv6Error,
  igmp,
  ip,
  ipv4,
  ipv6,
  type Layer,
  raw,
  routing,
  sctp,
  tcp,
  tcpOption,
  text,
  udp,
} from './packets.ts';
import { FIRST_SPORT, PORTS, Random, randomTraffic } from './random.ts';
import { Dump, IDIOMS } from './ruleset-idioms.ts';

/** The case of a seed: the same for ever, whatever the machine. */
export function idiomCase(seed: number): Case {
  const random = new Random(seed);
  const host = randomHost(random);
  const [rules4, rules6] = ([4, 6] as const).map((family) => idiomRules(random, family));
  const packets = randomTraffic(random, [4, 6], 25);
  for (let i = random.below(25); i > 0; i--) {
    packets.splice(random.below(packets.length + 1), 0, ...odd(random, random.pick([4, 6] as const)));
  }
  return {
    id: `idioms/${seed}`,
    host,
    rules4: rules4!,
    rules6: rules6!,
    ipset: SETS,
    packets,
    varies: ['conntrack'],
  };
}

const SETS = ([4, 6] as const)
  .flatMap((family) => {
    const inet = family === 4 ? 'inet' : 'inet6';
    const a = addresses(family);
    return [
      `create ban${family} hash:ip family ${inet}`,
      `create seen${family} hash:ip,port family ${inet}`,
      `create nets${family} hash:net family ${inet}`,
      `add nets${family} ${family === 4 ? '10.0.0.0/24' : '2001:db8:1::/64'}`,
      `add nets${family} ${a.self} nomatch`,
      `add ban${family} ${a.outside2}`,
    ];
  })
  .concat('create ports bitmap:port range 0-6000', ...PORTS.slice(0, 3).map((port) => `add ports ${port}`))
  .map((line) => `${line}\n`)
  .join('');

function randomHost(random: Random): Host {
  const sysctls: Record<string, number> = {};
  const perhaps = (name: string, ...values: readonly number[]) => {
    if (random.chance(0.12)) sysctls[name] = random.pick(values);
  };
  perhaps('net.netfilter.nf_conntrack_tcp_loose', 0);
  perhaps('net.netfilter.nf_conntrack_tcp_be_liberal', 1);
  perhaps('net.netfilter.nf_conntrack_tcp_ignore_invalid_rst', 1);
  perhaps('net.netfilter.nf_conntrack_tcp_max_retrans', 0, 1);
  perhaps('net.netfilter.nf_conntrack_checksum', 0);
  perhaps('net.netfilter.nf_conntrack_acct', 1);
  perhaps('net.ipv4.fwmark_reflect', 1);
  perhaps('net.ipv4.conf.all.rp_filter', 1, 2);
  perhaps('net.ipv4.conf.eth0.rp_filter', 1, 2);
  perhaps('net.ipv4.conf.all.route_localnet', 1);
  perhaps('net.ipv4.conf.all.accept_local', 1);
  perhaps('net.ipv4.ip_forward', 0);
  perhaps('net.ipv6.conf.all.forwarding', 0);
  const policies: readonly Partial<Host>[] = [
    {},
    {},
    {
      rules: ['fwmark 5 table 100', 'from ::/0 fwmark 5 table 100'],
      routes: [...ROUTER.routes!, 'default dev eth1 table 100', '::/0 dev eth1 table 100'],
    },
    {
      rules: ['fwmark 0x1/0x1 table 100', 'tos 0x10 table 101'],
      routes: [...ROUTER.routes!, 'default dev eth1 table 100', 'blackhole default table 101'],
    },
    { routes: [...ROUTER.routes!, 'unreachable 203.0.113.0/24', 'prohibit 2001:db8:e::/48'] },
    { routes: [...ROUTER.routes!, 'blackhole 203.0.113.8/32', '2001:db8:e::/48 via 2001:db8::fd dev eth0'] },
  ];
  return { ...ROUTER, ...random.pick(policies), sysctls };
}

function idiomRules(random: Random, family: Family): string {
  const dump = new Dump(family, random);
  const looking = random.between(0, 12);
  look(dump, Math.floor(looking / 2));
  for (const idiom of shuffled(random, random.some(IDIOMS, 4))) idiom(dump);
  look(dump, looking);
  dump.add('filter', 'INPUT', 'FORWARD', 'OUTPUT');
  return dump.text();
}

function shuffled<T>(random: Random, list: readonly T[]): T[] {
  const rest = [...list];
  return Array.from({ length: rest.length }, () => rest.splice(random.below(rest.length), 1)[0]!);
}

/** Rules that only count, anywhere. */
function look(dump: Dump, count: number): void {
  const { random } = dump;
  for (let i = 0; i < count; i++) {
    const name = random.pick<Table>([
      'raw',
      'mangle',
      'mangle',
      'mangle',
      'nat',
      'filter',
      'filter',
      'security',
    ]);
    const chain = random.pick(CHAINS[name]);
    const matches = Array.from({ length: random.pick([1, 1, 2]) }, () => lookingMatch(dump, name, chain));
    if (matches.filter((match) => match.startsWith('-p ')).length > 1) matches.pop();
    dump.add(name, `${chain} ${matches.join(' ')}${random.chance(0.15) ? ` -j ${onlooker(dump)}` : ''}`);
  }
}

function onlooker({ random }: Dump): string {
  return random.pick([
    'LOG --log-prefix "seen "',
    'NFLOG --nflog-group 2',
    'RETURN',
    'MARK --xor-mark 0x3',
    'MARK --set-xmark 0x20/0xf0',
    'ACCEPT',
  ]);
}

function lookingMatch({ random, family }: Dump, table: Table, chain: string): string {
  const not = random.chance(0.3) ? '! ' : '';
  const a = addresses(family);
  const is4 = family === 4;
  const arrivesHere = chain === 'PREROUTING' || chain === 'INPUT' || chain === 'FORWARD';
  const options: readonly (() => string)[] = [
    () =>
      `-m conntrack ${not}--ctexpire ${random.pick(['0:10', '29:30', '100:300', '301:432000', '59:120'])}`,
    () =>
      `-m conntrack ${not}--ctstatus ${random.pick(['ASSURED', 'SEEN_REPLY', 'CONFIRMED', 'EXPECTED', 'SEEN_REPLY,ASSURED'])}`,
    () =>
      `-m conntrack ${not}--ctstate ${random.pick(['INVALID', 'NEW', 'ESTABLISHED', 'RELATED', 'UNTRACKED', 'DNAT', 'SNAT', 'DNAT,SNAT', 'INVALID,NEW'])}`,
    () => `-m conntrack ${not}--ctreplsrc ${random.pick([a.inside, a.far, a.self])}`,
    () => `-m conntrack ${not}--ctrepldst ${random.pick([a.self, a.selfInside, a.outside])}`,
    () => `-m conntrack ${not}--ctorigsrcport ${FIRST_SPORT}:${FIRST_SPORT + random.below(12)}`,
    () => `-m conntrack ${not}--ctreplsrcport ${random.pick(PORTS)}`,
    () => `-m conntrack --ctdir ${random.pick(['ORIGINAL', 'REPLY'])}`,
    () => `-m set ${not}--match-set nets${family} ${random.pick(['src', 'dst'])}`,
    () => `-m set ${not}--match-set ban${family} ${random.pick(['src', 'dst'])}`,
    () => `-m set ${not}--match-set seen${family} ${random.pick(['src,src', 'dst,dst', 'src,dst'])}`,
    () => `-m set ${not}--match-set ports ${random.pick(['src', 'dst'])}`,
    () => `-m addrtype ${not}--src-type ${random.pick(['LOCAL', 'UNICAST', 'MULTICAST', 'UNREACHABLE'])}`,
    () =>
      `-m addrtype ${not}--dst-type ${random.pick(['LOCAL', 'UNICAST', 'MULTICAST', 'ANYCAST', 'UNSPEC'])}`,
    () =>
      is4
        ? `-m addrtype ${not}--dst-type ${random.pick(['BROADCAST', 'BLACKHOLE', 'PROHIBIT'])}`
        : `-m hl ${random.pick(['--hl-lt 64', '--hl-eq 1'])}`,
    () => `-m devgroup ${chain === 'OUTPUT' || chain === 'POSTROUTING' ? '--dst-group' : '--src-group'} 0`,
    () =>
      chain === 'PREROUTING' && table !== 'nat'
        ? `-m rpfilter ${random.pick(['', '--loose ', '--validmark ', '--accept-local '])}${random.chance(0.5) ? '--invert' : ''}`
        : '-m mark --mark 0',
    () => `-m policy --dir ${chain === 'POSTROUTING' || chain === 'OUTPUT' ? 'out' : 'in'} --pol none`,
    () => `-p tcp -m tcp ${not}--tcp-option ${random.pick([2, 3, 4, 5, 8])}`,
    () => `-p tcp -m ecn ${not}--ecn-tcp-${random.pick(['cwr', 'ece'])}`,
    () => `-m ecn ${not}--ecn-ip-ect ${random.pick([1, 2, 3])}`,
    () => `-p dccp -m dccp ${not}--dccp-types ${random.pick(['REQUEST,RESPONSE', 'DATA', 'INVALID'])}`,
    () =>
      `-p sctp -m sctp ${not}--chunk-types ${random.pick(['any', 'all', 'only'])} ${random.pick(['DATA', 'INIT,INIT_ACK', 'SACK', 'HEARTBEAT'])}`,
    () =>
      `-p ${is4 ? 'ah' : 'tcp'} ${is4 ? `-m ah ${not}--ahspi 0:300` : `-m ipv6header ${not}--header ${random.pick(['dst,hop', 'frag', 'route'])}${random.chance(0.5) ? ' --soft' : ''}`}`,
    () =>
      is4
        ? `-m ttl --ttl-${random.pick(['lt', 'gt'])} 63`
        : `-m frag ${random.pick(['--fragfirst', '--fragmore', '--fraglast', '--fragid 1:60000'])}`,
    () =>
      is4
        ? `-p icmp -m icmp ${not}--icmp-type ${random.pick(['5', '12', '13', '3/4', '11/0', '17'])}`
        : `-p ipv6-icmp -m icmp6 ${not}--icmpv6-type ${random.pick(['135', '136', '2', '3/0', '130', '137'])}`,
    () => `-m length ${not}--length ${random.between(20, 80)}:${random.between(81, 1500)}`,
    () =>
      `-m string --algo ${random.pick(['bm', 'kmp'])} ${not}--hex-string "|${random.pick(['0000', '47', '0102'])}|" --to ${random.pick([50, 100])}`,
    () => `-m statistic --mode nth ${not}--every ${random.between(2, 4)} --packet 0`,
    () =>
      `-m connbytes ${not}--connbytes ${random.pick(['1:2', '100:', '40:60'])} --connbytes-dir ${random.pick(['both', 'original', 'reply'])} --connbytes-mode ${random.pick(['packets', 'bytes', 'avgpkt'])}`,
    () => `-m connlabel ${not}--label 3`,
    () => `-m connmark ${not}--mark 0x${random.pick(['100/0x100', '1/0x1', '64'])}`,
    () => `-m mark ${not}--mark 0x${random.pick(['4000/0x4000', '1/0x1', '5', '20/0xf0'])}`,
    () => `-m physdev ${not}--physdev-is-bridged`,
    () =>
      is4
        ? `-m u32 ${not}--u32 "6 & 0xFF = 6 && 0 >> 22 & 0x3C @ 12 >> 26 & 0x3C @ 0 = 0x47455420"`
        : `-m u32 ${not}--u32 "6 & 0xFF = 6:17"`,
    () => `-p ${random.pick(['tcp', 'udp', 'sctp', 'dccp', 'udplite'])} -m multiport ${not}--ports 0:1000`,
    () =>
      arrivesHere
        ? `-m pkttype ${not}--pkt-type ${random.pick(['unicast', 'multicast', 'broadcast'])}`
        : '-m owner --socket-exists',
  ];
  return random.pick(options)();
}

/** One to a few packets that conversations do not have. */
function odd(random: Random, family: Family): CasePacket[] {
  const a = addresses(family);
  const is4 = family === 4;
  const sport = FIRST_SPORT + random.below(12);
  const dport = random.pick(PORTS);
  const [from, to, iface] = random.pick([
    [a.outside, a.self, 'eth0'],
    [a.far, a.self, 'eth0'],
    [a.inside, a.far, 'eth1'],
    [a.inside, a.self, 'eth1'],
    [a.far2, a.inside, 'eth0'],
    [a.inside, a.inside2, 'eth1'],
    [a.far2, a.far, 'eth0'],
    [a.self, a.far2, 'own'],
    [a.selfInside, a.inside2, 'own'],
  ] as const);
  const send = (...packets: readonly Bytes[]): CasePacket[] =>
    packets.map((bytes) =>
      iface === 'own' ? leaves(to === a.inside2 ? 'eth1' : 'eth0', bytes) : arrives(iface, bytes),
    );
  const plain = (layer: Layer, fields: { ttl?: number; tos?: number } = {}) =>
    send(ip({ saddr: from, daddr: to, ...fields }, layer));
  const seq = random.pick([0, 1, 500, 1001, 0xfffffff0]);
  const kinds: readonly (() => CasePacket[])[] = [
    // Flags and options that a handshake does not have.
    () =>
      plain(
        tcp({
          sport: random.pick([sport, sport, 0]),
          dport,
          flags: random.pick(['S', 'SA', 'A', 'R', 'RA', 'FA', 'SF', 'FPU', 0xc2, 0x52, 0, 'U', 'PA', 'SP']),
          seq,
          ack: random.pick([0, 1, 501, 1002]),
          window: random.pick([0, 1, 1000, 65535]),
          payload: filler(random.pick([0, 0, 1, 100])),
          options: random.pick([
            concat(),
            concat(tcpOption.mss(100), tcpOption.sackPermitted(), tcpOption.windowScale(7)),
            tcpOption.timestamps(1, 2),
            concat(tcpOption.nop(), tcpOption.nop(), tcpOption.sack(1, 2, 5, 9)),
            tcpOption.windowScale(15),
          ]),
        }),
        { tos: random.pick([0, 1, 3, 0x10]) },
      ),
    () => plain(tcp({ sport, dport, flags: 'S', cut: random.pick([2, 8, 13, 19]) })),
    () => plain(tcp({ sport, dport, flags: 'A', headerWords: random.pick([4, 6, 15]) })),
    () =>
      plain(
        udp({
          sport: random.pick([sport, 0, 53, 67]),
          dport: random.pick([dport, 68, 137, 5353]),
          payload: text('GET needle'),
        }),
      ),
    () => plain(udp({ sport, dport, checksum: random.pick(['bad' as const, 0]) })),
    () => plain(dccp({ sport, dport, type: random.pick([0, 1, 2, 7, 12]) })),
    () =>
      plain(
        sctp({
          sport,
          dport,
          vtag: random.pick([0, 11, 22]),
          chunks: [{ type: random.pick([0, 1, 3, 4, 6, 7, 14]), value: filler(random.pick([4, 16])) }],
        }),
      ),
    () => plain(raw(random.pick([0x5e, 4, 41, 47, 59, 112, 255]), filler(random.pick([0, 4, 40])))),
    () => plain(ah(random.chance(0.5) ? tcp({ sport, dport, flags: 'S' }) : udp({ sport, dport }))),
    // Questions and errors.
    () =>
      plain(
        is4
          ? icmp({
              type: random.pick([0, 8, 13, 14, 15, 17, 18, 9, 10, 30, 40]),
              id: sport,
              payload: filler(random.pick([0, 8, 12])),
            })
          : icmpv6({
              type: random.pick([128, 129, 130, 131, 135, 136, 139, 143, 200]),
              id: sport,
              payload: filler(random.pick([0, 16])),
            }),
        { ttl: random.pick([1, 64, 255]) },
      ),
    () => {
      const quoted = ip(
        random.chance(0.6) ? { saddr: to, daddr: from, ttl: 59 } : { saddr: from, daddr: to, ttl: 59 },
        random.pick([
          udp({ sport, dport }),
          udp({ sport: dport, dport: sport }),
          tcp({ sport, dport, flags: 'S' }),
          tcp({ sport: dport, dport: sport, flags: 'A' }),
          is4 ? icmp({ type: 8, id: sport }) : icmpv6({ type: 128, id: sport }),
        ]),
      );
      const keep = random.pick([0, 4, 8, 20, 100]);
      return plain(
        is4
          ? icmpError(
              { type: random.pick([3, 3, 4, 5, 11, 12]), code: random.below(5), mtu: 1400 },
              quoted,
              keep,
            )
          : icmpv6Error(
              { type: random.pick([1, 2, 3, 4, 137]), code: random.below(5), mtu: 1400 },
              quoted,
              keep,
            ),
      );
    },
    () =>
      is4
        ? plain(igmp({ type: random.pick([0x11, 0x16]) }))
        : plain(icmpv6({ type: 131, rest: be32(0), payload: filler(16) })),
    // Headers between, and options.
    () =>
      is4
        ? send(
            ipv4(
              {
                saddr: from,
                daddr: to,
                options: Uint8Array.from(
                  random.pick([
                    [7, 7, 4, 0, 0, 0, 0],
                    [148, 4, 0, 0],
                    [131, 7, 4, 10, 0, 0, 9],
                    [68, 8, 5, 0, 0, 0, 0, 0],
                    [1, 99, 2],
                  ]),
                ),
              },
              udp({ sport, dport }),
            ),
          )
        : send(
            ipv6(
              { saddr: from, daddr: to },
              routing(udp({ sport, dport }), {
                type: random.pick([0, 2, 4]),
                segmentsLeft: random.below(2),
                addresses: [a.inside],
              }),
            ),
          ),
    // Fragments: all, some, none that fits.
    () => {
      const layer = random.chance(0.5)
        ? udp({ sport, dport, payload: filler(64) })
        : tcp({ sport, dport, flags: 'PA', seq, payload: filler(64) });
      const id = random.between(1, 60000);
      const pieces = is4
        ? fragment4(ipv4({ saddr: from, daddr: to, id }, layer), random.pick([8, 24, 40]))
        : fragment6(ipv6({ saddr: from, daddr: to }, layer), id, [random.pick([8, 24, 40])]);
      const kept = pieces.filter(() => random.chance(0.85));
      // A raw socket's fragments a capture cannot tell from cut ones.
      return iface === 'own' ? [] : send(...(random.chance(0.3) ? kept.reverse() : kept));
    },
    // Addresses that nobody should have.
    () => {
      const layer = random.chance(0.5) ? udp({ sport, dport }) : tcp({ sport, dport, flags: 'S' });
      const [saddr, daddr] = random.pick(
        is4
          ? [
              ['0.0.0.0', '255.255.255.255'],
              ['127.0.0.1', a.self],
              [a.self, a.self],
              ['224.0.0.1', a.self],
              [a.far, '10.0.0.255'],
              [a.outside, '192.0.2.0'],
              ['240.0.0.1', a.inside],
              [a.inside, '239.1.1.1'],
              ['255.255.255.255', a.self],
              [a.inside, '169.254.1.1'],
            ]
          : [
              ['::', 'ff02::1'],
              ['::1', a.self],
              [a.self, a.self],
              ['fe80::9', 'fe80::1'],
              ['fe80::9', a.far],
              [a.outside, 'ff02::2'],
              [a.outside, 'ff05::1'],
              ['::ffff:1.2.3.4', a.self],
              [a.outside, '2001:db8::'],
              [a.inside, '::'],
            ],
      );
      return [arrives(random.pick(['eth0', 'eth1']), ip({ saddr: saddr!, daddr: daddr! }, layer))];
    },
    // A conversation of the host with itself, by lo.
    () => {
      const [client, server] = random.pick([
        [a.loopback, a.loopback],
        [a.self, a.self],
        [a.selfInside, a.self],
      ]);
      const there = { saddr: client!, daddr: server! };
      const back = { saddr: server!, daddr: client! };
      return [
        leaves('lo', ip(there, tcp({ sport, dport, flags: 'S', seq: 10 }))),
        leaves(
          'lo',
          ip(back, tcp({ sport: dport, dport: sport, flags: random.pick(['SA', 'RA']), seq: 70, ack: 11 })),
        ),
        leaves('lo', ip(there, tcp({ sport, dport, flags: 'A', seq: 11, ack: 71 }))),
      ];
    },
    // The same SYN from two sides at once, and again.
    () => [
      arrives('eth1', ip({ saddr: a.inside, daddr: a.far }, tcp({ sport, dport, flags: 'S', seq: 10 }))),
      arrives(
        'eth0',
        ip({ saddr: a.far, daddr: a.inside }, tcp({ sport: dport, dport: sport, flags: 'S', seq: 90 })),
      ),
      arrives(
        'eth1',
        ip({ saddr: a.inside, daddr: a.far }, tcp({ sport, dport, flags: 'SA', seq: 10, ack: 91 })),
      ),
      arrives(
        'eth0',
        ip(
          { saddr: a.far, daddr: a.inside },
          tcp({ sport: dport, dport: sport, flags: 'SA', seq: 90, ack: 11 }),
        ),
      ),
    ],
  ];
  return random.pick(kinds)();
}
