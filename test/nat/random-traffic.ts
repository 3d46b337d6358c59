/**
 * Random connections over a gateway that translates, as a function of a seed: both ends speak, on a line that loses,
 * repeats, reorders and forges. What a server answers is addressed to what reached it, so the generator asks the engine
 * what that was, packet by packet. If the engine were wrong, the answers would fit no connection in the kernel.
 *
 * Where a port had to be drawn, the kernel's is another one: that server stays silent, and the port is not compared.
 */

import { converse, Dice } from '../conntrack/tcp-conversations.ts';
import type { Case, CasePacket } from '../kernel/judge.ts';
import {
  type Bytes,
  filler,
  gre,
  hex,
  icmp,
  icmpError,
  icmpv6,
  icmpv6Error,
  ip,
  type Layer,
  PROTOCOL,
  raw,
  SCTP,
  sctp,
  sctpInit,
  udp,
} from '../kernel/packets.ts';
import { ADDRESSES, type Family, GATEWAY, ifaceOf, isOwn } from './network.ts';
import { randomNatRules, SERVER_PORTS } from './random-rules.ts';
import { type Ends, retarget } from './retarget.ts';
import { StepEngine } from './step-engine.ts';

/** Ports that a rule names: a translation to one of them was no draw. */
const NAMED_PORTS = new Set([7777, 4444]);
const FIRST_SPORT = 20000;
const SPORTS = 12;

/** One packet of a flow as its sender would make it without translation. */
interface Step {
  readonly fromClient: boolean;
  readonly bytes: Bytes;
}

interface Flow {
  readonly family: Family;
  readonly protocol: Protocol;
  readonly client: string;
  readonly server: string;
  readonly sport: number;
  readonly dport: number;
  readonly steps: Step[];
  /** The tuple of the answers, as the engine has it. */
  reply: Ends | undefined;
}

type Protocol = 'tcp' | 'udp' | 'icmp' | 'sctp' | 'gre' | 'other';

export function randomNatCase(seed: number, hostFiles: Readonly<Record<string, string>>): Case {
  const dice = new Dice(seed);
  const families = dice.pick<readonly Family[]>([[4], [4], [6], [4, 6]]);
  const rules = new Map(families.map((family) => [family, randomNatRules(dice, family)]));
  const [rules4, rules6] = [rules.get(4), rules.get(6)];
  const engine = new StepEngine({
    ...hostFiles,
    ...(rules4 === undefined ? {} : { 'iptables.save': rules4 }),
    ...(rules6 === undefined ? {} : { 'ip6tables.save': rules6 }),
  });
  const packets: CasePacket[] = [];
  const flows = Array.from({ length: 3 + dice.below(12) }, () => makeFlow(dice, dice.pick(families)));
  for (let open = flows; open.length > 0; open = open.filter(({ steps }) => steps.length > 0)) {
    const flow = dice.pick(open);
    // The next, now and then the one behind it first; and some come twice.
    const [step] = flow.steps.splice(flow.steps.length > 1 && dice.chance(6) ? 1 : 0, 1);
    if (step === undefined) continue;
    if (dice.chance(4)) flow.steps.unshift(step);
    const bytes = finish(dice, flow, step);
    if (bytes === undefined || (flow.reply === undefined && seemsToAnswer(flow.family, bytes))) continue;
    const packet = place(flow.family, bytes);
    packets.push(packet);
    engine.pass(
      bytes,
      packet.dir === 'out' && isOwn(flow.family, addressOf(bytes, 'daddr')) ? 'lo' : packet.iface,
      packet.dir,
    );
    if (step.fromClient) lookUp(engine, flow);
  }
  return {
    id: `nat/${seed}`,
    host: GATEWAY,
    ...(rules4 === undefined ? {} : { rules4 }),
    ...(rules6 === undefined ? {} : { rules6 }),
    packets,
    varies: ['conntrack'],
  };
}

// Flows

function makeFlow(dice: Dice, family: Family): Flow {
  const a = ADDRESSES[family];
  const inside = dice.pick(a.inside);
  const outside = dice.pick(a.outside);
  const server = dice.pick(a.servers);
  const own = dice.pick(a.self);
  const pool = a.pool(dice.pick([5, 7, 9, 20, 70]));
  const [client, target] = dice.pick<readonly [string, string]>([
    [inside, outside],
    [inside, outside],
    [inside, outside],
    [inside, server],
    [inside, own], // hairpin, or the gateway itself
    [inside, pool],
    [outside, own],
    [outside, own],
    [outside, pool],
    [outside, server],
    [server, outside],
    [own, outside],
    [own, server],
    [own, pool],
    [own, a.selfInside],
    [a.loopback, a.loopback],
  ]);
  const protocol = dice.pick<Protocol>([
    'tcp',
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
    'gre',
    'other',
  ]);
  const sport = FIRST_SPORT + dice.below(SPORTS);
  const dport = protocol === 'icmp' ? sport : dice.pick(SERVER_PORTS);
  const flow = { family, protocol, client, server: target, sport, dport, reply: undefined };
  return { ...flow, steps: stepsOf(dice, flow) };
}

