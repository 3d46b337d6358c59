import { jhash2, reciprocalScale } from '../base/jhash.ts';
import { defineTarget } from '../extension/define.ts';
import { hex } from '../extension/numbers.ts';
import { defineSyntax, type OptionCall, type OptionSpec, type RuleContext } from '../extension/syntax.ts';
import { custom, plenMask, prefixLength, prefixMask, uint16, uint32 } from '../extension/values.ts';
import type { ConntrackAccess } from '../packet/conntrack-access.ts';
import { IPPROTO_AH, IPPROTO_ESP, IPPROTO_ICMP, IPPROTO_ICMPV6, type Packet } from '../packet/packet.ts';
import { R_ICMP_TYPE, R_L4PROTO, R_MARK } from '../packet/registers.ts';
import { VERDICT_CONTINUE } from '../packet/verdict.ts';
import {
  type HmarkFields,
  type HmarkTuple,
  isIcmpError,
  isIcmpv6Error,
  readConnection,
  readPacket,
} from './hmark-tuple.ts';

/** Members of a tuple in the order in which a name that is cut short is looked up. */
const MEMBERS = ['ct', 'src', 'dst', 'sport', 'dport', 'proto', 'spi'] as const;
type Member = (typeof MEMBERS)[number];

interface HmarkOptions extends HmarkFields {
  /** The addresses and ports of the connection, not those of the packet. */
  readonly ofConnection: boolean;
  readonly protocolMask: number;
  readonly modulus: number;
  readonly offset: number;
  readonly seed: number;
  /** What was given, as it is printed: undefined when it was not. Prefixes are lengths in bits. */
  readonly sourcePrefix: number | undefined;
  readonly destinationPrefix: number | undefined;
  readonly sportMask: number | undefined;
  readonly dportMask: number | undefined;
  readonly spiMask: number | undefined;
  readonly sport: number | undefined;
  readonly dport: number | undefined;
  readonly spi: number | undefined;
  readonly hasProtocolMask: boolean;
  readonly hasOffset: boolean;
}

const LIST_PHRASE = '"--hmark-tuple" requires a list of types with no spaces, e.g. src,dst,sport,dport,proto';

/** Names separated by commas, in any case, each of which may be cut short. */
function parseTuple(text: string, call: OptionCall): ReadonlySet<Member> {
  const members = new Set<Member>();
  for (let at = 0; ; ) {
    const comma = text.indexOf(',', at);
    const name = text.slice(at, comma < 0 ? undefined : comma).toLowerCase();
    if (name === '' && comma < 0) call.fail(LIST_PHRASE);
    const member = name === '' ? undefined : MEMBERS.find((one) => one.startsWith(name));
    if (member === undefined) call.fail(`Bad type "${text.slice(at)}"`);
    members.add(member);
    if (comma < 0) return members;
    at = comma + 1;
  }
}

/** An option that a member of --hmark-tuple, where that stands before it, has already given. */
function unlessIn<V>(member: Member, spec: OptionSpec<V>): OptionSpec<V> {
  return {
    ...spec,
    parse: (text, call) => {
      const tuple = call.given['--hmark-tuple']?.value as ReadonlySet<Member> | undefined;
      if (tuple?.has(member) === true) {
        call.fail(`${call.extension}: option "--${call.option}" can only be used once.`);
      }
      return spec.parse(text, call);
    },
  };
}

/** A mask with holes becomes the longest. */
function lengthOf(mask: Int32Array, { family }: RuleContext): number {
  const bits = prefixLength(mask, family);
  return bits >= 0 ? bits : family === 4 ? 32 : 128;
}

const tuple: HmarkTuple = { source: 0, destination: 0, ports: 0, protocol: 0 };
/** What jhash2() is asked of. */
const hashed = new Int32Array(3);

