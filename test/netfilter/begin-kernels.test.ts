/**
 * Kernels and the loops beside them on the same packets, batch by batch: not only what the report says has to be the same,
 * but every column that they write, every word of the table of connections, its index, its accounts, every counter. SEED=n
 * begins at seed n, COUNT=n takes so many.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import type { Batch } from '../../src/batch/batch.ts';
import { ACCOUNT_ELEMENTS, HEADER_INDEX_USED, RECORD_WORDS } from '../../src/conntrack/layout.ts';
import { ConntrackTable } from '../../src/conntrack/table.ts';
import { decodeBatch } from '../../src/decode/decode.ts';
import { Machine } from '../../src/netfilter/machine.ts';
import { Dice } from '../conntrack/tcp-conversations.ts';
import { type Sent, shortConversations } from './short-conversations.ts';

const FIRST = Number(process.env.SEED ?? 1);
const COUNT = Number(process.env.COUNT ?? 16);
const PACKETS = 3000;
const LINKTYPE_RAW = 101;

const inet = (family: string, local: string, prefixlen: number) => ({
  family,
  local,
  prefixlen,
  scope: 'global',
});
const iface = (ifindex: number, ifname: string, ...addr_info: object[]) => ({
  ifindex,
  ifname,
  flags: ['BROADCAST', 'MULTICAST', 'UP', 'LOWER_UP'],
  mtu: 1500,
  operstate: 'UP',
  link_type: 'none',
  addr_info,
});
const ADDRESSES = [
  iface(2, 'eth0', inet('inet', '10.1.0.1', 24), inet('inet6', '2001:db8:1::1', 64)),
  iface(3, 'eth1', inet('inet', '10.2.0.1', 24), inet('inet6', '2001:db8:2::1', 56)),
];
const SOURCES = ['eth0', 'eth1'].map((ifaceName, index) => ({
  index,
  file: ifaceName,
  ifaceName,
  ifaceGiven: true,
  direction: 'in' as const,
  linktype: LINKTYPE_RAW,
  snaplen: 0,
  unitsPerSecond: 1_000_000_000n,
}));

const SYSCTLS: readonly string[] = [
  '',
  'net.netfilter.nf_conntrack_acct = 1',
  'net.netfilter.nf_conntrack_tcp_be_liberal = 1',
  'net.netfilter.nf_conntrack_tcp_max_retrans = 1',
  'net.netfilter.nf_conntrack_tcp_max_retrans = 0\nnet.netfilter.nf_conntrack_tcp_timeout_max_retrans = 1',
  'net.netfilter.nf_conntrack_helper = 1',
];
/** How long connections live, and how many there may be. */
const LIVES: readonly string[] = [
  '',
  'net.netfilter.nf_conntrack_tcp_timeout_syn_sent = 1\nnet.netfilter.nf_conntrack_udp_timeout = 1',
  ['syn_recv', 'established', 'fin_wait', 'close_wait', 'last_ack', 'time_wait', 'close']
    .map((state) => `net.netfilter.nf_conntrack_tcp_timeout_${state} = 2`)
    .join('\n'),
  'net.netfilter.nf_conntrack_tcp_timeout_unacknowledged = 1',
];
const SIZES: readonly string[] = [
  '',
  'net.netfilter.nf_conntrack_max = 60\nnet.netfilter.nf_conntrack_buckets = 16',
  'net.netfilter.nf_conntrack_max = 40\nnet.netfilter.nf_conntrack_buckets = 512',
  // So many that half of the index's slots are taken.
  'net.netfilter.nf_conntrack_max = 1000\nnet.netfilter.nf_conntrack_buckets = 1024',
];

