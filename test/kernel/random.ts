/**
 * Random rulesets and random traffic, as a pure function of a seed: what the compiled evaluator is compared with the
 * linear one on, and both with the kernel.
 *
 * Values come from small pools, so that rules and packets meet: a rule names a port that some packet has, often.
 * Every ruleset is one that iptables-legacy-restore accepts: what may stand in which table and chain is known here.
 *
 * Left out is what would make the kernel's answer depend on time or chance: rates that refill within a run, random
 * ports and addresses, connlimit (which notices closed connections by its clock). So the same seed gives the same
 * counters, in the kernel as here. Connections have source ports of their own, lest translation should have to draw
 * another port at random.
 */

import { randomWord } from '../../src/base/prng.ts';
import { addresses, arrives, CHAINS, type Family, leaves, type Table } from './cases/build.ts';
import { ROUTER } from './cases/hosts.ts';
import type { Case, CasePacket } from './judge.ts';
import {
  type Bytes,
  destinationOptions,
  esp,
  filler,
  fragment4,
  fragment6,
  gre,
  hopByHop,
  icmp,
  icmpError,
  icmpv6,
  icmpv6Error,
  ipv4,
  ipv6,
  type Layer,
  raw,
  SCTP,
  sctp,
  sctpInit,
  tcp,
  tcpOption,
  text,
  udp,
  udplite,
} from './packets.ts';

export interface RandomOptions {
  /** Rules of each family, at most; 40 when absent. */
  readonly rules?: number;
  /** Conversations, at most; 20 when absent. */
  readonly conversations?: number;
  readonly families?: readonly Family[];
  /** Rules that look at connections or translate them; true when absent. */
  readonly conntrack?: boolean;
}

/** The case of a seed: the same for ever, whatever the machine. */
export function randomCase(seed: number, options: RandomOptions = {}): Case {
  const random = new Random(seed);
  const families = options.families ?? [4, 6];
  const rules = new Map(families.map((family) => [family, randomRuleset(random, family, options)]));
  const packets = randomTraffic(random, families, options.conversations ?? 20);
  const rules4 = rules.get(4);
  const rules6 = rules.get(6);
  return {
    id: `random/${seed}`,
    host: ROUTER,
    ...(rules4 === undefined ? {} : { rules4 }),
    ...(rules6 === undefined ? {} : { rules6 }),
    packets,
    // A stray packet may begin a connection that clashes with a translated one: the port it gets is random.
    varies: ['conntrack'],
  };
}

/** Draws numbers from a seed, one after the other. */
export class Random {
  readonly seed: number;
  private draws = 0;

  constructor(seed: number) {
    this.seed = seed;
  }

  /** 0 .. count-1 */
  below(count: number): number {
    return randomWord(this.seed, this.draws++, 0) % count;
  }

  /** low .. high */
  between(low: number, high: number): number {
    return low + this.below(high - low + 1);
  }

  chance(probability: number): boolean {
    return randomWord(this.seed, this.draws++, 0) < probability * 0x100000000;
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)]!;
  }

  /** A few different members of the list, in its order. */
  some<T>(list: readonly T[], most = 3): T[] {
    const chosen = new Set(Array.from({ length: this.between(1, most) }, () => this.below(list.length)));
    return [...chosen].sort((a, b) => a - b).map((i) => list[i]!);
  }
}

// The pools

export const PORTS = [22, 53, 80, 443, 1024, 5000];
/** Source ports begin here, one for each conversation. */
export const FIRST_SPORT = 20000;
const TOS = [0, 2, 0x10, 0xb8];
const TTLS = [64, 64, 64, 1, 2, 63, 255];
const SIZES = [0, 1, 10, 100, 1000];
const MARKS = [0, 1, 2, 5, 0x10];
const WORDS = ['GET /', 'needle in hay', 'haystack', ''];
const STATES = ['NEW', 'ESTABLISHED', 'RELATED', 'INVALID', 'UNTRACKED'];

// Rules