/** `-j HMARK`: the mark is a hash of addresses, ports and protocol. Linux: net/netfilter/xt_HMARK.c, hmark_tg_v4(), hmark_tg_v6(). */
export const hmark = defineTarget<HmarkOptions, ConntrackAccess>({
  name: 'HMARK',
  families: [4, 6],
  scope: 'connection',
  reads: (o) => (o.ofConnection ? ['ct'] : ['saddr', 'daddr', 'l4proto', 'sport', 'dport', 'icmpType']),
  isAlone: (o, p) => !o.ofConnection && readsBeyondAddresses(p),
  writes: ['mark'],
  syntax: defineSyntax({
    options: {
      '--hmark-tuple': custom(parseTuple),
      '--hmark-src-prefix': unlessIn('src', plenMask()),
      '--hmark-dst-prefix': unlessIn('dst', plenMask()),
      '--hmark-sport-mask': unlessIn('sport', uint16()),
      '--hmark-dport-mask': unlessIn('dport', uint16()),
      '--hmark-spi-mask': unlessIn('spi', uint32()),
      '--hmark-sport': uint16(),
      '--hmark-dport': uint16(),
      '--hmark-spi': uint32(),
      '--hmark-proto-mask': unlessIn('proto', uint16()),
      '--hmark-rnd': uint32(),
      '--hmark-mod': uint32({ mandatory: true, min: 1 }),
      '--hmark-offset': uint32(),
    },
    finalCheck: (v, rule) => {
      if (v['--hmark-mod'] === undefined) rule.fail('--hmark-mod is mandatory');
      if (v['--hmark-rnd'] === undefined) rule.fail('--hmark-rnd is mandatory');
      const has = (member: Member, option: keyof typeof v): boolean =>
        v['--hmark-tuple']?.value.has(member) === true || v[option] !== undefined;
      const hasPortMask = has('sport', '--hmark-sport-mask') || has('dport', '--hmark-dport-mask');
      if (has('spi', '--hmark-spi-mask') && hasPortMask) {
        rule.fail('you cannot use --hmark-spi-mask and --hmark-?port-mask,at the same time');
      }
      const beside = ['--hmark-rnd', '--hmark-mod', '--hmark-offset'];
      if (Object.keys(v).every((name) => beside.includes(name))) {
        rule.fail('you have to specify --hmark-tuple at least');
      }
    },
    build: (v, rule): HmarkOptions => {
      const members = v['--hmark-tuple']?.value;
      // What a tuple names is taken whole, whatever was asked for before.
      const full = <V>(member: Member, all: V, given: V | undefined): V | undefined =>
        members?.has(member) === true ? all : given;
      const most = rule.family === 4 ? 32 : 128;
      const source = v['--hmark-src-prefix'];
      const destination = v['--hmark-dst-prefix'];
      const sourcePrefix = full('src', most, source && lengthOf(source.value, rule));
      const destinationPrefix = full('dst', most, destination && lengthOf(destination.value, rule));
      const sportMask = full('sport', 0xffff, v['--hmark-sport-mask']?.value);
      const dportMask = full('dport', 0xffff, v['--hmark-dport-mask']?.value);
      const spiMask = full('spi', 0xffffffff, v['--hmark-spi-mask']?.value);
      const protocolMask = full('proto', 0xffff, v['--hmark-proto-mask']?.value);
      const sport = v['--hmark-sport']?.value;
      const dport = v['--hmark-dport']?.value;
      const spi = v['--hmark-spi']?.value;
      return {
        ofConnection: members?.has('ct') === true,
        sourceMask: prefixMask(sourcePrefix ?? 0, rule.family),
        destinationMask: prefixMask(destinationPrefix ?? 0, rule.family),
        portMask: wordOf(sportMask, dportMask, spiMask),
        portSet: wordOf(sport, dport, spi),
        protocolMask: protocolMask ?? 0,
        modulus: v['--hmark-mod']!.value,
        offset: v['--hmark-offset']?.value ?? 0,
        seed: v['--hmark-rnd']!.value,
        sourcePrefix,
        destinationPrefix,
        sportMask,
        dportMask,
        spiMask,
        sport,
        dport,
        spi,
        hasProtocolMask: protocolMask !== undefined,
        hasOffset: v['--hmark-offset'] !== undefined,
      };
    },
    save: (o) =>
      given(' --hmark-src-prefix ', o.sourcePrefix) +
      given(' --hmark-dst-prefix ', o.destinationPrefix) +
      given(' --hmark-sport-mask ', o.sportMask, digits(4)) +
      given(' --hmark-dport-mask ', o.dportMask, digits(4)) +
      given(' --hmark-spi-mask ', o.spiMask, digits(8)) +
      given(' --hmark-sport ', o.sport, digits(4)) +
      given(' --hmark-dport ', o.dport, digits(4)) +
      given(' --hmark-spi ', o.spi, digits(8)) +
      given(' --hmark-proto-mask ', o.hasProtocolMask ? o.protocolMask : undefined, digits(2)) +
      ` --hmark-rnd ${digits(8)(o.seed)} --hmark-mod ${o.modulus}` +
      (o.hasOffset ? ` --hmark-offset ${o.offset}` : '') +
      (o.ofConnection ? ' --hmark-tuple ct' : ''),
    list: (o, { family }) =>
      `HMARK mod ${o.modulus} ` +
      (o.hasOffset ? `+ 0x${hex(o.offset)} ` : '') +
      (o.ofConnection ? 'ct, ' : '') +
      given('src-prefix ', o.sourcePrefix, listedPrefix(family), ' ') +
      given('dst-prefix ', o.destinationPrefix, listedPrefix(family), ' ') +
      given('sport-mask ', o.sportMask, digits(1), ' ') +
      given('dport-mask ', o.dportMask, digits(1), ' ') +
      given('spi-mask ', o.spiMask, digits(1), ' ') +
      given('sport ', o.sport, digits(1), ' ') +
      given('dport ', o.dport, digits(1), ' ') +
      given('spi ', o.spi, digits(1), ' ') +
      given('proto-mask ', o.hasProtocolMask ? o.protocolMask : undefined, digits(1), ' ') +
      `rnd ${digits(1)(o.seed)} `,
    kernelCheck: (o) =>
      o.spi !== undefined && (o.sport ?? o.dport) !== undefined
        ? "xt_HMARK: spi-set and port-set can't be combined"
        : undefined,
  }),
  prepare: (_, environment) => environment.conntrack,
  apply: (o, p, conntrack) => {
    const isKnown = o.ofConnection ? readConnection(o, p, conntrack, tuple) : readPacket(o, p, tuple);
    if (isKnown) p.r[R_MARK] = markOf(o);
    return VERDICT_CONTINUE;
  },
});