function rules(dice: Dice, family: 4 | 6): string {
  const some = [
    '-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT',
    '-A FORWARD -m conntrack --ctstate INVALID -j DROP',
    '-A FORWARD -p tcp -m tcp --dport 22 -j DROP',
    '-A FORWARD -p udp -m udp --dport 443 -j REJECT',
    '-A FORWARD -p tcp -m tcp --tcp-flags PSH PSH',
    '-A FORWARD -p udp -m multiport --ports 80,1000:1500 -j ACCEPT',
    '-A FORWARD -m conntrack --ctstatus ASSURED',
    '-A FORWARD -m length --length 100:1000',
    `-A FORWARD -s ${family === 4 ? '10.1.0.8/30' : '2001:db8:1::8/125'} -p tcp -m tcp --dport 443 -j LOG`,
    `-A FORWARD -d ${family === 4 ? '10.2.0.99' : '2001:db8:2:0:7::/80'} -p tcp -m tcp --dport 80 -j DROP`,
  ].filter(() => dice.chance(50));
  if (dice.chance(10))
    some.push('-A FORWARD -p tcp -m tcp --tcp-flags PSH PSH -j CONNMARK --set-xmark 0x2/0xffffffff');
  if (dice.chance(8)) some.push('-A FORWARD -m statistic --mode nth --every 9 --packet 0 -j ACCEPT');
  const raw = dice.chance(15)
    ? ['*raw', '-A PREROUTING -p udp -m udp --dport 1024 -j CT --notrack', 'COMMIT']
    : [];
  const nat = [
    '-A POSTROUTING -o eth1 -j MASQUERADE',
    '-A PREROUTING -p tcp -m tcp --dport 1024 -j REDIRECT --to-ports 80',
    '-A POSTROUTING -p icmp -j RETURN',
  ].filter(() => dice.chance(40));
  const translation = dice.chance(40) ? ['*nat', ...(family === 4 ? nat : []), 'COMMIT'] : [];
  const policy = dice.chance(20) ? ':FORWARD DROP [0:0]' : ':FORWARD ACCEPT [0:0]';
  return [
    ...raw,
    ...['*filter', policy, '-A FORWARD -m conntrack --ctstate NEW', ...some, 'COMMIT'],
    ...translation,
    '',
  ].join('\n');
}

interface Timed extends Sent {
  readonly timeNs: number;
}

function timed(dice: Dice, packets: readonly Sent[]): Timed[] {
  let timeNs = 1e9;
  return packets.map((one) => {
    timeNs += dice.chance(1) ? 1.3e9 : dice.below(2e6);
    return { ...one, timeNs: dice.chance(1) ? timeNs - 5e6 : timeNs };
  });
}

/** Reads packets into a batch as a capture reader would. */
function fill(batch: Batch, packets: readonly Timed[], firstPacket: number): void {
  const c = batch.columns;
  let at = 0;
  packets.forEach(({ bytes, timeNs, fromClient }, i) => {
    batch.data.set(bytes, at);
    c.timeNs[i] = timeNs;
    c.dataOffset[i] = at;
    c.capLen[i] = bytes.length;
    c.origLen[i] = bytes.length;
    c.source[i] = fromClient ? 0 : 1;
    c.linktype[i] = LINKTYPE_RAW;
    c.recordDirection[i] = 0;
    c.timeInvalid[i] = 0;
    at += bytes.length;
  });
  batch.count = packets.length;
  batch.firstPacket = firstPacket;
}

const COMPARED = [
  'path',
  'ctinfo',
  'invalidReason',
  'outcome',
  'reason',
  'hook',
  'decider',
  'iif',
  'oif',
] as const;

/** What a batch's packets came to, a line each. */
function fates({ columns, count }: Batch): string[] {
  return Array.from({ length: count }, (_, i) =>
    COMPARED.map((name) => `${name} ${columns[name][i]}`).join(' '),
  );
}

/** All that stands in a table. */
function stateOf(table: ConntrackTable): Record<string, Uint8Array> {
  const bytes = (array: ArrayBufferView, length: number): Uint8Array =>
    new Uint8Array(array.buffer, array.byteOffset, length).slice();
  const used = table.header[HEADER_INDEX_USED]!;
  return {
    header: bytes(table.header, table.header.byteLength),
    records: bytes(table.words, 4 * RECORD_WORDS * table.high),
    index: bytes(table.index, 8 * used),
    sources: bytes(table.sourceBuckets, table.sourceBuckets.byteLength),
    accounts: bytes(table.accounts, 8 * ACCOUNT_ELEMENTS * table.high),
  };
}