function stepsOf(dice: Dice, flow: Omit<Flow, 'steps'>): Step[] {
  const { family, protocol, client, server, sport, dport } = flow;
  const step = (fromClient: boolean, layer: Layer): Step => {
    const [saddr, daddr] = fromClient ? [client, server] : [server, client];
    return { fromClient, bytes: ip({ saddr, daddr }, layer) };
  };
  const ports = (fromClient: boolean) => (fromClient ? { sport, dport } : { sport: dport, dport: sport });
  const echo = (type: number) =>
    (family === 4 ? icmp : icmpv6)({ type, id: sport, seq: 1, payload: filler(dice.below(40)) });
  const some = (most: number, one: (fromClient: boolean, i: number) => Step): Step[] =>
    Array.from({ length: 1 + dice.below(most) }, (_, i) => one(i === 0 || dice.chance(55), i));
  switch (protocol) {
    case 'tcp':
      return converse(dice, { client, server, clientPort: sport, serverPort: dport }, 4 + dice.below(22));
    case 'udp':
      return some(9, (fromClient) =>
        step(
          fromClient,
          udp({
            ...ports(fromClient),
            payload: filler(dice.below(60)),
            ...(dice.chance(4) ? { checksum: 0 } : {}),
          }),
        ),
      );
    case 'icmp':
      return some(5, (fromClient) =>
        step(fromClient, echo(family === 4 ? (fromClient ? 8 : 0) : fromClient ? 128 : 129)),
      );
    case 'sctp': {
      const chunk = (type: number, value = filler(4)) => [{ type, value }];
      return [
        step(true, sctp({ ...ports(true), vtag: 0, chunks: chunk(SCTP.INIT, sctpInit(11)) })),
        step(false, sctp({ ...ports(false), vtag: 11, chunks: chunk(SCTP.INIT_ACK, sctpInit(22)) })),
        step(true, sctp({ ...ports(true), vtag: 22, chunks: chunk(SCTP.COOKIE_ECHO) })),
        step(false, sctp({ ...ports(false), vtag: 11, chunks: chunk(SCTP.COOKIE_ACK) })),
        step(true, sctp({ ...ports(true), vtag: 22, chunks: chunk(SCTP.DATA, filler(16)) })),
      ].slice(0, 1 + dice.below(5));
    }
    case 'gre':
      return some(4, (fromClient) => step(fromClient, gre()));
    case 'other':
      return some(4, (fromClient) => step(fromClient, raw(200, filler(12))));
  }
}

// What is sent

/** The packet of a step as it is on the wire; undefined when its sender has nothing to answer. */
function finish(dice: Dice, flow: Flow, step: Step): Bytes | undefined {
  const original: Ends = { saddr: flow.client, daddr: flow.server, sport: flow.sport, dport: flow.dport };
  const { reply } = flow;
  if (step.fromClient) return dice.chance(3) ? errorFor(dice, flow, inverse(original)) : step.bytes;
  // Answers to nothing, in the form that they would have without a translation.
  if (reply === undefined) return dice.chance(15) ? step.bytes : undefined;
  if (dice.chance(6)) return errorFor(dice, flow, reply);
  return retarget(step.bytes, reply);
}

/**
 * The gateway's own reset or ICMP error: a capture cannot tell one that a program forges from the kernel's answer to a
 * packet that was dropped, and the replay takes it for that (pending-answers.ts).
 */
function seemsToAnswer(family: Family, bytes: Bytes): boolean {
  if (!isOwn(family, addressOf(bytes, 'saddr'))) return false;
  const [l4proto, l4] = family === 4 ? [bytes[9], 20] : [bytes[6], 40];
  if (l4proto === PROTOCOL.tcp) return (bytes[l4 + 13]! & TCP_RST) !== 0;
  return (
    (l4proto === PROTOCOL.icmp && bytes[l4] !== 0 && bytes[l4] !== 8) ||
    (l4proto === PROTOCOL.icmpv6 && bytes[l4]! < 128)
  );
}

const TCP_RST = 4;

function inverse({ saddr, daddr, sport, dport }: Ends): Ends {
  return { saddr: daddr, daddr: saddr, sport: dport, dport: sport };
}

