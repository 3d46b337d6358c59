import { formatIpv6, parseIpv6 } from '../base/inet.ts';
import { defineMatch } from '../extension/define.ts';
import { defineSyntax, type OptionCall } from '../extension/syntax.ts';
import { custom, uint32 } from '../extension/values.ts';
import type { Packet } from '../packet/packet.ts';
import { R_LENGTH } from '../packet/registers.ts';
import { BAD_HEADERS, findHeader, NEXTHDR_ROUTING, NOT_FOUND } from './ipv6-headers.ts';
import { type SpiRange, saveSpi, spiMatches, spiRange, toSpiRange } from './spi.ts';

interface OptionValue {
  readonly value: number;
  readonly inverted: boolean;
}

interface RtOptions {
  readonly type: OptionValue | undefined;
  readonly segmentsLeft: SpiRange;
  /** Bytes of the whole header. */
  readonly length: OptionValue | undefined;
  readonly reserved: boolean;
  readonly addresses: readonly Int32Array[];
  readonly notStrict: boolean;
}

/** IP6T_RT_HOPS. */
const MAX_ADDRESSES = 16;
const ADDRESS_BYTES = 16;
const FIXED_BYTES = 8;

/** Options of type 0 must stand behind it. */
function needType0(call: OptionCall, option: string): void {
  const type = call.given['--rt-type'];
  if (type === undefined || type.value !== 0 || type.inverted) {
    call.fail(`\`--rt-type 0' required before \`--${option}'`);
  }
}

function parseAddresses(text: string, call: OptionCall): Int32Array[] {
  needType0(call, 'rt-0-addrs');
  const parts = text.split(',');
  const addresses = parts
    .slice(0, MAX_ADDRESSES)
    .map((part) => parseIpv6(part) ?? call.fail(`bad address: ${part}`));
  if (parts.length > MAX_ADDRESSES) call.fail('too many addresses specified');
  return addresses;
}

const bare = (check: (call: OptionCall) => void) => ({
  argument: 'none' as const,
  parse: (_: string, call: OptionCall): true => {
    check(call);
    return true;
  },
});

/** `-m rt` (IPv6): the routing header. Linux: net/ipv6/netfilter/ip6t_rt.c, rt_mt6(). */
export const rt = defineMatch<RtOptions>({
  name: 'rt',
  families: [6],
  scope: 'packet',
  reads: ['payload'],
  syntax: defineSyntax({
    options: {
      '--rt-type': uint32({ invertible: true }),
      '--rt-segsleft': spiRange(),
      '--rt-len': uint32({ invertible: true }),
      '--rt-0-res': bare((call) => needType0(call, 'rt-0-res')),
      '--rt-0-addrs': custom(parseAddresses),
      '--rt-0-not-strict': bare((call) => {
        if (call.given['--rt-0-addrs'] === undefined) {
          call.fail("`--rt-0-addr ...' required before `--rt-0-not-strict'");
        }
      }),
    },
    build: (v): RtOptions => ({
      type: v['--rt-type'],
      segmentsLeft: toSpiRange(v['--rt-segsleft']),
      length: v['--rt-len'],
      reserved: v['--rt-0-res'] !== undefined,
      addresses: v['--rt-0-addrs']?.value ?? [],
      notStrict: v['--rt-0-not-strict'] !== undefined,
    }),
    save: (o) =>
      (o.type === undefined ? '' : `${o.type.inverted ? ' !' : ''} --rt-type ${o.type.value}`) +
      saveSpi('--rt-segsleft', o.segmentsLeft) +
      (o.length === undefined ? '' : `${o.length.inverted ? ' !' : ''} --rt-len ${o.length.value}`) +
      (o.reserved ? ' --rt-0-res' : '') +
      (o.addresses.length === 0 ? '' : ` --rt-0-addrs ${formatAddresses(o)}`) +
      (o.notStrict ? ' --rt-0-not-strict' : ''),
    list: (o) =>
      'rt' +
      (o.type === undefined ? '' : ` type:${o.type.inverted ? '!' : ''}${o.type.value}`) +
      listSegments(o.segmentsLeft) +
      (o.length === undefined ? '' : ` length:${o.length.inverted ? '!' : ''}${o.length.value}`) +
      (o.reserved ? ' reserved' : '') +
      (o.addresses.length === 0 ? '' : ` 0-addrs ${formatAddresses(o)}`) +
      (o.notStrict ? ' 0-not-strict' : ''),
  }),
  evaluate: (o, p) => {
    const at = findHeader(p, NEXTHDR_ROUTING);
    if (at === NOT_FOUND) return false;
    if (at === BAD_HEADERS || at + 4 > p.r[R_LENGTH]!) {
      p.hotdrop = true;
      return false;
    }
    const header = p.l3Offset + at;
    if (header + 4 > p.l3End) return false;
    const bytes = (p.view.getUint8(header + 1) + 1) << 3;
    if (p.r[R_LENGTH]! - at < bytes) {
      // A packet that is smaller than its header says.
      p.hotdrop = true;
      return false;
    }
    if (!spiMatches(o.segmentsLeft, p.view.getUint8(header + 3))) return false;
    if (o.length !== undefined && (o.length.value === bytes) === o.length.inverted) return false;
    if (o.type !== undefined && (o.type.value === p.view.getUint8(header + 2)) === o.type.inverted)
      return false;
    if (o.reserved && (header + FIXED_BYTES > p.l3End || p.view.getUint32(header + 4) !== 0)) return false;
    return o.addresses.length === 0 || hasAddresses(o, p, header, bytes);
  },
});

/** Exactly these addresses, or with --rt-0-not-strict these among others, in their order. */
function hasAddresses(o: RtOptions, p: Packet, header: number, bytes: number): boolean {
  const count = Math.floor((bytes - FIXED_BYTES) / ADDRESS_BYTES);
  if (o.addresses.length > count || header + FIXED_BYTES + count * ADDRESS_BYTES > p.l3End) return false;
  if (!o.notStrict && o.addresses.length !== count) return false;
  let found = 0;
  for (let i = 0; i < count && found < o.addresses.length; i++) {
    const at = header + FIXED_BYTES + i * ADDRESS_BYTES;
    const isSame = o.addresses[found]!.every((word, k) => p.view.getInt32(at + 4 * k) === word);
    if (isSame) found++;
    else if (!o.notStrict) return false;
  }
  return found === o.addresses.length;
}

function formatAddresses(o: RtOptions): string {
  return o.addresses.map((words) => formatIpv6(words)).join(',');
}

function listSegments(range: SpiRange): string {
  if (range.low === 0 && range.high === 0xffffffff && !range.inverted) return '';
  const not = range.inverted ? '!' : '';
  return range.low === range.high
    ? ` segsleft:${not}${range.low}`
    : ` segslefts:${not}${range.low}:${range.high}`;
}
