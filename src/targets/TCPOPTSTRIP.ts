import { CHECKSUM_PARTIAL } from '../batch/layout.ts';
import { defineTarget } from '../extension/define.ts';
import { strtoui } from '../extension/numbers.ts';
import { defineSyntax, type OptionCall } from '../extension/syntax.ts';
import { custom } from '../extension/values.ts';
import { IPPROTO_TCP, type Packet } from '../packet/packet.ts';
import { R_CHECKSUM, R_FRAG_OFFSET, R_LENGTH } from '../packet/registers.ts';
import { currentBytes, replaceSum16, writableBytes } from '../packet/rewrite.ts';
import { VERDICT_CONTINUE, VERDICT_DROP } from '../packet/verdict.ts';

/** Kinds of TCP options that have a name. */
const NAMES: Readonly<Record<string, number>> = {
  wscale: 3,
  mss: 2,
  'sack-permitted': 4,
  sack: 5,
  timestamp: 8,
  md5: 19,
};
const TCP_HEADER_BYTES = 20;
const NOP = 1;

function parseKinds(text: string, call: OptionCall): number[] {
  const kinds = text.split(',').map((part) => {
    const named = Object.hasOwn(NAMES, part) ? NAMES[part] : undefined;
    const kind = named ?? strtoui(part, 0, 255);
    if (kind === undefined)
      return call.fail(`Bad TCP option value "${part}"`, `Names: ${Object.keys(NAMES).join(' ')}.`);
    if (kind < 2) call.fail('Option value may not be 0 or 1');
    return kind;
  });
  return [...new Set(kinds)].sort((a, b) => a - b);
}

/** `-j TCPOPTSTRIP`: overwrites options of TCP by no-operations. Linux: net/netfilter/xt_TCPOPTSTRIP.c. */
export const tcpoptstrip = defineTarget<readonly number[]>({
  name: 'TCPOPTSTRIP',
  families: [4, 6],
  tables: ['mangle'],
  scope: 'packet',
  reads: ['payload'],
  writes: [],
  syntax: defineSyntax({
    protocol: IPPROTO_TCP,
    options: { '--strip-options': custom(parseKinds) },
    build: (v): readonly number[] => v['--strip-options']?.value ?? [],
    save: (kinds) => (kinds.length === 0 ? '' : ` --strip-options ${kinds.join(',')}`),
    list: (kinds) => (kinds.length === 0 ? '' : `TCPOPTSTRIP options ${kinds.join(',')}`),
  }),
  apply: (kinds, p) => {
    if (p.r[R_FRAG_OFFSET] !== 0) return VERDICT_CONTINUE;
    if (p.l4Offset < 0 || p.l4Offset + TCP_HEADER_BYTES > p.l3End) return VERDICT_DROP;
    const headerBytes = (currentBytes(p)[p.l4Offset + 12]! >>> 4) * 4;
    // skb_ensure_writable(): the header must be there as long as it says.
    if (headerBytes < TCP_HEADER_BYTES || headerBytes > p.r[R_LENGTH]! - (p.l4Offset - p.l3Offset))
      return VERDICT_DROP;
    strip(p, kinds, Math.min(headerBytes, p.l3End - p.l4Offset));
    return VERDICT_CONTINUE;
  },
});

function strip(p: Packet, kinds: readonly number[], headerBytes: number): void {
  const bytes = writableBytes(p);
  const tcp = p.l4Offset;
  for (let i = TCP_HEADER_BYTES; i < headerBytes - 1; ) {
    const kind = bytes[tcp + i]!;
    const size = bytes[tcp + i + 1]!;
    // A length of zero would never end: optlen().
    const optionBytes = kind <= NOP || size === 0 ? 1 : size;
    if (i + optionBytes > headerBytes) break;
    if (kinds.includes(kind)) {
      for (let j = i; j < i + optionBytes; j++) putNop(p, bytes, tcp + j, (j & 1) === 0);
    }
    i += optionBytes;
  }
}

/** One byte, and the checksum by the word that it is in: its upper half when `isHigh`. */
function putNop(p: Packet, bytes: Uint8Array, at: number, isHigh: boolean): void {
  const shift = isHigh ? 8 : 0;
  if (p.r[R_CHECKSUM] !== CHECKSUM_PARTIAL) {
    replaceSum16(p, p.l4Offset + 16, bytes[at]! << shift, NOP << shift);
  }
  bytes[at] = NOP;
}
