import { defineMatch } from '../extension/define.ts';
import { defineSyntax } from '../extension/syntax.ts';
import { mac as macAddress } from '../extension/values.ts';
import { currentBytes } from '../packet/rewrite.ts';

interface MacOptions {
  readonly address: Uint8Array;
  readonly inverted: boolean;
}

/** Offset of the source address in an Ethernet header, and its length. */
const SOURCE_OFFSET = 6;
const ADDRESS_BYTES = 6;

/**
 * `-m mac`: the source address of the Ethernet header. What came over no Ethernet does not match, inverted or not.
 * Linux: net/netfilter/xt_mac.c, mac_mt().
 */
export const mac = defineMatch<MacOptions>({
  name: 'mac',
  families: [4, 6],
  hooks: ['PREROUTING', 'INPUT', 'FORWARD'],
  scope: 'packet',
  reads: ['payload'],
  syntax: defineSyntax({
    options: { '--mac-source': macAddress({ invertible: true, mandatory: true }) },
    build: (v): MacOptions => ({ address: v['--mac-source']!.value, inverted: v['--mac-source']!.inverted }),
    save: (o) => `${o.inverted ? ' !' : ''} --mac-source ${format(o.address)}`,
    list: (o) => `MAC${o.inverted ? ' !' : ''} ${format(o.address)}`,
  }),
  evaluate: (o, p) => {
    if (p.macOffset < 0) return false;
    const bytes = currentBytes(p);
    const at = p.macOffset + SOURCE_OFFSET;
    for (let i = 0; i < ADDRESS_BYTES; i++) if (bytes[at + i] !== o.address[i]) return o.inverted;
    return !o.inverted;
  },
});

function format(address: Uint8Array): string {
  return Array.from(address, (byte) => byte.toString(16).padStart(2, '0')).join(':');
}
