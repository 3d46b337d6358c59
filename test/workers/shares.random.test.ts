/**
 * Long random captures through random rules, in shares and as a whole: the same result, all of it. SEED= takes one seed,
 * COUNT= so many from FIRST= (1) on, PACKETS= so many packets each.
 */
import { afterAll, expect, it } from 'vitest';
import type { ReplayConfig } from '../../src/workers/config.ts';
import { Dice } from '../conntrack/tcp-conversations.ts';
import { type Bytes, be16, be32, concat, pcap } from '../kernel/packets.ts';
import { randomCase } from '../kernel/random.ts';
import { expectSame, ShareBench } from './share-bench.ts';
import { type Family, type Sent, ShareTraffic } from './share-traffic.ts';

const SEEDS =
  process.env.SEED === undefined
    ? Array.from({ length: Number(process.env.COUNT ?? 24) }, (_, i) => i + Number(process.env.FIRST ?? 1))
    : [Number(process.env.SEED)];
const PACKETS = Number(process.env.PACKETS ?? 1500);
const EPOCH_SECONDS = 1_700_000_000;

const bench = new ShareBench();
afterAll(() => bench.remove());

/** Rules that look at more than one connection: with them nothing is shared. */
const ENTANGLING = /-m (limit|hashlimit|recent|quota|helper|statistic --mode nth)/;

/** The rules of test/kernel/random.ts that may be shared, with the addresses of ShareBench's router; and some more. */
function rulesFor(dice: Dice, seed: number, family: Family): string {
  const { rules4, rules6 } = randomCase(seed, { families: [family], conntrack: dice.chance(85) });
  const lines = (family === 4 ? rules4 : rules6)!
    .split('\n')
    .filter((line) => !ENTANGLING.test(line))
    .map((line) =>
      line
        .replaceAll('10.0.0.', '10.2.0.')
        .replaceAll('192.0.2.', '10.1.0.')
        .replaceAll('2001:db8:1::', '2001:db8:2::')
        .replaceAll('2001:db8::', '2001:db8:1::'),
    );
  const filter = lines.indexOf('COMMIT', lines.indexOf('*filter'));
  lines.splice(filter, 0, ...Array.from({ length: 6 }, () => stateful(dice, family)));
  const text = lines.join('\n');
  if (lines.includes('*raw') || !dice.chance(30)) return text;
  return `*raw\n:PREROUTING ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n-A ${dice.pick(ZONES)}\nCOMMIT\n${text}`;
}

const ZONES = [
  'PREROUTING -i eth1 -j CT --zone 3',
  'PREROUTING -p udp -j CT --zone-orig 3',
  'PREROUTING -p tcp -j CT --zone-reply 4',
  'OUTPUT -j CT --notrack',
];

/** A rule of filter that looks at what its connection has seen. */
function stateful(dice: Dice, family: Family): string {
  const chain = dice.pick(['INPUT', 'FORWARD', 'OUTPUT']);
  const match = dice.pick([
    '-m conntrack --ctexpire 1:100',
    '-m conntrack --ctexpire 100:500',
    '-m conntrack --ctstate NEW',
    '-m conntrack --ctstate RELATED',
    '-m conntrack --ctstate INVALID',
    '-m conntrack --ctstate ESTABLISHED --ctdir REPLY',
    '-m conntrack --ctstatus ASSURED',
    '-m connbytes --connbytes 3 --connbytes-dir both --connbytes-mode packets',
    '-m connbytes --connbytes 400 --connbytes-dir original --connbytes-mode bytes',
    '-m connlabel --label 5 --set',
    '-m cluster --cluster-total-nodes 2 --cluster-local-node 1 --cluster-hash-seed 7',
    '-m statistic --mode random --probability 0.5',
    '-m connmark --mark 1',
    '-m mark --mark 1',
    `-p ${family === 4 ? 'icmp' : 'ipv6-icmp'}`,
  ]);
  const target = dice.pick([
    '',
    '',
    '',
    ' -j DROP',
    ' -j ACCEPT',
    ' -j CONNMARK --set-mark 1',
    ' -j MARK --set-mark 2',
    ' -j HMARK --hmark-tuple src,dst,sport,dport,proto --hmark-rnd 5 --hmark-mod 3',
    ' -j HMARK --hmark-tuple ct,src,dst,sport --hmark-rnd 5 --hmark-mod 3',
    ' -j REJECT',
    ' -p tcp -j REJECT --reject-with tcp-reset',
  ]);
  const words = match.startsWith('-p ')
    ? target.replace(' -p tcp', ' -m comment --comment x').replace(' --reject-with tcp-reset', '')
    : target;
  return `-A ${chain} ${match}${words}`;
}

function sysctlsFor(dice: Dice): string {
  const lines = [
    'net.netfilter.nf_conntrack_acct = 1',
    'net.netfilter.nf_conntrack_tcp_loose = 0',
    'net.netfilter.nf_conntrack_tcp_be_liberal = 1',
    'net.netfilter.nf_conntrack_checksum = 0',
    'net.netfilter.nf_conntrack_udp_timeout = 3',
    'net.netfilter.nf_conntrack_tcp_timeout_established = 40',
    'net.netfilter.nf_conntrack_tcp_timeout_time_wait = 1',
    'net.netfilter.nf_conntrack_max = 400',
    'net.ipv4.ipfrag_time = 2',
    'net.ipv4.conf.all.rp_filter = 1',
    'net.ipv4.conf.all.accept_local = 1',
    'net.ipv4.conf.all.route_localnet = 1',
  ];
  return lines.filter(() => dice.chance(20)).join('\n');
}

