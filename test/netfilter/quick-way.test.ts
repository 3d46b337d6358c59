/**
 * The quick way against the long one: the same conversations, sound and broken, through the compiled evaluator, most of
 * whose packets go the quick way, by kernels in WebAssembly and without, and through the linear one, none of whose do. SEED=n begins at seed n, COUNT=n takes so
 * many.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { ReplayOutput } from '../../src/workers/config.ts';
import { runReplay } from '../../src/workers/replay.ts';
import { protocolMix } from '../conntrack/protocol-mix.ts';
import { converse, Dice, type Segment } from '../conntrack/tcp-conversations.ts';
import { savedText } from '../engine/run-case.ts';
import { pcap } from '../kernel/packets.ts';
import { iface, inet } from './host-addresses.ts';

const FIRST = Number(process.env.SEED ?? 1);
const COUNT = Number(process.env.COUNT ?? 40);
const LINKTYPE_RAW = 101;

const ADDRESSES = [
  iface(2, 'eth0', inet('inet', '10.1.0.1', 24), inet('inet6', '2001:db8:1::1', 64)),
  iface(3, 'eth1', inet('inet', '10.2.0.1', 24), inet('inet6', '2001:db8:2::1', 64)),
];

const SYSCTLS: readonly string[] = [
  '',
  'net.netfilter.nf_conntrack_acct = 1',
  'net.netfilter.nf_conntrack_tcp_be_liberal = 1',
  'net.netfilter.nf_conntrack_tcp_max_retrans = 1',
  'net.netfilter.nf_conntrack_udp_timeout = 1\nnet.netfilter.nf_conntrack_icmp_timeout = 1',
];

/** Rules that look at what a path's key has to tell apart, at as much as the dice want. */
function rules(dice: Dice, nat: boolean): string {
  const some = [
    '-A FORWARD -p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN',
    '-A FORWARD -m conntrack --ctstate INVALID',
    '-A FORWARD -m conntrack --ctstate NEW',
    '-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED',
    '-A FORWARD -m conntrack --ctdir REPLY',
    '-A FORWARD -m conntrack --ctstatus ASSURED',
    '-A FORWARD -m conntrack --ctstatus SEEN_REPLY -m conntrack --ctdir ORIGINAL',
    '-A FORWARD -m length --length 100:1000',
    '-A FORWARD -m connmark --mark 0x1',
    '-A FORWARD -p tcp -m tcp --tcp-flags PSH PSH -j CONNMARK --set-xmark 0x2/0xffffffff',
  ].filter(() => dice.chance(60));
  // What it sees goes no known way; but the mark that it sets does not let others go theirs.
  if (dice.chance(25)) {
    some.push(
      '-A FORWARD -m statistic --mode nth --every 9 --packet 0 -j CONNMARK --set-xmark 0x1/0xffffffff',
    );
  }
  // Such rules run before it is known which connection a packet belongs to.
  const raw = [
    '-A PREROUTING -p tcp -m tcp --tcp-flags PSH PSH -j MARK --set-xmark 0x4/0xffffffff',
    '-A PREROUTING -p udp -m udp --dport 1000:1500 -j CT --notrack',
    '-A PREROUTING -i eth0 -p tcp -m tcp --dport 80 -j CT --zone-reply 2',
    '-A PREROUTING -p tcp -m tcp --sport 1005:1010 -j CT --ctevents new',
    '-A PREROUTING -p tcp -m tcp --dport 80 --tcp-flags FIN FIN -j DROP',
    '-A PREROUTING -p tcp -m tcp --sport 1012:1014 -j CT --helper ftp',
    '-A PREROUTING -m length --length 1400:1500 -j CT --notrack',
    '-A PREROUTING -m limit --limit 1000/sec -j CT --ctevents destroy',
  ].filter(() => dice.chance(25));
  const first = dice.chance(40) ? ['*raw', ...raw, 'COMMIT'] : [];
  const translation = nat ? ['*nat', '-A POSTROUTING -o eth1 -j MASQUERADE', 'COMMIT'] : [];
  const filter = ['*filter', '-A FORWARD -m conntrack --ctstate NEW', ...some, 'COMMIT'];
  return [...first, ...filter, ...translation, ''].join('\n');
}

