import { HARD_SHAPES } from '../rulesets/hard-shapes.ts';
import type { RulesetOptions } from '../rulesets/ruleset.ts';
import type { TrafficOptions } from '../traffic/generate.loop.ts';

/** Traffic and a ruleset that belong together: what is ordinary, and what might be worst. */
export interface Profile {
  readonly name: string;
  /** What is special about it, in a few words. */
  readonly what: string;
  /** Packets, as a share of those that the run is told to use. */
  readonly share?: number;
  /** Packets a flow on average; 50 where it is not said. */
  readonly packetsPerFlow?: number;
  readonly traffic?: Partial<TrafficOptions>;
  /** The capture is spread over so many files, to be merged again. */
  readonly files?: number;
  readonly rules?: Partial<RulesetOptions>;
  /** nf_conntrack_max, where the usual one is too small. */
  readonly conntrackMax?: number;
}

/** What all others are compared with: 96-byte frames, 1,000 ACL rules, an established rule in front. */
export const NORMAL: Profile = { name: 'normal', what: '1,000 ACL rules, established rule in front' };

const WHOLE_FRAMES: Partial<TrafficOptions> = { leastFrameBytes: 1514, frameBytes: 1514 };

/** Other traffic, the same rules. */
export const TRAFFIC_PROFILES: readonly Profile[] = [
  { name: 'syn-flood', what: 'SYN flood: every packet a new connection', traffic: { profile: 'syn-flood' } },
  { name: 'one-flow', what: 'one connection for all packets', traffic: { profile: 'one-flow' } },
  { name: 'short-flows', what: 'connections of ten packets', traffic: { profile: 'short-flows' } },
  {
    name: 'many-connections',
    what: 'ten packets a connection, all open at once',
    packetsPerFlow: 10,
    traffic: { profile: 'even' },
    conntrackMax: 2_097_152,
  },
  { name: 'ipv6', what: 'IPv6 only', traffic: { ipv6: 1 }, rules: { family: 6 } },
  {
    name: 'translated',
    what: 'everything translated (NETMAP, MASQUERADE)',
    traffic: { profile: 'translated' },
    rules: { translating: true },
  },
  { name: 'both-sides', what: 'each packet captured on its way out, too', traffic: { bothSides: true } },
  // In nanoseconds, so that no two packets have the same time: of those, the order is lost.
  { name: 'merged', what: '100 captures merged', files: 100, traffic: { nanoseconds: true } },
  { name: 'pcapng', what: 'the same as pcapng in nanoseconds', traffic: { pcapng: true, nanoseconds: true } },
];

/** Many rules and chains, ordinary traffic and a flood. */
export const RULESET_PROFILES: readonly Profile[] = [
  { name: 'rules-100000', what: '100,000 ACL rules', rules: { rules: 100_000 } },
  { name: 'chains-10000', what: '10,000 chains (kube-proxy)', rules: { shape: 'kube', rules: 10_000 } },
  { name: 'deep-jumps', what: '64 chains deep and back', rules: { depth: 64 } },
  {
    name: 'flood-rules-100000',
    what: 'SYN flood, 100,000 ACL rules',
    traffic: { profile: 'syn-flood' },
    rules: { rules: 100_000 },
  },
  {
    name: 'flood-chains-10000',
    what: 'SYN flood, 10,000 chains',
    traffic: { profile: 'syn-flood' },
    rules: { shape: 'kube', rules: 10_000 },
  },
  {
    name: 'flood-deep-jumps',
    what: 'SYN flood, 64 chains deep and back',
    traffic: { profile: 'syn-flood' },
    rules: { depth: 64 },
  },
  ...HARD_SHAPES.map((shape) => ({
    name: `flood-${shape}`,
    what: `SYN flood, 1,000 rules hard to index (${shape})`,
    traffic: { profile: 'syn-flood' as const },
    rules: { shape },
  })),
];

/** Rules in front that must see each packet: first those that look at it alone, then those that depend on the order. */
export const PER_PACKET_PROFILES: readonly Profile[] = [
  { name: 'u32', what: 'u32 in front', rules: { front: ['-m u32 --u32 "0>>22&0x3C@4=0xDEADBEEF"'] } },
  { name: 'length', what: 'length in front', rules: { front: ['-m length --length 40:70'] } },
  {
    name: 'statistic',
    what: 'statistic in front',
    rules: { front: ['-m statistic --mode random --probability 0.01'] },
  },
  {
    name: 'limit',
    what: 'limit in front',
    rules: { front: ['-m limit --limit 10000/second --limit-burst 100'] },
  },
  {
    name: 'hashlimit',
    what: 'hashlimit by source in front',
    rules: {
      front: ['-m hashlimit --hashlimit-upto 100/second --hashlimit-mode srcip --hashlimit-name by-source'],
    },
  },
  {
    name: 'recent',
    what: 'recent in front',
    rules: {
      front: ['-m recent --name seen --set', '-m recent --name seen --rcheck --seconds 10 --hitcount 5'],
    },
  },
  {
    name: 'connlimit',
    what: 'connlimit by source in front',
    rules: { front: ['-p tcp -m connlimit --connlimit-above 100 --connlimit-mask 32 --connlimit-saddr'] },
  },
];

export const STRING: Profile = {
  name: 'string',
  what: 'string search over 1,500-byte payloads',
  share: 0.1,
  traffic: WHOLE_FRAMES,
  rules: { front: ['-m string --algo bm --string "no payload has this"'] },
};

export const FULL_FRAMES: Profile = {
  name: 'full-frames',
  what: 'frames of 66 to 1,514 bytes',
  share: 0.33,
  traffic: { leastFrameBytes: 66, frameBytes: 1514 },
};

/** Ten times as many packets of as many flows; never in a file. */
export const STREAM: Profile = {
  name: 'stream',
  what: 'through a pipe from the generator',
  share: 10,
  packetsPerFlow: 500,
};

export const ALL_PROFILES: readonly Profile[] = [
  NORMAL,
  ...TRAFFIC_PROFILES,
  ...RULESET_PROFILES,
  ...PER_PACKET_PROFILES,
  STRING,
  FULL_FRAMES,
];