interface Place {
  readonly family: Family;
  readonly table: Table;
  /** The built-in chain that the rule stands in; undefined in a chain of the user's, which any of them may call. */
  readonly chain: string | undefined;
  /** A nat chain for destinations (PREROUTING, OUTPUT) or sources (INPUT, POSTROUTING). */
  readonly side: 'destination' | 'source' | undefined;
  readonly conntrack: boolean;
}

function randomRuleset(random: Random, family: Family, options: RandomOptions): string {
  const conntrack = (options.conntrack ?? true) && random.chance(0.8);
  const tables = (['raw', 'mangle', 'nat', 'filter', 'security'] as const).filter(
    (name) => name === 'filter' || random.chance(name === 'nat' ? (conntrack ? 0.5 : 0.1) : 0.4),
  );
  const most = Math.max(1, Math.floor((options.rules ?? 40) / tables.length));
  return tables.map((name) => randomTable(random, family, name, most, conntrack)).join('');
}

function randomTable(random: Random, family: Family, name: Table, most: number, conntrack: boolean): string {
  const builtIn = CHAINS[name];
  // Chains of the user's call only later ones: no loops. Those of nat are for one side only.
  const own = Array.from({ length: random.below(5) }, (_, i) => ({
    name: `chain${i}`,
    side: name !== 'nat' ? undefined : random.chance(0.5) ? ('destination' as const) : ('source' as const),
  }));
  const lines: string[] = [];
  // Most chains are called for sure, from a chain that may: what is never reached proves nothing.
  for (const { name: callee, side } of own) {
    if (!random.chance(0.7)) continue;
    const callers = builtIn.filter((chain) => side === undefined || side === sideOf(chain));
    lines.push(`-A ${random.pick(callers)} -j ${callee}`);
  }
  const count = random.between(1, most);
  for (let i = 0; i < count; i++) {
    const inOwn = own.length > 0 && random.chance(0.5);
    const at = inOwn ? random.below(own.length) : -1;
    const chain = inOwn ? own[at]!.name : random.pick(builtIn);
    const side = inOwn ? own[at]!.side : name === 'nat' ? sideOf(chain) : undefined;
    const place: Place = { family, table: name, chain: inOwn ? undefined : chain, side, conntrack };
    const callable = own.slice(at + 1).filter((other) => other.side === side);
    lines.push(
      `-A ${chain}${randomRule(
        random,
        place,
        callable.map((other) => other.name),
      )}`,
    );
  }
  const policy = () => (name === 'filter' && random.chance(0.15) ? 'DROP' : 'ACCEPT');
  return [
    `*${name}`,
    ...builtIn.map((chain) => `:${chain} ${policy()} [0:0]`),
    ...own.map((chain) => `:${chain.name} - [0:0]`),
    ...lines,
    'COMMIT',
    '',
  ].join('\n');
}

function sideOf(chain: string): 'destination' | 'source' {
  return chain === 'PREROUTING' || chain === 'OUTPUT' ? 'destination' : 'source';
}

function randomRule(random: Random, place: Place, callable: readonly string[]): string {
  const words: string[] = [];
  const not = (probability = 0.2) => (random.chance(probability) ? '! ' : '');
  if (random.chance(0.15)) words.push(`${not()}-s ${randomNetwork(random, place.family)}`);
  if (random.chance(0.15)) words.push(`${not()}-d ${randomNetwork(random, place.family)}`);
  const names = ['eth0', 'eth1', 'lo', 'eth+'];
  const isOutput = place.chain === 'OUTPUT' || place.chain === 'POSTROUTING';
  const isInput = place.chain === 'PREROUTING' || place.chain === 'INPUT';
  if (!isOutput && random.chance(0.15)) words.push(`${not()}-i ${random.pick(names)}`);
  if (!isInput && random.chance(0.15)) words.push(`${not()}-o ${random.pick(names)}`);
  if (place.family === 4 && random.chance(0.03)) words.push(`${not()}-f`);
  // Some targets want a protocol; some protocols bring matches of their own.
  const target = randomTarget(random, place, callable);
  const fragmentRule = words.some((word) => word.endsWith('-f'));
  const protocol =
    target.protocol ??
    (random.chance(0.6) && !fragmentRule
      ? random.pick(['tcp', 'tcp', 'udp', 'udp', 'icmp', 'sctp', 'udplite', 'gre', 'esp'])
      : undefined);
  if (protocol !== undefined) {
    const name = protocol === 'icmp' && place.family === 6 ? 'ipv6-icmp' : protocol;
    const invertible = target.protocol === undefined && random.chance(0.08);
    words.push(`${invertible ? '! ' : ''}-p ${name}`);
    // TCPMSS brings its own `-m tcp`, which may stand in a rule once.
    if (!invertible && target.matches.length === 0)
      words.push(...protocolMatches(random, protocol, place.family));
  }
  words.push(...target.matches);
  const others = random.pick([0, 0, 1, 1, 1, 2]);
  for (let i = 0; i < others; i++) {
    const match = randomMatch(random, place);
    if (match !== undefined) words.push(match);
  }
  if (target.words !== '') words.push(target.words);
  return words.map((word) => ` ${word}`).join('');
}

