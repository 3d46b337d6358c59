import { defineMatch } from '../extension/define.ts';
import { defineSyntax } from '../extension/syntax.ts';
import { flag } from '../extension/values.ts';
import { currentBytes } from '../packet/rewrite.ts';
import { isLaterFragment, transportBytes } from './ports.ts';
import { listSpi, type SpiRange, saveSpi, spiMatches, spiRange, toSpiRange } from './spi.ts';

interface IpcompOptions extends SpiRange {
  /** `--compres`, which the kernel does not look at. */
  readonly reserved: boolean;
}

const IPCOMP_HEADER_BYTES = 4;

/** `-m ipcomp`: the compression parameter index of IPComp. Linux: net/netfilter/xt_ipcomp.c, comp_mt(). */
export const ipcomp = defineMatch<IpcompOptions>({
  name: 'ipcomp',
  families: [4, 6],
  scope: 'packet',
  reads: ['payload', 'fragOffset'],
  syntax: defineSyntax({
    protocol: 108,
    options: { '--ipcompspi': spiRange(), '--compres': flag() },
    build: (v): IpcompOptions => ({
      // Unlike esp, it stands for index 0 when nothing is said.
      ...(v['--ipcompspi'] === undefined
        ? { low: 0, high: 0, inverted: false }
        : toSpiRange(v['--ipcompspi'])),
      reserved: v['--compres'] !== undefined,
    }),
    save: (o) => saveSpi('--ipcompspi', o) + (o.reserved ? ' --compres' : ''),
    list: (o) => ['comp', listSpi(o), o.reserved ? 'reserved' : ''].filter((text) => text !== '').join(' '),
  }),
  evaluate: (o, p) => {
    if (isLaterFragment(p) || p.l4Offset < 0) return false;
    if (transportBytes(p) < IPCOMP_HEADER_BYTES) {
      p.hotdrop = true;
      return false;
    }
    currentBytes(p);
    // Bytes that the capture has cut off cannot be compared: nothing matches.
    if (p.l4Offset + IPCOMP_HEADER_BYTES > p.l3End) return false;
    return spiMatches(o, p.view.getUint16(p.l4Offset + 2));
  },
});
