import type { Family } from '../../src/base/inet.ts';
import { parseIpv4, parseIpv6 } from '../../src/base/inet.ts';
import { allocateBatch, type Batch } from '../../src/batch/batch.ts';
import { NO_OFFSET } from '../../src/batch/layout.ts';
import type { CaptureSource } from '../../src/capture/source.ts';
import type { PacketContext } from '../../src/report/packet-context.ts';

/** One packet of a hand-made batch. What is left out is 0 or absent. */
export interface PacketSpec {
  readonly timeNs?: number;
  readonly timeInvalid?: boolean;
  readonly source?: number;
  readonly frame?: Uint8Array;
  readonly family?: Family;
  readonly l4proto?: number;
  readonly saddr?: string;
  readonly daddr?: string;
  readonly sport?: number;
  readonly dport?: number;
  readonly length?: number;
  readonly iif?: number;
  readonly oif?: number;
  readonly outcome?: number;
  readonly reason?: number;
  readonly hook?: number;
  readonly decider?: number;
  readonly ctinfo?: number;
  readonly invalidReason?: number;
}

export function makeBatch(specs: readonly PacketSpec[], firstPacket = 0): Batch {
  const batch = allocateBatch(Math.max(1, specs.length), 1 << 16);
  batch.count = specs.length;
  batch.firstPacket = firstPacket;
  const c = batch.columns;
  let used = 0;
  specs.forEach((spec, i) => {
    const frame = spec.frame ?? new Uint8Array(60).fill(i);
    batch.data.set(frame, used);
    c.dataOffset[i] = used;
    c.capLen[i] = frame.length;
    c.origLen[i] = frame.length;
    used += frame.length;
    c.timeNs[i] = spec.timeNs ?? 0;
    c.timeInvalid[i] = spec.timeInvalid === true ? 1 : 0;
    c.source[i] = spec.source ?? 0;
    c.family[i] = spec.family ?? 0;
    c.l4proto[i] = spec.l4proto ?? 0;
    c.l4Offset[i] = spec.l4proto === undefined ? NO_OFFSET : c.dataOffset[i]! + 34;
    c.sport[i] = spec.sport ?? 0;
    c.dport[i] = spec.dport ?? 0;
    c.length[i] = spec.length ?? frame.length;
    c.saddr.set(words(spec.saddr), 4 * i);
    c.daddr.set(words(spec.daddr), 4 * i);
    c.iif[i] = spec.iif ?? 0;
    c.oif[i] = spec.oif ?? 0;
    c.outcome[i] = spec.outcome ?? 0;
    c.reason[i] = spec.reason ?? 0;
    c.hook[i] = spec.hook ?? 255;
    c.decider[i] = spec.decider ?? -1;
    c.ctinfo[i] = spec.ctinfo ?? 255;
    c.invalidReason[i] = spec.invalidReason ?? 0;
  });
  return batch;
}

function words(address: string | undefined): Int32Array {
  if (address === undefined) return new Int32Array(4);
  return address.includes(':') ? parseIpv6(address)! : Int32Array.of(parseIpv4(address)!, 0, 0, 0);
}

export const ETH0: CaptureSource = {
  index: 0,
  file: 'eth0.pcap',
  ifaceName: 'eth0',
  ifaceGiven: true,
  direction: undefined,
  linktype: 1,
  snaplen: 262144,
  unitsPerSecond: 1_000_000n,
};

export const LO: CaptureSource = {
  ...ETH0,
  index: 1,
  file: 'lo, "quoted".pcap',
  ifaceName: 'lo',
  unitsPerSecond: 1_000_000_000n,
};

/** 2023-11-14 22:13:20.999999000 UTC */
export const BASE_NS = 1_700_000_000_999_999_000n;

export const CONTEXT: PacketContext = {
  baseNs: BASE_NS,
  source: (index) => [ETH0, LO][index]!,
  interfaceName: (id) => ['', 'lo', 'eth0', 'eth1'][id]!,
  decider: (id) =>
    id === 7
      ? {
          family: 4,
          table: 'filter',
          chain: 'INPUT',
          number: 3,
          text: '-A INPUT -p tcp -m comment --comment "a, b" -j DROP',
        }
      : { family: 4, table: 'filter', chain: 'INPUT', number: 0, text: '-P INPUT DROP' },
};

/** A TCP packet that a rule drops, a policy's IPv6 one, ICMP from lo, an echo and one that is not IP. */
export const PACKETS: readonly PacketSpec[] = [
  {
    timeNs: 0,
    family: 4,
    l4proto: 6,
    saddr: '192.0.2.10',
    daddr: '192.0.2.1',
    sport: 40000,
    dport: 22,
    length: 60,
    iif: 2,
    outcome: 4,
    hook: 1,
    decider: 7,
    ctinfo: 2,
  },
  {
    timeNs: 1_000,
    family: 6,
    l4proto: 17,
    saddr: '2001:db8::1',
    daddr: 'ff02::fb',
    sport: 5353,
    dport: 5353,
    length: 88,
    iif: 2,
    outcome: 4,
    hook: 1,
    decider: 9,
    invalidReason: 4,
  },
  {
    timeNs: 1_500_000_001,
    source: 1,
    family: 4,
    l4proto: 1,
    saddr: '127.0.0.1',
    daddr: '127.0.0.1',
    sport: 77,
    dport: 8 << 8,
    length: 84,
    oif: 1,
    outcome: 3,
    hook: 1,
    ctinfo: 0,
  },
  {
    timeNs: 2_000_000_000,
    family: 4,
    l4proto: 6,
    saddr: '198.51.100.2',
    daddr: '192.0.2.10',
    sport: 22,
    dport: 40000,
    length: 60,
    oif: 3,
    outcome: 11,
  },
  { timeNs: 3_000_000_000, timeInvalid: true, outcome: 10, frame: new Uint8Array(42) },
  {
    timeNs: 3_000_000_000,
    family: 4,
    l4proto: 50,
    saddr: '10.0.0.1',
    daddr: '10.0.0.2',
    iif: 2,
    outcome: 9,
    reason: 129,
  },
];