function randomNetwork(random: Random, family: Family): string {
  const a = addresses(family);
  const host = random.pick([
    a.self,
    a.selfInside,
    a.outside,
    a.outside2,
    a.inside,
    a.inside2,
    a.far,
    a.far2,
    a.loopback,
  ]);
  const length =
    family === 4 ? random.pick([32, 32, 24, 16, 1, 31]) : random.pick([128, 128, 64, 48, 3, 127]);
  if (random.chance(0.05)) return family === 4 ? '0.0.0.9/0.0.0.255' : '::9/::ff';
  return `${host}/${length}`;
}

function portRange(random: Random): string {
  const port = random.pick(PORTS);
  return random.pick([
    `${port}`,
    `${port}`,
    `${port}:${port + 1000}`,
    `:${port}`,
    `${port}:`,
    `${FIRST_SPORT}:${FIRST_SPORT + 5}`,
  ]);
}

function protocolMatches(random: Random, protocol: string, family: Family): string[] {
  const not = () => (random.chance(0.2) ? '! ' : '');
  const words: string[] = [];
  if (['tcp', 'udp', 'sctp'].includes(protocol) && random.chance(0.6)) {
    const parts = [];
    if (random.chance(0.3)) parts.push(`${not()}--sport ${portRange(random)}`);
    if (random.chance(0.7)) parts.push(`${not()}--dport ${portRange(random)}`);
    if (protocol === 'tcp' && random.chance(0.3)) {
      parts.push(
        random.pick([
          `${not()}--syn`,
          `${not()}--tcp-flags SYN,ACK,FIN,RST ACK`,
          `${not()}--tcp-flags ALL NONE`,
          `${not()}--tcp-flags RST RST`,
        ]),
      );
    }
    if (protocol === 'tcp' && random.chance(0.1))
      parts.push(`${not()}--tcp-option ${random.pick([2, 3, 8])}`);
    if (protocol === 'sctp' && random.chance(0.3)) {
      parts.push(
        `${not()}--chunk-types ${random.pick(['any', 'all', 'only'])} ${random.pick(['INIT', 'DATA', 'DATA,SACK', 'ABORT'])}`,
      );
    }
    if (parts.length > 0) words.push(`-m ${protocol} ${parts.join(' ')}`);
  }
  if (['tcp', 'udp', 'sctp', 'udplite'].includes(protocol) && random.chance(0.2)) {
    const ports = [
      ...random.some(PORTS, 3),
      ...(random.chance(0.3) ? [`${FIRST_SPORT}:${FIRST_SPORT + 9}`] : []),
    ];
    words.push(`-m multiport ${not()}--${random.pick(['ports', 'sports', 'dports'])} ${ports.join(',')}`);
  }
  if (protocol === 'tcp' && random.chance(0.05))
    words.push(`-m tcpmss ${not()}--mss ${random.pick(['1460', '500:1460'])}`);
  if (protocol === 'icmp' && random.chance(0.6)) {
    words.push(
      family === 4
        ? `-m icmp ${not()}--icmp-type ${random.pick(['8', '0', '3', '3/3', 'any', '11'])}`
        : `-m icmp6 ${not()}--icmpv6-type ${random.pick(['128', '129', '1', '1/4', '3'])}`,
    );
  }
  if (protocol === 'esp' && random.chance(0.5))
    words.push(`-m esp ${not()}--espspi ${random.pick(['1', '0:5', '256'])}`);
  return words;
}

