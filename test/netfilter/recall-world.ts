/** The network, the packets and the rules of recall.test.ts and recall-translated.test.ts, and how they are judged. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, vi } from 'vitest';
import { C_MASQ_OIF, C_STATUS, C_TIMEOUT, RECORD_SHIFT } from '../../src/conntrack/layout.ts';
import { ConntrackTable } from '../../src/conntrack/table.ts';
import { IPS_CONFIRMED, IPS_DYING, TUPLE_WORDS } from '../../src/packet/conntrack-access.ts';
import type { ReplayOutput } from '../../src/workers/config.ts';
import { runReplay } from '../../src/workers/replay.ts';
import { Dice } from '../conntrack/tcp-conversations.ts';
import { savedText } from '../engine/run-case.ts';
import { type Bytes, icmp, icmpv6, ip, type Layer, pcap, tcp, udp } from '../kernel/packets.ts';
import { iface, inet } from './host-addresses.ts';

const LINKTYPE_RAW = 101;
const FIRST_SECONDS = 1_700_000_000;

const ADDRESSES = [
  iface(2, 'eth0', inet('inet', '10.1.0.1', 24), inet('inet6', '2001:db8:1::1', 64)),
  iface(
    3,
    'eth1',
    inet('inet', '10.2.0.1', 24),
    inet('inet', '10.2.5.1', 24),
    inet('inet6', '2001:db8:2::1', 64),
  ),
  iface(4, 'eth2', inet('inet', '10.3.0.1', 24), inet('inet6', '2001:db8:3::1', 64)),
];
const route = (dst: string, dev: string, more: object = {}) => ({ dst, dev, flags: [], ...more });
const LOCAL = { type: 'local', table: 'local', protocol: 'kernel', scope: 'host' };
const ROUTES = [
  route('10.1.0.0/24', 'eth0', { protocol: 'kernel', scope: 'link' }),
  route('10.2.0.0/24', 'eth1', { protocol: 'kernel', scope: 'link' }),
  route('10.3.0.0/24', 'eth2', { protocol: 'kernel', scope: 'link' }),
  route('10.4.0.0/16', 'eth1', { gateway: '10.2.0.9' }),
  route('10.2.5.0/24', 'eth1', { protocol: 'kernel', scope: 'link' }),
  route('10.6.0.0/16', 'eth1', { gateway: '10.2.5.9' }),
  route('10.4.7.0/24', 'eth2', { gateway: '10.3.0.9' }),
  { ...route('10.4.7.7', ''), type: 'unreachable' },
  { ...route('10.5.0.0/16', ''), type: 'blackhole' },
  route('10.1.0.1', 'eth0', LOCAL),
  route('10.2.0.1', 'eth1', LOCAL),
  route('10.2.5.1', 'eth1', LOCAL),
  route('10.3.0.1', 'eth2', LOCAL),
  { ...route('10.1.0.255', 'eth0', LOCAL), type: 'broadcast', scope: 'link' },
];
const ROUTES6 = [
  route('2001:db8:1::/64', 'eth0', { protocol: 'kernel', metric: 256 }),
  route('2001:db8:2::/64', 'eth1', { protocol: 'kernel', metric: 256 }),
  route('2001:db8:4::/48', 'eth1', { gateway: '2001:db8:2::9', metric: 1024 }),
  route('2001:db8:4:7::/64', 'eth2', { gateway: '2001:db8:3::9', metric: 1024 }),
  route('2001:db8:1::1', 'eth0', { ...LOCAL, metric: 0 }),
  route('2001:db8:2::1', 'eth1', { ...LOCAL, metric: 0 }),
];
const SYSCTLS: readonly string[] = [
  '',
  'net.ipv4.conf.all.rp_filter = 1',
  'net.ipv4.conf.eth0.rp_filter = 2\nnet.netfilter.nf_conntrack_acct = 1',
  'net.netfilter.nf_conntrack_max = 60\nnet.netfilter.nf_conntrack_buckets = 16',
  'net.netfilter.nf_conntrack_udp_timeout = 1\nnet.netfilter.nf_conntrack_tcp_timeout_syn_sent = 1',
];

const SOURCES4 = [
  '10.1.0.9',
  '10.1.0.10',
  '10.1.0.77',
  '10.1.0.200',
  '10.1.0.1',
  '10.4.0.9',
  '10.2.0.9',
  '127.0.0.1',
];
const TARGETS4 = [
  '10.2.0.9',
  '10.2.0.10',
  '10.2.0.99',
  '10.4.0.1',
  '10.6.0.1',
  '10.4.7.1',
  '10.4.7.7',
  '10.5.0.1',
  '10.1.0.1',
  '10.2.0.1',
  '10.9.0.1',
  '10.1.0.255',
];
const SOURCES6 = ['2001:db8:1::9', '2001:db8:1::a', '2001:db8:1:0:1::9', '2001:db8:4::9'];
const TARGETS6 = [
  '2001:db8:2::9',
  '2001:db8:2::a',
  '2001:db8:2::1',
  '2001:db8:4::1',
  '2001:db8:4:7::1',
  '2001:db8:9::1',
];
const PORTS = [22, 80, 443, 1024];

/** A match on addresses, ports, state or arrival. */
export function match(dice: Dice, family: 4 | 6, table: string, chain: string, isPlain: boolean): string {
  const not = dice.chance(20) ? '! ' : '';
  const net = () =>
    family === 4
      ? dice.pick([
          '10.1.0.0/24',
          '10.1.0.8/30',
          '10.1.0.64/26',
          '10.2.0.0/24',
          '10.2.0.9',
          '10.4.0.0/16',
          '10.4.7.0/24',
          '10.0.0.0/255.0.0.1',
        ])
      : dice.pick([
          '2001:db8:1::/64',
          '2001:db8:1::8/125',
          '2001:db8:2::9',
          '2001:db8:4::/48',
          '2001:db8:4:7::/64',
          '::/1',
        ]);
  const port = () => dice.pick(PORTS);
  const choices = [
    () => `${not}-s ${net()}`,
    () => `${not}-d ${net()}`,
    () => `-s ${net()} -d ${net()}`,
    () => `-s ${net()} -d ${net()} -p tcp -m tcp --dport ${port()}`,
    () => `-d ${net()} -p udp -m multiport --dports 22,80,443:1023`,
    () => `-p tcp -m tcp ${not}--dport ${port()}`,
    () => `-p udp -m udp --dport ${port()}:${2000 + port()}`,
    () => `-p tcp -m multiport ${not}--dports 22,80,443:1023`,
    () => `-p udp -m multiport --ports 53,1024:1030`,
    () => `-p tcp -m tcp --sport 1000:1003`,
    // Said by a call: nothing is known of what it looks at.
    () => `-p udp -m udp --dport ${port()} -m conntrack --ctorigsrc ${net().replace('/255.0.0.1', '')}`,
    () =>
      `-m conntrack --ctstate ${dice.pick(['NEW', 'ESTABLISHED', 'RELATED,ESTABLISHED', 'INVALID', 'NEW,DNAT'])}`,
    () => `-p ${family === 4 ? 'icmp' : 'ipv6-icmp'}`,
    () => `${not}-p udp`,
    () => '-m mark --mark 0x1',
    () => '-m tos --tos 0x10/0x3f',
    () => '-m ttl --ttl-lt 10',
  ];
  if (family === 4) choices.push(() => `-m iprange ${not}--src-range 10.1.0.10-10.1.0.99`);
  else choices.pop();
  if (!isPlain) {
    choices.push(
      () => '-m connmark --mark 0x1',
      () => '-m statistic --mode nth --every 7 --packet 0',
    );
  }
  if (chain !== 'FORWARD' || table !== 'nat') choices.push(() => `-m addrtype ${not}--dst-type LOCAL`);
  if (chain !== 'POSTROUTING') choices.push(() => `-i eth${dice.below(3)}`);
  if (chain === 'FORWARD' || chain === 'POSTROUTING') choices.push(() => `-o eth${1 + dice.below(2)}`);
  return dice.pick(choices)();
}