it(`leaves what the loops leave (seeds ${FIRST} to ${FIRST + COUNT - 1})`, () => {
  const folder = mkdtempSync(join(tmpdir(), 'iptables-replay-begin-'));
  const tables: ConntrackTable[] = [];
  const allocate = ConntrackTable.allocate.bind(ConntrackTable);
  vi.spyOn(ConntrackTable, 'allocate').mockImplementation((capacity, arena) => {
    const table = allocate(capacity, arena);
    tables.push(table);
    return table;
  });
  const sums = { packets: 0, recalled: 0, byKernel: 0 };
  try {
    for (let seed = FIRST; seed < FIRST + COUNT; seed++) {
      const dice = new Dice(seed);
      const file = (name: string, content: string) => writeFileSync(join(folder, name), content);
      file('address.json', JSON.stringify(ADDRESSES));
      const sysctls = [dice.pick(SYSCTLS), dice.pick(LIVES), dice.pick(SIZES)].join('\n');
      file('sysctl.txt', `net.ipv4.ip_forward = 1\nnet.ipv6.conf.all.forwarding = 1\n${sysctls}\n`);
      const texts = [rules(dice, 4), rules(dice, 6)];
      const machines = [false, true].map(
        (kernels) =>
          new Machine({
            host: folder,
            captureInterfaces: ['eth0', 'eth1'],
            rulesets: ([4, 6] as const).map((family, i) => ({
              family,
              file: `rules${family}`,
              text: texts[i]!,
            })),
            conntrack: undefined,
            midstream: seed % 5 === 0 ? 'established' : 'kernel',
            checksum: 'auto',
            seed,
            onUnsupported: 'error',
            evaluator: 'compiled',
            perPacket: true,
            conntrackDump: true,
            mayHoldEchoes: false,
            kernels,
            arena: 'own',
          }),
      );
      const batches = machines.map((machine) => machine.allocateBatch());
      const packets = timed(dice, shortConversations(dice, PACKETS, dice.pick([0, 10, 10, 80])));
      for (let begin = 0; begin < packets.length; ) {
        const some = packets.slice(begin, begin + 1 + dice.below(dice.pick([10, 600])));
        machines.forEach((machine, k) => {
          fill(batches[k]!, some, begin);
          decodeBatch(batches[k]!, { checksum: 'verify' });
          machine.direction.process(batches[k]!, SOURCES);
          machine.stage.process(batches[k]!, []);
        });
        const where = `seed ${seed}, packets from ${begin} on`;
        expect([where, ...fates(batches[1]!)]).toEqual([where, ...fates(batches[0]!)]);
        begin += some.length;
      }
      const [loops, kernels] = machines.map(({ stage }) => stage);
      const [before, after] = tables.splice(0).map(stateOf);
      for (const part of Object.keys(before!))
        expect(Buffer.compare(after![part]!, before![part]!), `seed ${seed}, ${part}`).toBe(0);
      const { profile, ...expected } = machines[0]!.result(0n);
      const { profile: same, ...result } = machines[1]!.result(0n);
      expect(result).toEqual(expected);
      if (!texts.some((text) => text.includes('*raw'))) expect(same).toEqual(profile);
      sums.packets += packets.length;
      sums.recalled += loops!.recalled;
      sums.byKernel += kernels!.recalledByKernels;
    }
  } finally {
    rmSync(folder, { recursive: true });
    vi.restoreAllMocks();
  }
  // Else nothing has been tested.
  expect(sums.recalled).toBeGreaterThan(sums.packets / 8);
  expect(sums.byKernel).toBeGreaterThan(sums.recalled * 0.6);
}, 600_000);