/** A match that any rule may have, wherever it stands. */
function randomMatch(random: Random, place: Place): string | undefined {
  const not = () => (random.chance(0.25) ? '! ' : '');
  const a = addresses(place.family);
  switch (random.below(place.conntrack ? 23 : 17)) {
    case 0:
      return '-m comment --comment "some words"';
    case 1:
      return `-m mark ${not()}--mark ${random.pick(MARKS)}${random.chance(0.3) ? '/0xf' : ''}`;
    case 2:
      return `-m length ${not()}--length ${random.pick(['0:60', '28', '40', '48:100', '100:', ':1000'])}`;
    case 3:
      return place.family === 4
        ? `-m ttl ${random.pick([`${not()}--ttl-eq 64`, '--ttl-lt 3', '--ttl-gt 63'])}`
        : `-m hl ${random.pick([`${not()}--hl-eq 64`, '--hl-lt 3', '--hl-gt 63'])}`;
    case 4:
      return `-m tos ${not()}--tos ${random.pick(['0x10', '0x10/0x3f', '0', '0xb8/0xfc'])}`;
    case 5:
      return `-m dscp ${not()}--dscp ${random.pick([0, 4, 0x2e])}`;
    case 6:
      return `-m ecn ${not()}--ecn-ip-ect ${random.pick([0, 2])}`;
    case 7:
      return `-m iprange ${not()}--${random.pick(['src', 'dst'])}-range ${place.family === 4 ? random.pick(['192.0.2.1-192.0.2.9', '10.0.0.0-10.0.0.9']) : random.pick(['2001:db8::1-2001:db8::9', '2001:db8:1::-2001:db8:1::9'])}`;
    case 8:
      return `-m addrtype ${not()}--${random.pick(['src', 'dst'])}-type ${random.pick(['LOCAL', 'UNICAST', 'MULTICAST', 'LOCAL,MULTICAST'])}`;
    case 9:
      return `-m pkttype ${not()}--pkt-type ${random.pick(['unicast', 'multicast', 'broadcast'])}`;
    case 10:
      return `-m statistic --mode nth ${not()}--every ${random.between(2, 5)} --packet ${random.below(2)}`;
    case 11:
      return `-m limit --limit 1/hour --limit-burst ${random.between(1, 9)}`;
    case 12: {
      // The name is of the seed, not of this process: it must be the same each time.
      const mode = random.pick(['srcip', 'dstip', 'srcip,dstport', 'srcport']);
      return `-m hashlimit --hashlimit-${random.pick(['upto', 'above'])} 1/hour --hashlimit-burst ${random.between(1, 4)} --hashlimit-mode ${mode} --hashlimit-name h${random.below(0x40000000)}`;
    }
    case 13:
      return `-m recent --name r${random.below(2)} ${random.pick([`${not()}--set`, `${not()}--rcheck`, `${not()}--update --hitcount 3`, `${not()}--rcheck --seconds 1000`, `${not()}--remove`])} --${random.pick(['rsource', 'rdest'])}`;
    case 14:
      return `-m string --algo ${random.pick(['bm', 'kmp'])} ${not()}--string ${random.pick(['needle', 'hay', 'GET'])}`;
    case 15:
      return place.family === 4
        ? `-m u32 ${not()}--u32 "${random.pick(['6&0xFF=17', '0>>22&0x3C@0>>16=53,80', '8>>24=64', '0&0xFFFF=20:48'])}"`
        : `-m u32 ${not()}--u32 "${random.pick(['4>>8&0xFF=6,17', '40>>16=53', '4&0xFF=64'])}"`;
    case 16:
      return `-m quota --quota ${random.pick([0, 100, 1000])}`;
    case 17:
    case 18:
    case 19:
      return `-m ${random.chance(0.3) ? `state ${not()}--state` : `conntrack ${not()}--ctstate`} ${random.some(STATES).join(',')}`;
    case 20:
      return `-m conntrack ${random.pick([
        `${not()}--ctproto ${random.pick(['tcp', 'udp'])}`,
        `${not()}--ctorigsrc ${a.inside}`,
        `${not()}--ctorigdst ${a.far}`,
        `${not()}--ctreplsrc ${a.far}`,
        `${not()}--ctorigdstport ${portRange(random).replace(/^:/, '0:').replace(/:$/, ':65535')}`,
        `${not()}--ctstatus ${random.pick(['SEEN_REPLY', 'ASSURED', 'CONFIRMED', 'NONE'])}`,
        `--ctdir ${random.pick(['ORIGINAL', 'REPLY'])}`,
        `${not()}--ctstate ${random.pick(['SNAT', 'DNAT'])}`,
      ])}`;
    case 21:
      return `-m connmark ${not()}--mark ${random.pick(MARKS)}${random.chance(0.3) ? '/0xf' : ''}`;
    case 22:
      return `-m helper ${not()}--helper ftp`;
    default:
      return undefined;
  }
}