/** An ICMP error about the packet that its sender saw: one that went from `answer`'s destination to its source. */
function errorFor(dice: Dice, flow: Flow, answer: Ends): Bytes {
  const { family } = flow;
  const [about] = stepsOf(new Dice(dice.word()), flow).filter(({ fromClient }) => fromClient);
  const quoted = retarget(
    about?.bytes ?? ip({ saddr: flow.client, daddr: flow.server }, raw(200)),
    inverse(answer),
  );
  const saddr = dice.chance(60)
    ? answer.saddr
    : ifaceOf(family, answer.saddr) === 'eth1'
      ? ADDRESSES[family].router
      : answer.saddr;
  const type = family === 4 ? dice.pick([3, 3, 11, 4, 5, 12]) : dice.pick([1, 1, 2, 3, 4]);
  const keep = dice.pick([8, 8, 20, 100]);
  const layer =
    family === 4
      ? icmpError(
          {
            type,
            code: type === 3 ? dice.pick([1, 3, 4]) : 0,
            ...(dice.chance(4) ? { checksum: 'bad' } : {}),
          },
          quoted,
          keep,
        )
      : icmpv6Error({ type, code: 0 }, quoted, keep);
  return ip({ saddr, daddr: answer.daddr }, layer);
}

/** Where a packet comes from: an interface, or this host itself. */
function place(family: Family, bytes: Bytes): CasePacket {
  const from = ifaceOf(family, addressOf(bytes, 'saddr'));
  const to = ifaceOf(family, addressOf(bytes, 'daddr'));
  const digits = hex(bytes);
  return from === 'lo' ? { iface: to, dir: 'out', hex: digits } : { iface: from, dir: 'in', hex: digits };
}

function addressOf(bytes: Bytes, which: 'saddr' | 'daddr'): string {
  if (bytes[0]! >> 4 === 4)
    return bytes
      .subarray(which === 'saddr' ? 12 : 16)
      .subarray(0, 4)
      .join('.');
  const at = which === 'saddr' ? 8 : 24;
  return compress(hex(bytes.subarray(at, at + 16)));
}

/** An IPv6 address in the form that the pools and conntrack(8) write it. */
function compress(digits: string): string {
  const words = digits.match(/..../g)!.map((word) => Number.parseInt(word, 16).toString(16));
  const zeros = [...`${words.join(':')}`.matchAll(/\b0(?::0)+\b/g)].map(([run]) => run);
  const longest = zeros.sort((x, y) => y.length - x.length)[0];
  if (longest === undefined) return words.join(':');
  const [before, after] = splitOnce(words.join(':'), longest);
  return `${before.replace(/:$/, '')}::${after.replace(/^:/, '')}`;
}

function splitOnce(text: string, part: string): [string, string] {
  const at = text.indexOf(part);
  return [text.slice(0, at), text.slice(at + part.length)];
}

// What became of it

/** What the engine's table says of the flow's connection. */
function lookUp(engine: StepEngine, flow: Flow): void {
  const own = tupleKey(flow.client, flow.server, flow.sport, flow.dport, flow.protocol);
  const line = engine.result.conntrackDump.find((one) => {
    const [original] = tuplesOf(one);
    return original!.key === own && original!.protocol === flow.protocol;
  });
  flow.reply = line === undefined || hasDrawnPort(line) ? undefined : tuplesOf(line)[1]!.ends;
}

/** A connection that was given a source port (or identifier) which is neither its own nor one that a rule names. */
function hasDrawnPort(line: string): boolean {
  const [original, reply] = tuplesOf(line);
  return reply!.ends.dport !== original!.ends.sport && !NAMED_PORTS.has(reply!.ends.dport);
}

/** The line without its drawn port, if it has one. */
export function hideDrawnPort(line: string): string {
  if (!hasDrawnPort(line)) return line;
  const reply = line.lastIndexOf(' src=');
  return line.slice(0, reply) + line.slice(reply).replace(/ (dport|id)=\d+/, ' $1=drawn');
}

const PROTOCOLS: Readonly<Record<string, Protocol>> = {
  tcp: 'tcp',
  udp: 'udp',
  icmp: 'icmp',
  icmpv6: 'icmp',
  sctp: 'sctp',
  gre: 'gre',
};

interface TupleOfLine {
  readonly protocol: Protocol;
  readonly ends: Ends;
  readonly key: string;
}

/** The two tuples of a line of `conntrack -L -o extended`. */
function tuplesOf(line: string): TupleOfLine[] {
  const protocol = PROTOCOLS[line.split(/\s+/)[2]!] ?? 'other';
  return line
    .split(' src=')
    .slice(1)
    .map((part) => {
      const field = (name: string) => new RegExp(`(?:^|[ ])${name}=(\\S+)`).exec(` src=${part}`)?.[1];
      const id = Number(field('id') ?? 0);
      const ends = {
        saddr: field('src')!,
        daddr: field('dst')!,
        sport: Number(field('sport') ?? id),
        dport: Number(field('dport') ?? id),
      };
      return { protocol, ends, key: tupleKey(ends.saddr, ends.daddr, ends.sport, ends.dport, protocol) };
    });
}

function tupleKey(saddr: string, daddr: string, sport: number, dport: number, protocol: Protocol): string {
  const hasPorts = protocol !== 'gre' && protocol !== 'other';
  return `${saddr} ${daddr}${hasPorts ? ` ${sport} ${dport}` : ''}`;
}
