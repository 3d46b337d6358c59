import { defineMatch } from '../extension/define.ts';
import { defineSyntax } from '../extension/syntax.ts';
import {
  type AddressMask,
  formatAddress,
  hostMask,
  prefixLength,
  prefixMask,
  uint8,
  uint16,
} from '../extension/values.ts';
import type { Packet } from '../packet/packet.ts';
import { R_LENGTH } from '../packet/registers.ts';
import { findHeader, NEXTHDR_ROUTING } from './ipv6-headers.ts';

interface Given {
  readonly inverted: boolean;
}

/** Comparisons of one byte of the header with one value: the last that was given stands for all of them. */
interface ByteTests {
  readonly value: number;
  readonly eq: Given | undefined;
  readonly gt: Given | undefined;
  readonly lt: Given | undefined;
}

interface Segment extends Given {
  readonly address: Int32Array;
  readonly prefixBits: number;
}

interface SrhOptions {
  readonly nextHeader: (Given & { readonly value: number }) | undefined;
  readonly headerLength: ByteTests;
  readonly segmentsLeft: ByteTests;
  readonly lastEntry: ByteTests;
  readonly tag: (Given & { readonly value: number }) | undefined;
  readonly previous: Segment | undefined;
  readonly next: Segment | undefined;
  readonly last: Segment | undefined;
}

const FIXED_BYTES = 8;
const SEGMENT_BYTES = 16;
/** IPV6_SRCRT_TYPE_4. */
const SEGMENT_ROUTING = 4;
const COMPARISONS = ['eq', 'gt', 'lt'] as const;

const byte = () => uint8({ invertible: true });
const segment = () => hostMask({ invertible: true });

/** `-m srh` (IPv6): the segment routing header. Linux: net/ipv6/netfilter/ip6t_srh.c, srh1_mt6() (revision 1). */
export const srh = defineMatch<SrhOptions>({
  name: 'srh',
  families: [6],
  scope: 'packet',
  reads: ['payload'],
  syntax: defineSyntax({
    options: {
      '--srh-next-hdr': byte(),
      '--srh-hdr-len-eq': byte(),
      '--srh-hdr-len-gt': byte(),
      '--srh-hdr-len-lt': byte(),
      '--srh-segs-left-eq': byte(),
      '--srh-segs-left-gt': byte(),
      '--srh-segs-left-lt': byte(),
      '--srh-last-entry-eq': byte(),
      '--srh-last-entry-gt': byte(),
      '--srh-last-entry-lt': byte(),
      '--srh-tag': uint16({ invertible: true }),
      '--srh-psid': segment(),
      '--srh-nsid': segment(),
      '--srh-lsid': segment(),
    },
    build: (v): SrhOptions => {
      const tests = (name: 'hdr-len' | 'segs-left' | 'last-entry'): ByteTests => {
        const lastGiven = (Object.keys(v) as (keyof typeof v)[]).findLast((one) =>
          one.startsWith(`--srh-${name}-`),
        );
        return {
          value: lastGiven === undefined ? 0 : (v[lastGiven]!.value as number),
          eq: v[`--srh-${name}-eq`],
          gt: v[`--srh-${name}-gt`],
          lt: v[`--srh-${name}-lt`],
        };
      };
      return {
        nextHeader: v['--srh-next-hdr'],
        headerLength: tests('hdr-len'),
        segmentsLeft: tests('segs-left'),
        lastEntry: tests('last-entry'),
        tag: v['--srh-tag'],
        previous: toSegment(v['--srh-psid']),
        next: toSegment(v['--srh-nsid']),
        last: toSegment(v['--srh-lsid']),
      };
    },
    save: (o) =>
      saveNumber('next-hdr', o.nextHeader) +
      eachTest('hdr-len', o.headerLength, saveNumber) +
      eachTest('segs-left', o.segmentsLeft, saveNumber) +
      eachTest('last-entry', o.lastEntry, saveNumber) +
      saveNumber('tag', o.tag) +
      saveSegment('psid', o.previous) +
      saveSegment('nsid', o.next) +
      saveSegment('lsid', o.last),
    list: (o) =>
      'srh' +
      listNumber('next-hdr', o.nextHeader) +
      eachTest('hdr-len', o.headerLength, listNumber) +
      eachTest('segs-left', o.segmentsLeft, listNumber) +
      eachTest('last-entry', o.lastEntry, listNumber) +
      listNumber('tag', o.tag) +
      listSegment('psid', o.previous) +
      listSegment('nsid', o.next) +
      listSegment('lsid', o.last),
  }),
  evaluate: (o, p) => {
    const at = findHeader(p, NEXTHDR_ROUTING);
    // Whatever is short just does not match.
    if (at < 0 || at + FIXED_BYTES > p.r[R_LENGTH]!) return false;
    const header = p.l3Offset + at;
    if (header + FIXED_BYTES > p.l3End) return false;
    const { view } = p;
    const length = view.getUint8(header + 1);
    if (p.r[R_LENGTH]! - at < (length + 1) << 3) return false;
    if (view.getUint8(header + 2) !== SEGMENT_ROUTING) return false;
    const segmentsLeft = view.getUint8(header + 3);
    const lastEntry = view.getUint8(header + 4);
    if (segmentsLeft > lastEntry) return false;
    return (
      isEqual(o.nextHeader, view.getUint8(header)) &&
      testsHold(o.headerLength, length) &&
      testsHold(o.segmentsLeft, segmentsLeft) &&
      testsHold(o.lastEntry, lastEntry) &&
      // Neither side of the comparison has its bytes swapped: a little-endian machine is asked for 0x0100 to match 1.
      isEqual(o.tag, view.getUint16(header + 6, true)) &&
      // The list runs backwards: the segment that the packet comes from stands behind the one that it is on its way to.
      (o.previous === undefined ||
        (segmentsLeft !== lastEntry && isSegment(o.previous, p, at, segmentsLeft + 1))) &&
      (o.next === undefined || (segmentsLeft !== 0 && isSegment(o.next, p, at, segmentsLeft - 1))) &&
      (o.last === undefined || isSegment(o.last, p, at, 0))
    );
  },
});

