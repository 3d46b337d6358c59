import { Random } from '../base/random.ts';
import { clientAddress4, portOf, serverAddress4, serverOf } from './address-plan.ts';
import { CaptureWriter, type Sink } from './capture-writer.loop.ts';
import { Conversations } from './conversations.loop.ts';
import { FrameWriter } from './frame.loop.ts';
import { FLAG_SYN, PacketSpec, PROTO_TCP } from './packet-spec.ts';
import { Zipf } from './zipf.ts';

export const PROFILES = ['mixed', 'one-flow', 'short-flows', 'syn-flood'] as const;
export type Profile = (typeof PROFILES)[number];

export interface TrafficOptions {
  readonly packets: number;
  readonly flows: number;
  /** Bytes of a frame with data; without data frames are shorter. */
  readonly frameBytes: number;
  /** Captured bytes of a frame at most. */
  readonly snapBytes: number;
  readonly seed: number;
  /** Share of flows that are IPv6. */
  readonly ipv6: number;
  readonly profile: Profile;
  readonly packetsPerSecond: number;
  readonly pcapng: boolean;
  readonly nanoseconds: boolean;
}

export const DEFAULT_TRAFFIC: TrafficOptions = {
  packets: 10_000_000,
  flows: 200_000,
  frameBytes: 96,
  snapBytes: 262_144,
  seed: 1,
  ipv6: 0,
  profile: 'mixed',
  packetsPerSecond: 200_000,
  pcapng: false,
  nanoseconds: false,
};

export interface TrafficSummary {
  readonly packets: number;
  /** Conversations begun: connections as conntrack should count them. */
  readonly conversations: number;
}

/** 23 November 2026, 12:00 UTC. */
const START_SECONDS = 1_795_435_200;
/** Flows that are under way at once in the profile `short-flows`. */
const SHORT_FLOWS_AT_ONCE = 4096;
const ZIPF_EXPONENT = 1;

/** Says what the next packet is. */
interface Script {
  next(p: PacketSpec): void;
  readonly begun: number;
}

/** Writes a capture; the same options give the same bytes. */
export function generateTraffic(options: TrafficOptions, sink: Sink): TrafficSummary {
  const random = new Random(options.seed);
  const script = makeScript(options, random);
  const payload = new Uint8Array(options.frameBytes).map(() => random.word());
  const frames = new FrameWriter(payload);
  const writer = new CaptureWriter(options, sink);
  const { bytes, view } = writer;
  const { packets, snapBytes } = options;
  const p = new PacketSpec();
  let seconds = START_SECONDS;
  let nanoseconds = 0;
  const meanGapNs = 1e9 / options.packetsPerSecond;
  for (let i = 0; i < packets; i++) {
    script.next(p);
    p.ipId = i & 0xffff;
    nanoseconds += Math.floor(random.fraction() * 2 * meanGapNs);
    while (nanoseconds >= 1e9) {
      nanoseconds -= 1e9;
      seconds++;
    }
    const at = writer.open();
    writer.close(seconds, nanoseconds, frames.write(p, bytes, view, at, snapBytes));
  }
  writer.flush();
  return { packets, conversations: script.begun };
}

function makeScript(options: TrafficOptions, random: Random): Script {
  switch (options.profile) {
    case 'mixed':
      return mixed(options, random);
    case 'one-flow':
      return oneFlow(options, random);
    case 'short-flows':
      return shortFlows(options, random);
    case 'syn-flood':
      return new SynFlood(random);
  }
}

/** Many flows, a few of them large: what a router of an office or a data centre sees. */
function mixed({ flows, ipv6, frameBytes }: TrafficOptions, random: Random): Script {
  const zipf = new Zipf(flows, ZIPF_EXPONENT);
  const mix = { tcp: 0.75, udp: 0.2, minLog2Packets: 2, maxLog2Packets: 14 };
  const conversations = new Conversations({ flows, ipv6, frameBytes, ...mix }, random);
  return {
    next: (p) => conversations.next(zipf.draw(random), p),
    get begun() {
      return conversations.begun;
    },
  };
}

/** One TCP connection that never ends. */
function oneFlow({ ipv6, frameBytes }: TrafficOptions, random: Random): Script {
  const endless = { tcp: 1, udp: 0, minLog2Packets: 31, maxLog2Packets: 31 };
  const conversations = new Conversations({ flows: 1, ipv6, frameBytes, ...endless }, random);
  return {
    next: (p) => conversations.next(0, p),
    get begun() {
      return conversations.begun;
    },
  };
}

/** Connections of about ten packets each, all alike: every packet has a new one near. */
function shortFlows({ ipv6, frameBytes }: TrafficOptions, random: Random): Script {
  const flows = SHORT_FLOWS_AT_ONCE;
  const short = { tcp: 1, udp: 0, minLog2Packets: 2, maxLog2Packets: 2 };
  const conversations = new Conversations({ flows, ipv6, frameBytes, ...short }, random);
  return {
    next: (p) => conversations.next(random.below(flows), p),
    get begun() {
      return conversations.begun;
    },
  };
}

/** Nothing but SYN packets (IPv4), each from another address and port, to a handful of services. */
class SynFlood implements Script {
  readonly #random: Random;
  begun = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  next(p: PacketSpec): void {
    const random = this.#random;
    const service = random.below(16);
    p.family = 4;
    p.l4proto = PROTO_TCP;
    p.isFromClient = true;
    p.client = clientAddress4(random.below(1 << 23));
    p.server = serverAddress4(serverOf(service));
    p.clientPort = random.below(65536);
    p.serverPort = portOf(service);
    p.seq = random.word() | 0;
    p.ack = 0;
    p.flags = FLAG_SYN;
    p.payloadBytes = 0;
    this.begun++;
  }
}
