import { defineMatch } from '../extension/define.ts';
import { defineSyntax } from '../extension/syntax.ts';
import { currentBytes } from '../packet/rewrite.ts';
import { isLaterFragment, transportBytes } from './ports.ts';
import { listSpi, type SpiRange, saveSpi, spiMatches, spiRange, toSpiRange } from './spi.ts';

const ESP_HEADER_BYTES = 8;

/** `-m esp`: the security parameter index of IPsec ESP. Linux: net/netfilter/xt_esp.c, esp_mt(). */
export const esp = defineMatch<SpiRange>({
  name: 'esp',
  families: [4, 6],
  scope: 'packet',
  reads: ['payload', 'fragOffset'],
  syntax: defineSyntax({
    protocol: 50,
    options: { '--espspi': spiRange() },
    build: (v): SpiRange => toSpiRange(v['--espspi']),
    save: (o) => saveSpi('--espspi', o),
    list: (o) => ['esp', listSpi(o)].filter((text) => text !== '').join(' '),
  }),
  evaluate: (o, p) => {
    if (isLaterFragment(p) || p.l4Offset < 0) return false;
    if (transportBytes(p) < ESP_HEADER_BYTES) {
      p.hotdrop = true;
      return false;
    }
    currentBytes(p);
    // Bytes that the capture has cut off cannot be compared: nothing matches.
    if (p.l4Offset + 4 > p.l3End) return false;
    return spiMatches(o, p.view.getUint32(p.l4Offset));
  },
});
