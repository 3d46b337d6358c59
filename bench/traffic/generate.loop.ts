import { Random } from '../base/random.ts';
import {
  clientAddress4,
  portOf,
  ROUTER_ADDRESS4,
  serverAddress4,
  serverOf,
  virtualAddress4,
} from './address-plan.ts';
import { CaptureWriter, type Sink } from './capture-writer.loop.ts';
import { type ConversationOptions, Conversations } from './conversations.loop.ts';
import { FrameWriter } from './frame.loop.ts';
import { FLAG_SYN, PacketSpec, PROTO_TCP } from './packet-spec.ts';
import { Zipf } from './zipf.ts';

export const PROFILES = ['mixed', 'even', 'one-flow', 'short-flows', 'syn-flood', 'translated'] as const;
export type Profile = (typeof PROFILES)[number];

export interface TrafficOptions {
  readonly packets: number;
  readonly flows: number;
  /** Bytes of a frame with data, evenly distributed from the least to the most; without data frames are shorter. */
  readonly leastFrameBytes: number;
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
  /** Every packet is captured on its way out, too. */
  readonly bothSides: boolean;
}

export const DEFAULT_TRAFFIC: TrafficOptions = {
  packets: 10_000_000,
  flows: 200_000,
  leastFrameBytes: 96,
  frameBytes: 96,
  snapBytes: 262_144,
  seed: 1,
  ipv6: 0,
  profile: 'mixed',
  packetsPerSecond: 200_000,
  pcapng: false,
  nanoseconds: false,
  bothSides: false,
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
/** Written in one go: a few megabytes, so that system calls do not count. */
const MOST_BLOCK_BYTES = 4 << 20;
const LEAST_BLOCK_BYTES = 64 << 10;

/** Says what the next packet is. */
interface Script {
  next(p: PacketSpec): void;
  readonly begun: number;
}

/**
 * Writes a capture; the same options give the same bytes. With several sinks it is a capture each, and `pick` says which one
 * takes the next packet.
 */
export function generateTraffic(
  options: TrafficOptions,
  sinks: readonly Sink[],
  pick: () => number = () => 0,
): TrafficSummary {
  const random = new Random(options.seed);
  const script = makeScript(options, random);
  const payload = new Uint8Array(options.frameBytes).map(() => random.word());
  const frames = new FrameWriter(payload);
  const blockBytes = Math.max(MOST_BLOCK_BYTES / sinks.length, LEAST_BLOCK_BYTES);
  const writers = sinks.map((sink) => new CaptureWriter(options, sink, blockBytes));
  const { packets, snapBytes, bothSides } = options;
  const p = new PacketSpec();
  let seconds = START_SECONDS;
  let nanoseconds = 0;
  const meanGapNs = 1e9 / options.packetsPerSecond;
  for (let i = 0; i < packets; i++) {
    p.isSentOn = bothSides && i % 2 === 1;
    if (!p.isSentOn) {
      script.next(p);
      p.ipId = i & 0xffff;
    }
    nanoseconds += 1 + Math.floor(random.fraction() * 2 * meanGapNs);
    while (nanoseconds >= 1e9) {
      nanoseconds -= 1e9;
      seconds++;
    }
    const writer = writers[pick()]!;
    const at = writer.open();
    writer.close(seconds, nanoseconds, frames.write(p, writer.bytes, writer.view, at, snapBytes));
  }
  for (const writer of writers) writer.flush();
  return { packets, conversations: script.begun };
}

function makeScript(options: TrafficOptions, random: Random): Script {
  switch (options.profile) {
    case 'mixed':
      return mixed(options, random);
    case 'even':
      return even(options, random);
    case 'one-flow':
      return oneFlow(options, random);
    case 'short-flows':
      return shortFlows(options, random);
    case 'syn-flood':
      return new SynFlood(random);
    case 'translated':
      return translated(options, random);
  }
}

type Mix = Pick<ConversationOptions, 'tcp' | 'udp' | 'minLog2Packets' | 'maxLog2Packets' | 'distinctPorts'>;

/** A script over conversations: `draw` says whose turn it is. */
function conversing(options: TrafficOptions, mix: Mix, random: Random, draw: () => number): Script {
  const conversations = new Conversations({ ...options, ...mix }, random);
  return {
    next: (p) => conversations.next(draw(), p),
    get begun() {
      return conversations.begun;
    },
  };
}

const ORDINARY: Mix = { tcp: 0.75, udp: 0.2, minLog2Packets: 2, maxLog2Packets: 14 };

/** Many flows, a few of them large: what a router of an office or a data centre sees. */
function mixed(options: TrafficOptions, random: Random): Script {
  const zipf = new Zipf(options.flows, ZIPF_EXPONENT);
  return conversing(options, ORDINARY, random, () => zipf.draw(random));
}

/** TCP connections that never end, all equally busy: as many at once as there are flows. */
function even(options: TrafficOptions, random: Random): Script {
  return conversing(options, ENDLESS, random, () => random.below(options.flows));
}

const ENDLESS: Mix = { tcp: 1, udp: 0, minLog2Packets: 31, maxLog2Packets: 31 };

/** One TCP connection that never ends. */
function oneFlow(options: TrafficOptions, random: Random): Script {
  return conversing({ ...options, flows: 1 }, ENDLESS, random, () => 0);
}

/** Connections of about ten packets each, all alike: every packet has a new one near. */
function shortFlows(options: TrafficOptions, random: Random): Script {
  const flows = SHORT_FLOWS_AT_ONCE;
  const short: Mix = { tcp: 1, udp: 0, minLog2Packets: 2, maxLog2Packets: 2 };
  return conversing({ ...options, flows }, short, random, () => random.below(flows));
}

/**
 * The mixed traffic as the router sees it on the near side of its translations: what comes in from clients is for virtual
 * addresses, what comes back from servers is for the router.
 */
function translated(options: TrafficOptions, random: Random): Script {
  const zipf = new Zipf(options.flows, ZIPF_EXPONENT);
  const mix: Mix = { ...ORDINARY, distinctPorts: true };
  const script = conversing({ ...options, ipv6: 0 }, mix, random, () => zipf.draw(random));
  return {
    next: (p) => {
      script.next(p);
      if (p.isFromClient) p.server = virtualAddress4(p.server);
      else p.client = ROUTER_ADDRESS4;
    },
    get begun() {
      return script.begun;
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