function conversations(dice: Dice): Segment[] {
  const running = Array.from({ length: 30 }, (_, i) => {
    const [client, server] = i % 4 === 3 ? ['2001:db8:1::9', '2001:db8:2::9'] : ['10.1.0.9', '10.2.0.9'];
    return converse(
      dice,
      { client: client!, server: server!, clientPort: 1000 + i, serverPort: 80 },
      30 + dice.below(120),
    );
  });
  running.push(protocolMix(dice, 150));
  const mixed: Segment[] = [];
  const left = () => running.filter((one) => one.length > 0);
  for (let some = left(); some.length > 0; some = left()) mixed.push(dice.pick(some).shift()!);
  return mixed;
}

function capturesOf(segments: readonly Segment[], dice: Dice): readonly [Uint8Array, Uint8Array] {
  let time = 1_700_000_000;
  const packets = segments.map(({ fromClient, bytes }) => {
    time += dice.chance(2) ? 1.5 : 0.001;
    return { fromClient, at: time, bytes };
  });
  const side = (fromClient: boolean) =>
    pcap(
      LINKTYPE_RAW,
      packets.filter((one) => one.fromClient === fromClient).map(({ at, bytes }) => ({ time: at, bytes })),
    );
  return [side(true), side(false)];
}

it(`gives what the long way gives (seeds ${FIRST} to ${FIRST + COUNT - 1})`, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'iptables-replay-quick-'));
  let quick = 0;
  let packets = 0;
  try {
    for (let seed = FIRST; seed < FIRST + COUNT; seed++) {
      const dice = new Dice(seed);
      const [inside, outside] = capturesOf(conversations(dice), dice);
      const file = (name: string, content: string | Uint8Array) => writeFileSync(join(folder, name), content);
      file('address.json', JSON.stringify(ADDRESSES));
      file(
        'sysctl.txt',
        `net.ipv4.ip_forward = 1\nnet.ipv6.conf.all.forwarding = 1\n${dice.pick(SYSCTLS)}\n`,
      );
      file('iptables.save', rules(dice, seed % 3 === 0));
      file('ip6tables.save', rules(dice, false));
      file('inside.pcap', inside);
      file('outside.pcap', outside);
      const run = (evaluator: 'compiled' | 'linear', kernels: boolean) =>
        runReplay({
          captures: [`eth0:in=${join(folder, 'inside.pcap')}`, `eth1:in=${join(folder, 'outside.pcap')}`],
          host: folder,
          midstream: 'kernel',
          checksum: 'auto',
          workers: 0,
          seed,
          onUnsupported: 'error',
          evaluator,
          kernels,
          perPacket: false,
          conntrackDump: true,
        });
      const [compiled, linear] = [await run('compiled', true), await run('linear', false)];
      const slower = await run('compiled', false);
      expect({ ...slower.result, profile: 0 }).toEqual({ ...compiled.result, profile: 0 });
      expect(`seed ${seed}\n${saved(compiled)}`).toBe(`seed ${seed}\n${saved(linear)}`);
      expect(compiled.result.states).toEqual(linear.result.states);
      expect(compiled.result.invalid).toEqual(linear.result.invalid);
      expect(compiled.result.conntrackDump.toSorted()).toEqual(linear.result.conntrackDump.toSorted());
      quick += compiled.result.profile.cached;
      packets += compiled.result.totals.packets;
      expect(linear.result.profile.cached).toBe(0);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
  expect(quick).toBeGreaterThan(packets / 5);
}, 600_000);

function saved(output: ReplayOutput): string {
  return `${savedText(output, 4)}${savedText(output, 6)}`;
}