function isEqual(given: (Given & { readonly value: number }) | undefined, value: number): boolean {
  return given === undefined || (given.value === value) !== given.inverted;
}

function testsHold({ value, eq, gt, lt }: ByteTests, found: number): boolean {
  return (
    (eq === undefined || (found === value) !== eq.inverted) &&
    (gt === undefined || found > value !== gt.inverted) &&
    (lt === undefined || found < value !== lt.inverted)
  );
}

/** Segment `i` of the list is this one; a list that ends before has none, inverted or not. `at`: offset of the header. */
function isSegment(wanted: Segment, p: Packet, at: number, i: number): boolean {
  const end = at + FIXED_BYTES + (i + 1) * SEGMENT_BYTES;
  if (end > p.r[R_LENGTH]! || p.l3Offset + end > p.l3End) return false;
  const begin = p.l3Offset + end - SEGMENT_BYTES;
  const mask = prefixMask(wanted.prefixBits, 6);
  let difference = 0;
  for (let k = 0; k < 4; k++) difference |= (p.view.getInt32(begin + 4 * k) ^ wanted.address[k]!) & mask[k]!;
  return (difference === 0) !== wanted.inverted;
}

function toSegment(
  given: { readonly value: AddressMask; readonly inverted: boolean } | undefined,
): Segment | undefined {
  if (given === undefined) return undefined;
  const { address, mask } = given.value;
  return { address, prefixBits: prefixLength(mask, 6), inverted: given.inverted };
}

const not = ({ inverted }: Given): string => (inverted ? ' !' : '');

function saveNumber(name: string, given: (Given & { readonly value: number }) | undefined): string {
  return given === undefined ? '' : `${not(given)} --srh-${name} ${given.value}`;
}

function eachTest(name: string, tests: ByteTests, write: typeof saveNumber): string {
  return COMPARISONS.map((one) =>
    write(`${name}-${one}`, tests[one] && { ...tests[one], value: tests.value }),
  ).join('');
}

function saveSegment(name: string, given: Segment | undefined): string {
  return given === undefined
    ? ''
    : `${not(given)} --srh-${name} ${formatAddress(given.address, 6)}/${given.prefixBits}`;
}

function listNumber(name: string, given: (Given & { readonly value: number }) | undefined): string {
  return given === undefined ? '' : ` ${name}:${given.inverted ? '!' : ''}${given.value}`;
}

function listSegment(name: string, given: Segment | undefined): string {
  return given === undefined
    ? ''
    : ` ${name} ${given.inverted ? '!' : ''} ${formatAddress(given.address, 6)}/${given.prefixBits}`;
}