/** hmark_hash() of `tuple`. Both directions of a connection have the same. */
function markOf(o: HmarkOptions): number {
  const { source, destination, ports, protocol } = tuple;
  const isSorted = source >>> 0 <= destination >>> 0;
  hashed[0] = isSorted ? source : destination;
  hashed[1] = isSorted ? destination : source;
  hashed[2] = ports;
  const hash = jhash2(hashed, 0, 3, o.seed) ^ (protocol & o.protocolMask);
  return (reciprocalScale(hash, o.modulus) + o.offset) | 0;
}

/** More than its addresses and ports is read: an SPI, or the packet that an error quotes. */
function readsBeyondAddresses({ r }: Packet): boolean {
  const type = r[R_ICMP_TYPE]!;
  switch (r[R_L4PROTO]) {
    case IPPROTO_ESP:
    case IPPROTO_AH:
      return true;
    case IPPROTO_ICMP:
      return isIcmpError(type);
    case IPPROTO_ICMPV6:
      return isIcmpv6Error(type);
    default:
      return false;
  }
}

/** Both ports share a word with the SPI (union hmark_ports). */
function wordOf(sport = 0, dport = 0, spi = 0): number {
  return (sport << 16) | dport | spi;
}

function given(
  name: string,
  value: number | undefined,
  format = String as (value: number) => string,
  end = '',
) {
  return value === undefined ? '' : name + format(value) + end;
}

const digits = (count: number) => (value: number) => `0x${hex(value).padStart(count, '0')}`;

/** ip6tables leaves a /128 out, as where it prints addresses, but not the words before it. */
const listedPrefix = (family: number) => (bits: number) => (family === 6 && bits === 128 ? '' : `${bits}`);