interface Target {
  readonly words: string;
  readonly protocol?: string;
  readonly matches: readonly string[];
}

const plain = (words: string): Target => ({ words, matches: [] });

function randomTarget(random: Random, place: Place, callable: readonly string[]): Target {
  if (random.chance(0.15)) return plain('');
  if (callable.length > 0 && random.chance(0.3)) {
    return plain(`-${random.chance(0.25) ? 'g' : 'j'} ${random.pick(callable)}`);
  }
  if (random.chance(0.15))
    return plain(`-j ${random.pick(['LOG', 'LOG --log-prefix "x "', 'NFLOG', 'RETURN', 'RETURN'])}`);
  if (random.chance(0.1)) {
    return plain(
      `-j MARK ${random.pick(['--set-mark', '--or-mark', '--and-mark', '--xor-mark'])} ${random.pick(MARKS)}`,
    );
  }
  if (place.conntrack && place.table !== 'raw' && random.chance(0.08)) {
    return plain(
      `-j CONNMARK ${random.pick(['--save-mark', '--restore-mark', '--set-mark 1', '--or-mark 0x10', '--set-xmark 2/0xf'])}`,
    );
  }
  switch (place.table) {
    case 'raw':
      if (place.conntrack && random.chance(0.3))
        return plain(`-j ${random.pick(['CT --notrack', 'NOTRACK', 'CT --zone 1', 'CT'])}`);
      return plain(`-j ${random.pick(['ACCEPT', 'TRACE', 'TRACE', 'DROP'])}`);
    case 'mangle': {
      const ttl = place.family === 4 ? 'TTL --ttl' : 'HL --hl';
      const rewriting = random.below(6);
      if (rewriting === 0) return plain(`-j TOS --set-tos ${random.pick(['0x10', '0', '0xb8/0xfc'])}`);
      if (rewriting === 1) return plain(`-j DSCP --set-dscp ${random.pick([0, 0x2e])}`);
      if (rewriting === 2) return plain(`-j ${ttl}-${random.pick(['set 64', 'dec 1', 'inc 1', 'set 2'])}`);
      if (rewriting === 3) {
        return {
          words: '-j TCPMSS --set-mss 1400',
          protocol: 'tcp',
          matches: ['-m tcp --tcp-flags SYN,RST SYN'],
        };
      }
      return plain(`-j ${random.pick(['ACCEPT', 'ACCEPT', 'ACCEPT', 'DROP'])}`);
    }
    case 'nat':
      return natTarget(random, place);
    case 'filter':
      if (random.chance(0.15)) {
        return random.chance(0.3)
          ? { words: '-j REJECT --reject-with tcp-reset', protocol: 'tcp', matches: [] }
          : plain('-j REJECT');
      }
      return plain(
        `-j ${random.pick(['ACCEPT', 'ACCEPT', 'ACCEPT', 'DROP', 'DROP', 'NFQUEUE', 'NFQUEUE --queue-num 3 --queue-bypass'])}`,
      );
    default:
      return plain(`-j ${random.pick(['ACCEPT', 'ACCEPT', 'DROP'])}`);
  }
}

