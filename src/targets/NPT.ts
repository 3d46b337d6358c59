import { defineTarget } from '../extension/define.ts';
import { defineSyntax } from '../extension/syntax.ts';
import { formatAddress, hostMask, prefixLength, prefixMask } from '../extension/values.ts';
import { IPPROTO_ICMPV6, type Packet } from '../packet/packet.ts';
import { R_DADDR, R_ICMP_TYPE, R_L4PROTO, R_SADDR } from '../packet/registers.ts';
import { writableBytes } from '../packet/rewrite.ts';
import { VERDICT_CONTINUE, VERDICT_DROP } from '../packet/verdict.ts';

interface Prefix {
  readonly address: Int32Array;
  readonly bits: number;
}

interface NptOptions {
  readonly source: Prefix;
  readonly destination: Prefix;
}

/** What is added to one word of the address, so that the sum of all does not change: RFC 6296. */
interface NptState {
  readonly adjustment: number;
}

const LONGEST_BITS = 64;
const ALL_ONES = 0xffff;
/** ICMPv6 types below are errors. */
const FIRST_INFORMATIONAL = 128;
const INNER_SADDR = 8 + 8;
const INNER_DADDR = 8 + 24;

/** SNPT and DNPT differ in the address that they translate, and in where they may stand. */
function npt(name: 'SNPT' | 'DNPT') {
  const isSource = name === 'SNPT';
  return defineTarget<NptOptions, NptState>({
    name,
    families: [6],
    tables: ['mangle'],
    hooks: isSource ? ['INPUT', 'POSTROUTING'] : ['PREROUTING', 'OUTPUT'],
    scope: 'connection',
    reads: [isSource ? 'saddr' : 'daddr'],
    writes: [isSource ? 'saddr' : 'daddr'],
    syntax: defineSyntax({
      options: {
        '--src-pfx': hostMask({ mandatory: true }),
        '--dst-pfx': hostMask({ mandatory: true }),
      },
      build: (v): NptOptions => {
        const prefix = (key: '--src-pfx' | '--dst-pfx'): Prefix => {
          const { address, mask } = v[key]!.value;
          return { address, bits: prefixLength(mask, 6) };
        };
        return { source: prefix('--src-pfx'), destination: prefix('--dst-pfx') };
      },
      save: ({ source, destination }) => {
        // Of no address at all, the length is not printed either.
        const word = (key: string, prefix: Prefix) =>
          prefix.address.some((part) => part !== 0) ? ` ${key} ${text(prefix)}` : '';
        return word('--src-pfx', source) + word('--dst-pfx', destination);
      },
      list: ({ source, destination }) => `${name} src-pfx ${text(source)} dst-pfx ${text(destination)}`,
      kernelCheck: ({ source, destination }) => {
        const prefixes = [source, destination];
        if (prefixes.some(({ bits }) => bits > LONGEST_BITS)) {
          return `ip6t_NPT: prefixes are of ${LONGEST_BITS} bits at most`;
        }
        return prefixes.some((prefix) => !isMasked(prefix))
          ? 'ip6t_NPT: a prefix has bits behind its length'
          : undefined;
      },
    }),
    prepare: ({ source, destination }): NptState => ({
      adjustment: fold(sumOf(source.address) + (~sumOf(destination.address) & ALL_ONES)),
    }),
    apply: (o, p, { adjustment }) => {
      if (!translate(p.r, isSource ? R_SADDR : R_DADDR, o, adjustment)) return VERDICT_DROP;
      p.touch();
      translateQuoted(p, isSource ? INNER_DADDR : INNER_SADDR, o, adjustment);
      return VERDICT_CONTINUE;
    },
  });
}

/**
 * `-j SNPT`, `-j DNPT`: exchange the prefix of an address, without any state, and adjust another word of it, so that no
 * checksum changes. Linux: net/ipv6/netfilter/ip6t_NPT.c, ip6t_snpt_tg(), ip6t_dnpt_tg().
 */
export const snpt = npt('SNPT');
export const dnpt = npt('DNPT');

/** ip6t_npt_map_pfx(), of the address at `at`. False when it has no word that could be adjusted. */
function translate(words: Int32Array, at: number, o: NptOptions, adjustment: number): boolean {
  const bits = Math.max(o.source.bits, o.destination.bits);
  for (let i = 0; 32 * i < bits; i++) {
    const kept = bits - 32 * i >= 32 ? 0 : 0xffffffff >>> (bits - 32 * i);
    words[at + i] = (words[at + i]! & kept) | o.destination.address[i]!;
  }
  let half = 3;
  if (bits > 48) {
    for (half = 4; half < 8 && halfOf(words, at, half) === ALL_ONES; half++);
    if (half === 8) return false;
  }
  const adjusted = fold(halfOf(words, at, half) + adjustment);
  setHalf(words, at, half, adjusted === ALL_ONES ? 0 : adjusted);
  return true;
}

const quoted = new Int32Array(4);

/** An ICMPv6 error quotes a packet that went the other way: its other address is translated along. */
function translateQuoted(p: Packet, offset: number, o: NptOptions, adjustment: number): void {
  const type = p.r[R_ICMP_TYPE]!;
  if (p.r[R_L4PROTO] !== IPPROTO_ICMPV6 || type < 0 || type >= FIRST_INFORMATIONAL) return;
  if (p.l4Offset < 0 || p.l4Offset + 8 + 40 > p.l3End) return;
  const at = p.l4Offset + offset;
  for (let i = 0; i < 4; i++) quoted[i] = p.view.getInt32(at + 4 * i);
  const mask = prefixMask(o.source.bits, 6);
  if (quoted.some((word, i) => (word & mask[i]!) !== o.source.address[i])) return;
  if (!translate(quoted, 0, o, adjustment)) return;
  // A private copy of the bytes has offsets of its own.
  writableBytes(p);
  for (let i = 0; i < 4; i++) p.view.setInt32(p.l4Offset + offset + 4 * i, quoted[i]!);
}

function halfOf(words: Int32Array, at: number, half: number): number {
  const word = words[at + (half >> 1)]!;
  return (half & 1) === 0 ? word >>> 16 : word & ALL_ONES;
}

function setHalf(words: Int32Array, at: number, half: number, value: number): void {
  const word = words[at + (half >> 1)]!;
  words[at + (half >> 1)] = (half & 1) === 0 ? (word & ALL_ONES) | (value << 16) : (word & ~ALL_ONES) | value;
}

/** One's complement sum of an address, 16 bits at a time. */
function sumOf(address: Int32Array): number {
  let sum = 0;
  for (const word of address) sum += (word >>> 16) + (word & ALL_ONES);
  return fold(sum);
}

function fold(sum: number): number {
  let folded = sum;
  while (folded > ALL_ONES) folded = (folded & ALL_ONES) + (folded >>> 16);
  return folded;
}

function isMasked({ address, bits }: Prefix): boolean {
  const mask = prefixMask(bits, 6);
  return address.every((word, i) => (word & mask[i]!) === word);
}

function text({ address, bits }: Prefix): string {
  return `${formatAddress(address, 6)}/${bits}`;
}
