import { defineMatch } from '../extension/define.ts';
import { defineSyntax } from '../extension/syntax.ts';
import { uint16Range } from '../extension/values.ts';
import { IPPROTO_TCP, type Packet } from '../packet/packet.ts';
import { currentBytes } from '../packet/rewrite.ts';
import { believedTransport, isHeaderShort } from './ports.ts';

interface TcpmssOptions {
  readonly min: number;
  readonly max: number;
  readonly inverted: boolean;
}

const TCP_HEADER_BYTES = 20;
const OPTION_MSS = 2;
const OPTION_MSS_BYTES = 4;

/** `-m tcpmss`: the maximum segment size that a packet announces. Linux: net/netfilter/xt_tcpmss.c, tcpmss_mt(). */
export const tcpmss = defineMatch<TcpmssOptions>({
  name: 'tcpmss',
  families: [4, 6],
  scope: 'packet',
  reads: ['payload'],
  syntax: defineSyntax({
    protocol: IPPROTO_TCP,
    options: { '--mss': mssRange() },
    build: (v): TcpmssOptions => {
      const [min = 0, max = min] = v['--mss']!.value;
      return { min, max, inverted: v['--mss']!.inverted };
    },
    save: (o) => `${o.inverted ? ' !' : ''} --mss ${range(o)}`,
    list: (o) => `tcpmss match ${o.inverted ? '!' : ''}${range(o)}`,
  }),
  evaluate: (o, p) => {
    if (isHeaderShort(p)) return drop(p);
    const bytes = currentBytes(p);
    const tcp = believedTransport(p);
    const begin = tcp + TCP_HEADER_BYTES;
    if (tcp < 0 || begin > p.l3End) return drop(p);
    const optionBytes = (bytes[tcp + 12]! >>> 4) * 4 - TCP_HEADER_BYTES;
    if (optionBytes < 0 || begin + optionBytes > p.l3End) return drop(p);
    const end = begin + optionBytes;
    for (let i = begin; i < end; ) {
      const kind = bytes[i]!;
      if (kind === OPTION_MSS && end - i >= OPTION_MSS_BYTES && bytes[i + 1] === OPTION_MSS_BYTES) {
        const mss = (bytes[i + 2]! << 8) | bytes[i + 3]!;
        return (mss >= o.min && mss <= o.max) !== o.inverted;
      }
      // A length of zero would never end.
      i += kind < 2 || i + 1 >= end ? 1 : bytes[i + 1]! || 1;
    }
    return o.inverted;
  },
});

function mssRange() {
  const numbers = uint16Range({ mandatory: true, invertible: true });
  return {
    ...numbers,
    parse: (...[text, call]: Parameters<typeof numbers.parse>) => {
      const found = numbers.parse(text, call);
      if (found.length === 2 && found[0]! > found[1]!) call.fail('tcpmss: invalid range given');
      return found;
    },
  };
}

/** Without a whole header the packet is dropped at once. */
function drop(p: Packet): false {
  p.hotdrop = true;
  return false;
}

function range(o: TcpmssOptions): string {
  return o.min === o.max ? `${o.min}` : `${o.min}:${o.max}`;
}