/** Addresses that only translations lead to, so that guessed answers to translated packets can be in the traffic. */
const TRANSLATED = {
  4: { server: '10.0.0.80', public: '192.0.2.100' },
  6: { server: '2001:db8:1::80', public: '2001:db8::100' },
} as const;

function natTarget(random: Random, place: Place): Target {
  if (!place.conntrack || random.chance(0.2)) return plain(`-j ${random.pick(['ACCEPT', 'RETURN'])}`);
  const { server, public: outside } = TRANSLATED[place.family];
  const bracket = (address: string, port: number) =>
    place.family === 4 ? `${address}:${port}` : `[${address}]:${port}`;
  const protocol = random.pick(['tcp', 'udp']);
  if (place.side === 'destination') {
    return random.pick<() => Target>([
      () => plain(`-j DNAT --to-destination ${server}`),
      () => ({
        words: `-j DNAT --to-destination ${bracket(server, random.pick(PORTS))}`,
        protocol,
        matches: [],
      }),
      () => ({ words: `-j REDIRECT --to-ports ${random.pick(PORTS)}`, protocol, matches: [] }),
      () => plain(`-j NETMAP --to ${place.family === 4 ? '10.0.0.0/24' : '2001:db8:1::/64'}`),
    ])();
  }
  // MASQUERADE stands in POSTROUTING only, and a chain of the user's might be called from INPUT.
  if (place.chain === 'POSTROUTING' && random.chance(0.5)) return plain('-j MASQUERADE');
  return plain(`-j SNAT --to-source ${outside}`);
}

// Traffic

type Direction = 'forth' | 'back';

interface Conversation {
  readonly packets: CasePacket[];
}

export function randomTraffic(random: Random, families: readonly Family[], most: number): CasePacket[] {
  const count = random.between(1, most);
  const conversations = Array.from({ length: count }, (_, i) =>
    randomConversation(random, random.pick(families), i),
  );
  // Dealt out one packet at a time, now of this conversation, now of that.
  const packets: CasePacket[] = [];
  let open = conversations.filter((one) => one.packets.length > 0);
  while (open.length > 0) {
    packets.push(random.pick(open).packets.shift()!);
    open = open.filter((one) => one.packets.length > 0);
  }
  return packets;
}

function randomConversation(random: Random, family: Family, number: number): Conversation {
  const a = addresses(family);
  const translated = TRANSLATED[family];
  const sport = FIRST_SPORT + number;
  const dport = random.pick(PORTS);
  const kind = random.pick([
    'to-self',
    'to-self',
    'through',
    'through',
    'through',
    'inward',
    'own',
    'loopback',
    'strange',
  ] as const);
  const far = random.pick([a.far, a.far2, a.outside, a.outside2]);
  const inner = random.pick([a.inside, a.inside2]);
  const ends: Record<typeof kind, [client: string, server: string]> = {
    'to-self': [far, random.pick([a.self, a.selfInside])],
    through: [inner, far],
    inward: [far, inner],
    own: [a.self, far],
    loopback: random.chance(0.5) ? [a.loopback, a.loopback] : [a.self, a.selfInside],
    strange: [
      far,
      family === 4
        ? random.pick(['192.0.2.255', '224.0.0.1', '255.255.255.255', '127.0.0.1'])
        : random.pick(['ff02::1', 'ff02::fb', '2001:db8:dead::1']),
    ],
  };
  const [client, server] = ends[kind];
  const ttl = random.pick(TTLS);
  const tos = random.pick(TOS);
  const send = (direction: Direction, layer: Layer, guess = false): CasePacket[] => {
    let [from, to] = direction === 'forth' ? [client, server] : [server, client];
    // What an answer looks like when the connection was translated: from the server behind, or to our own address.
    if (guess && direction === 'back') {
      if (kind === 'through' || kind === 'own') to = random.pick([a.self, translated.public]);
      else from = translated.server;
    }
    const packet = build(random, family, from, to, layer, ttl, tos);
    const outward = (direction === 'forth') === (kind === 'own') || kind === 'loopback';
    return packet.map((bytes) => {
      if (kind === 'loopback') return leaves('lo', bytes);
      if (kind === 'own') return outward ? leaves('eth0', bytes) : arrives('eth0', bytes);
      if (kind === 'to-self')
        return direction === 'forth'
          ? arrives('eth0', bytes)
          : guess
            ? arrives('eth1', bytes)
            : leaves('eth0', bytes);
      if (kind === 'inward') return arrives(direction === 'forth' ? 'eth0' : 'eth1', bytes);
      if (kind === 'through') return arrives(direction === 'forth' ? 'eth1' : 'eth0', bytes);
      return arrives('eth0', bytes);
    });
  };
  const steps = randomSteps(
    random,
    family,
    kind === 'strange' ? 'strange' : 'usual',
    sport,
    dport,
    client,
    server,
  );
  const packets: CasePacket[] = [];
  for (const [direction, layer] of steps) {
    // Lost on the way to the capture, seen twice, or answered in the translated form too.
    if (random.chance(0.05)) continue;
    packets.push(...send(direction, layer));
    if (random.chance(0.03)) packets.push(...send(direction, layer));
    if (direction === 'back' && random.chance(0.25)) packets.push(...send(direction, layer, true));
  }
  return { packets };
}