export const TO_SOURCE: Readonly<Record<4 | 6, readonly string[]>> = {
  4: [
    '-j SNAT --to-source 10.9.9.9',
    '-j SNAT --to-source 10.9.9.9:2000-2100',
    '-j SNAT --to-source 10.9.9.9:3000-3003',
    '-j SNAT --to-source 10.9.9.9:2000',
    '-j SNAT --to-source 10.9.9.9-10.9.9.12',
    '-j SNAT --to-source 10.9.9.9-10.9.9.12 --persistent',
    '-j MASQUERADE',
    '-j MASQUERADE',
    '-j MASQUERADE --random-fully',
    '-j MASQUERADE --to-ports 3000-3300',
    '-j NETMAP --to 10.8.0.0/24',
  ],
  6: [
    '-j SNAT --to-source 2001:db8:9::9',
    '-j SNAT --to-source [2001:db8:9::9]:2000-2100',
    '-j MASQUERADE',
    '-j NETMAP --to 2001:db8:8::/64',
  ],
};
export const TO_DESTINATION: Readonly<Record<4 | 6, readonly string[]>> = {
  4: [
    '-j DNAT --to-destination 10.2.0.9',
    '-j DNAT --to-destination 10.2.0.99:80',
    '-j DNAT --to-destination 10.4.7.1:8000-8010',
    '-j DNAT --to-destination 10.4.7.1:8000-8010 --random',
    '-j DNAT --to-destination 10.2.0.9-10.2.0.12',
    '-j DNAT --to-destination 10.2.0.9 --random',
    '-j NETMAP --to 10.4.7.0/24',
    '-j NETMAP --to 10.2.0.0/24',
    '-j REDIRECT',
    '-j REDIRECT --to-ports 80',
  ],
  6: [
    '-j DNAT --to-destination 2001:db8:2::9',
    '-j DNAT --to-destination [2001:db8:4:7::1]:443',
    '-j NETMAP --to 2001:db8:4::/64',
    '-j REDIRECT',
  ],
};
/** Targets that say ports want a protocol that has some. */
export const WITH_PORTS = /:\d+(-\d+)?( |$)|\]:|--to-ports/;