/** What is known of the host, and how its packets were captured. */
interface Setting {
  /** An end host does not forward, so that captures need not tell which way packets went. */
  readonly host: 'router' | 'end host' | 'unknown';
  readonly link: 'raw' | 'ethernet' | 'tagged' | 'cooked';
}

const LINKTYPES = { raw: 101, ethernet: 1, tagged: 1, cooked: 276 } as const;
const ETH_P_8021Q = 0x8100;
const PACKET_OUTGOING = 4;

/** The frame of a packet that passed by `source` (`eth0:in` …). */
function framed(dice: Dice, { link }: Setting, source: string, bytes: Bytes): Bytes {
  const etherType = bytes[0]! >>> 4 === 6 ? 0x86dd : 0x0800;
  const [iface, direction] = source.split(':');
  switch (link) {
    case 'raw':
      return bytes;
    case 'ethernet':
      return concat(new Uint8Array(12), be16(etherType), bytes);
    case 'tagged': {
      const tag = dice.chance(50) ? concat(be16(ETH_P_8021Q), be16(dice.pick([0, 7]))) : new Uint8Array();
      return concat(new Uint8Array(12), tag, be16(etherType), bytes);
    }
    case 'cooked': {
      const ifindex = iface === 'lo' ? 1 : iface === 'eth0' ? 2 : 3;
      const packetType = direction === 'out' ? PACKET_OUTGOING : 0;
      const header = concat(be16(etherType), be16(0), be32(ifindex), be16(1), Uint8Array.of(packetType, 6));
      return concat(header, new Uint8Array(8), bytes);
    }
  }
}

/** The configuration of a seed; `keep` leaves packets out, to find those that matter. */
function configFor(seed: number, keep: (i: number) => boolean = () => true): ReplayConfig {
  const dice = new Dice(seed);
  const traffic = new ShareTraffic(dice);
  const host = dice.pick(['router', 'router', 'end host', 'unknown'] as const);
  const link = dice.pick(['raw', 'raw', 'ethernet', 'tagged', 'cooked'] as const);
  const setting = { host, link };
  const files = new Map<string, Sent[]>();
  for (const [i, sent] of traffic.make(PACKETS).entries()) {
    const bytes = framed(dice, setting, sent.source, sent.bytes);
    if (!keep(i)) continue;
    const name = host !== 'end host' ? sent.source : link === 'cooked' ? 'any' : sent.source.split(':')[0]!;
    const file = files.get(name) ?? [];
    const added = bytes.length - sent.bytes.length;
    file.push({ ...sent, bytes, ...(sent.origLen === undefined ? {} : { origLen: sent.origLen + added }) });
    files.set(name, file);
  }
  const captures = [...files].map(([source, sent]) => {
    const records = sent.map(({ timeSeconds, ...record }) => ({
      ...record,
      time: EPOCH_SECONDS + timeSeconds,
    }));
    return `${source === 'any' ? '' : `${source}=`}${bench.file(pcap(LINKTYPES[link], records))}`;
  });
  const rules = {
    ...(traffic.families.includes(4) ? { rules4: rulesFor(dice, seed, 4) } : {}),
    ...(traffic.families.includes(6) ? { rules6: rulesFor(dice, seed, 6) } : {}),
  };
  const forwarding = host === 'end host' ? 'net.ipv4.ip_forward = 0\nnet.ipv6.conf.all.forwarding = 0\n' : '';
  const sysctls = forwarding + sysctlsFor(dice);
  return bench.config(captures, rules, {
    host: host === 'unknown' ? bench.host({ 'sysctl.txt': sysctls }) : bench.router(sysctls),
    midstream: dice.pick(['kernel', 'kernel', 'established']),
    checksum: dice.pick(['auto', 'verify', 'trust']),
    evaluator: dice.pick(['compiled', 'compiled', 'linear']),
  });
}

it(`gives what it gives as a whole (seeds ${SEEDS[0]} to ${SEEDS.at(-1)})`, async () => {
  const counts: Record<string, number> = { addresses: 0, ports: 0, either: 0 };
  const count = (way: string) => {
    counts[way] = (counts[way] ?? 0) + 1;
  };
  const wrong: string[] = [];
  for (const seed of SEEDS) {
    const config = configFor(seed);
    try {
      const found = await expectSame(config, [2, 7]);
      for (const one of found) count(typeof one === 'string' ? one : one.because);
      // Ports tell connections apart just as well where nothing is translated.
      if (found.at(-1) !== 'addresses') continue;
      for (const one of await expectSame(config, [3], 'ports')) if (one === 'ports') count('either');
    } catch (error) {
      wrong.push(`seed ${seed}: ${(error as Error).message}`);
    }
  }
  expect(wrong).toEqual([]);
  if (process.env.COUNT !== undefined) console.log(counts);
  if (SEEDS.length < 10) return;
  expect(counts.addresses).toBeGreaterThan(SEEDS.length / 4);
  expect(counts.ports).toBeGreaterThan(SEEDS.length / 12);
}, 3_600_000);