/** Usually one packet; now and then the same in fragments, or damaged. */
function build(
  random: Random,
  family: Family,
  saddr: string,
  daddr: string,
  layer: Layer,
  ttl: number,
  tos: number,
): Bytes[] {
  const id = random.between(1, 65535);
  if (family === 4) {
    const options = random.chance(0.03) ? { options: Uint8Array.of(1, 1, 1, 0) } : {};
    const damage = random.chance(0.01) ? { checksum: 'bad' as const } : {};
    const packet = ipv4({ saddr, daddr, ttl, tos, id, df: random.chance(0.3), ...options, ...damage }, layer);
    return packet.length > 60 && random.chance(0.1) ? fragment4(packet, random.pick([8, 16, 24])) : [packet];
  }
  const wrapped = random.chance(0.05)
    ? destinationOptions(layer)
    : random.chance(0.03)
      ? hopByHop(layer)
      : layer;
  const packet = ipv6({ saddr, daddr, hopLimit: ttl, trafficClass: tos }, wrapped);
  return packet.length > 80 && wrapped === layer && random.chance(0.1)
    ? fragment6(packet, id, [random.pick([8, 16, 24])])
    : [packet];
}

type Step = readonly [Direction, Layer];

function randomSteps(
  random: Random,
  family: Family,
  kind: 'usual' | 'strange',
  sport: number,
  dport: number,
  client: string,
  server: string,
): Step[] {
  const payload = () => (random.chance(0.3) ? text(random.pick(WORDS)) : filler(random.pick(SIZES)));
  const checksum = () => (random.chance(0.02) ? { checksum: 'bad' as const } : {});
  const datagram = (direction: Direction): Step => [
    direction,
    udp({
      sport: direction === 'forth' ? sport : dport,
      dport: direction === 'forth' ? dport : sport,
      payload: payload(),
      ...checksum(),
    }),
  ];
  const echo = (reply: boolean): Layer =>
    family === 4
      ? icmp({ type: reply ? 0 : 8, id: sport, seq: 1, payload: payload() })
      : icmpv6({ type: reply ? 129 : 128, id: sport, seq: 1, payload: payload() });
  const protocol =
    kind === 'strange'
      ? 'udp'
      : random.pick([
          'tcp',
          'tcp',
          'tcp',
          'tcp',
          'udp',
          'udp',
          'udp',
          'icmp',
          'icmp',
          'sctp',
          'udplite',
          'gre',
          'esp',
          'other',
        ]);
  switch (protocol) {
    case 'tcp':
      return tcpSteps(random, sport, dport);
    case 'udp': {
      const steps = Array.from({ length: random.between(1, 5) }, () =>
        datagram(random.chance(0.6) ? 'forth' : 'back'),
      );
      if (random.chance(0.2)) steps.push(['back', errorAbout(family, client, server, datagram('forth')[1])]);
      return steps;
    }
    case 'icmp':
      return Array.from(
        { length: random.between(1, 4) },
        (_, i): Step => (i % 2 === 0 ? ['forth', echo(false)] : ['back', echo(true)]),
      );
    case 'sctp':
      return [
        ['forth', sctp({ sport, dport, chunks: [{ type: SCTP.INIT, value: sctpInit(11) }] })],
        [
          'back',
          sctp({
            sport: dport,
            dport: sport,
            vtag: 11,
            chunks: [{ type: SCTP.INIT_ACK, value: sctpInit(22) }],
          }),
        ],
        ['forth', sctp({ sport, dport, vtag: 22, chunks: [{ type: SCTP.COOKIE_ECHO, value: filler(8) }] })],
        ['back', sctp({ sport: dport, dport: sport, vtag: 11, chunks: [{ type: SCTP.COOKIE_ACK }] })],
        [
          'forth',
          sctp({
            sport,
            dport,
            vtag: 22,
            chunks: [
              { type: SCTP.DATA, value: filler(16) },
              { type: SCTP.SACK, value: filler(12) },
            ],
          }),
        ],
      ];
    case 'udplite':
      return [
        ['forth', udplite({ sport, dport, payload: payload() })],
        ['back', udplite({ sport: dport, dport: sport, payload: payload() })],
      ];
    case 'gre':
      return [['forth', gre({ payload: filler(8) })]];
    case 'esp':
      return [['forth', esp({ spi: random.pick([1, 5, 256]) })]];
    default:
      return [['forth', raw(200, filler(8))]];
  }
}