/** A packet, and by which of both interfaces it comes in. */
export interface Sent {
  readonly bytes: Bytes;
  readonly side: number;
}

/** Short conversations: a first packet, sometimes an answer, sometimes more. */
function packets(dice: Dice): Sent[] {
  const out: Sent[] = [];
  for (let i = 0; i < 2500; i++) {
    const is4 = dice.chance(70);
    const from = dice.pick(is4 ? SOURCES4 : SOURCES6);
    const to = dice.pick(is4 ? TARGETS4 : TARGETS6);
    const sport = 1000 + dice.below(400);
    const dport = dice.pick(PORTS);
    const ttl = dice.chance(90) ? 64 : dice.pick([9, 2, 1]);
    const tos = dice.chance(90) ? 0 : 0x10;
    const wrap = (saddr: string, daddr: string, body: Layer): Bytes => ip({ saddr, daddr, ttl, tos }, body);
    const side = dice.below(10) === 0 ? 1 : 0;
    const kind = dice.below(10);
    const add = (isAnswer: boolean, body: Layer): void => {
      const bytes = isAnswer ? wrap(to, from, body) : wrap(from, to, body);
      out.push({ bytes, side: isAnswer ? 1 - side : side });
    };
    const answered = dice.chance(50);
    if (kind < 5) {
      add(false, tcp({ sport, dport, flags: dice.chance(90) ? 'S' : 'A', seq: 9 }));
      if (answered) add(true, tcp({ sport: dport, dport: sport, flags: 'SA', seq: 99, ack: 10 }));
      if (answered) add(false, tcp({ sport, dport, flags: 'A', seq: 10, ack: 100 }));
      if (answered && dice.chance(30)) add(false, tcp({ sport, dport, flags: 'R', seq: 10, ack: 100 }));
    } else if (kind < 8) {
      add(false, udp({ sport, dport }));
      if (dice.chance(30)) add(false, udp({ sport, dport }));
      if (answered) add(true, udp({ sport: dport, dport: sport }));
    } else {
      const echo = (isAnswer: boolean): Layer =>
        is4 ? icmp({ type: isAnswer ? 0 : 8, id: sport }) : icmpv6({ type: isAnswer ? 129 : 128, id: sport });
      add(false, echo(false));
      if (answered) add(true, echo(true));
    }
  }
  return out;
}