function errorAbout(family: Family, saddr: string, daddr: string, layer: Layer): Layer {
  return family === 4
    ? icmpError({ type: 3, code: 3 }, ipv4({ saddr, daddr, ttl: 60 }, layer), 100)
    : icmpv6Error({ type: 1, code: 4 }, ipv6({ saddr, daddr, hopLimit: 60 }, layer), 100);
}

/** A session from its beginning, or from the middle, told to its end or broken off; sometimes with something wrong. */
function tcpSteps(random: Random, sport: number, dport: number): Step[] {
  let forthSeq = random.between(1, 1000);
  let backSeq = random.between(1, 1000);
  const segment = (direction: Direction, flags: string, size = 0, wrong = false): Step => {
    const forth = direction === 'forth';
    const layer = tcp({
      sport: forth ? sport : dport,
      dport: forth ? dport : sport,
      flags,
      seq: ((forth ? forthSeq : backSeq) + (wrong ? 5_000_000 : 0)) >>> 0,
      ack: flags.includes('A') ? (forth ? backSeq : forthSeq) : 0,
      window: 10000,
      payload: size > 4 && random.chance(0.3) ? text(random.pick(WORDS)) : filler(size),
      ...(flags.includes('S') && random.chance(0.5)
        ? { options: tcpOption.mss(random.pick([536, 1460])) }
        : {}),
      ...(random.chance(0.02) ? { checksum: 'bad' as const } : {}),
    });
    const length = size + (/[SF]/.test(flags) ? 1 : 0);
    if (forth) forthSeq += length;
    else backSeq += length;
    return [direction, layer];
  };
  const steps: Step[] = [];
  if (random.chance(0.85)) {
    steps.push(segment('forth', 'S'));
    if (random.chance(0.1)) return [...steps, segment('back', 'RA')];
    steps.push(segment('back', 'SA'), segment('forth', 'A'));
  }
  const exchanges = random.below(4);
  for (let i = 0; i < exchanges; i++) {
    const direction = random.chance(0.5) ? 'forth' : 'back';
    steps.push(
      segment(direction, 'PA', random.pick([1, 10, 100])),
      segment(direction === 'forth' ? 'back' : 'forth', 'A'),
    );
    if (random.chance(0.1)) steps.push(segment(direction, 'A', 0, true));
    if (random.chance(0.05)) steps.push(segment(direction, random.pick(['SF', '', 'FPU', 'SA', 'S'])));
  }
  if (random.chance(0.1)) steps.push(segment('forth', 'R'));
  else if (random.chance(0.6))
    steps.push(segment('forth', 'FA'), segment('back', 'FA'), segment('forth', 'A'));
  return steps;
}