/** Replays packets of `dice` through these rules by the compiled evaluator and by the linear one, of which none recalls. */
export async function compare(
  folder: string,
  dice: Dice,
  seed: number,
  rules4: string,
  rules6: string,
  sent: readonly Sent[] = packets(dice),
): Promise<{ recalled: number; walked: number }> {
  const file = (name: string, content: string | Uint8Array) => writeFileSync(join(folder, name), content);
  file('address.json', JSON.stringify(ADDRESSES));
  file('route.json', JSON.stringify(ROUTES));
  file('route6.json', JSON.stringify(ROUTES6));
  file('sysctl.txt', `net.ipv4.ip_forward = 1\nnet.ipv6.conf.all.forwarding = 1\n${dice.pick(SYSCTLS)}\n`);
  const tracked = '*security\n-A FORWARD -m conntrack --ctstate INVALID\nCOMMIT\n';
  file('iptables.save', rules4 + tracked);
  file('ip6tables.save', rules6 + tracked);
  let time = FIRST_SECONDS;
  const timed = sent.map(({ bytes, side }) => {
    time += dice.chance(1) ? 2.5 : 0.001;
    return { side, time, bytes };
  });
  for (const side of [0, 1]) {
    const own = timed.filter((one) => one.side === side);
    file(`side${side}.pcap`, pcap(LINKTYPE_RAW, own));
  }
  const tables: ConntrackTable[] = [];
  const allocate = ConntrackTable.allocate.bind(ConntrackTable);
  vi.spyOn(ConntrackTable, 'allocate').mockImplementation((capacity, arena) => {
    const table = allocate(capacity, arena);
    tables.push(table);
    return table;
  });
  const run = (evaluator: 'compiled' | 'linear') =>
    runReplay({
      captures: [`eth0:in=${join(folder, 'side0.pcap')}`, `eth1:in=${join(folder, 'side1.pcap')}`],
      host: folder,
      midstream: 'kernel',
      checksum: 'auto',
      workers: 0,
      seed,
      onUnsupported: 'error',
      evaluator,
      perPacket: false,
      conntrackDump: true,
    });
  const [compiled, linear] = [await run('compiled'), await run('linear')];
  vi.restoreAllMocks();
  expect(`seed ${seed}\n${saved(compiled)}`).toBe(`seed ${seed}\n${saved(linear)}`);
  expect(compiled.result.states).toEqual(linear.result.states);
  expect(compiled.result.connections).toEqual(linear.result.connections);
  expect(compiled.result.conntrackDump.toSorted()).toEqual(linear.result.conntrackDump.toSorted());
  expect(ends(compiled)).toEqual(ends(linear));
  expect(compiled.result.ports).toEqual(linear.result.ports);
  expect(masqueraded(tables[0]!, time - FIRST_SECONDS)).toEqual(
    masqueraded(tables[1]!, time - FIRST_SECONDS),
  );
  expect(linear.result.profile.recalled).toBe(0);
  return compiled.result.profile;
}

/** Does so with what `world` makes of each of `count` seeds from `first` on, and sums up. */
export async function compareSeeds(
  first: number,
  count: number,
  world: (dice: Dice) => { readonly rules: readonly [string, string]; readonly sent?: readonly Sent[] },
): Promise<{ recalled: number; walked: number }> {
  const folder = mkdtempSync(join(tmpdir(), 'iptables-replay-recall-'));
  const sums = { recalled: 0, walked: 0 };
  try {
    for (let seed = first; seed < first + count; seed++) {
      const dice = new Dice(seed);
      const { rules, sent } = world(dice);
      const { recalled, walked } = await compare(folder, dice, seed, ...rules, sent);
      sums.recalled += recalled;
      sums.walked += walked;
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
  return sums;
}

/** By which interface MASQUERADE had each connection leave that stands at the end. The clock begins with the first packet. */
function masqueraded({ words, floats, high }: ConntrackTable, endSeconds: number): string[] {
  const lines: string[] = [];
  for (let ct = 0; ct < high; ct++) {
    const at = ct << RECORD_SHIFT;
    if ((words[at + C_STATUS]! & (IPS_CONFIRMED | IPS_DYING)) !== IPS_CONFIRMED) continue;
    if (floats[(at + C_TIMEOUT) >> 1]! <= 1e9 * endSeconds) continue;
    lines.push(`${words.subarray(at, at + TUPLE_WORDS).join(' ')}: ${words[at + C_MASQ_OIF]}`);
  }
  return lines.sort();
}

function saved(output: ReplayOutput): string {
  return `${savedText(output, 4)}${savedText(output, 6)}`;
}

/** How many packets ended how, where and by whom. */
function ends({ result: { paths } }: ReplayOutput): Record<string, number> {
  const counts = new Map<string, number>();
  for (let i = 0; i < paths.outcome.length; i++) {
    const { outcome, family, hook, reason, decider, iif, oif } = paths;
    const key = [outcome[i], family[i], hook[i], reason[i], decider[i], iif[i], oif[i]].join(' ');
    counts.set(key, (counts.get(key) ?? 0) + paths.packets[i]!);
  }
  return Object.fromEntries([...counts].filter(([, n]) => n > 0).sort());
}
