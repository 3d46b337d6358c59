import { defineMatch } from '../extension/define.ts';
import { defineSyntax } from '../extension/syntax.ts';
import { flag, plenMask, prefixLength, prefixMask, uint32 } from '../extension/values.ts';
import type { ConntrackAccess } from '../packet/conntrack-access.ts';
import { R_CT, R_DADDR, R_FAMILY, R_SADDR } from '../packet/registers.ts';

interface ConnlimitOptions {
  readonly limit: number;
  /** `--connlimit-upto`: matches while there are not more. */
  readonly inverted: boolean;
  readonly mask: Int32Array;
  readonly prefixBits: number;
  readonly byDestination: boolean;
}

interface ConnlimitState {
  readonly conntrack: ConntrackAccess;
  /** Counter of this rule: each rule counts for itself. */
  readonly counter: number;
  readonly key: Int32Array;
}

/**
 * `-m connlimit`: how many connections of this packet's address (masked) live at once. Linux:
 * net/netfilter/xt_connlimit.c, connlimit_mt(); net/netfilter/nf_conncount.c.
 */
export const connlimit = defineMatch<ConnlimitOptions, ConnlimitState>({
  name: 'connlimit',
  families: [4, 6],
  bringsConntrack: true,
  scope: 'global',
  reads: (o) => [o.byDestination ? 'daddr' : 'saddr', 'ct', 'time'],
  syntax: defineSyntax({
    options: {
      '--connlimit-upto': uint32({ invertible: true, excludes: ['--connlimit-above'] }),
      '--connlimit-above': uint32({ invertible: true, excludes: ['--connlimit-upto'] }),
      '--connlimit-mask': plenMask(),
      '--connlimit-saddr': flag({ excludes: ['--connlimit-daddr'] }),
      '--connlimit-daddr': flag({ excludes: ['--connlimit-saddr'] }),
    },
    finalCheck: (v, rule) => {
      if (v['--connlimit-upto'] === undefined && v['--connlimit-above'] === undefined) {
        rule.fail('You must specify "--connlimit-above" or "--connlimit-upto".');
      }
    },
    build: (v, rule): ConnlimitOptions => {
      const upto = v['--connlimit-upto'];
      const given = (upto ?? v['--connlimit-above'])!;
      const most = rule.family === 4 ? 32 : 128;
      const mask = v['--connlimit-mask']?.value;
      // iptables keeps a length; a mask with holes becomes the longest.
      const bits = mask === undefined ? most : prefixLength(mask, rule.family);
      const prefixBits = bits < 0 ? most : bits;
      return {
        limit: given.value,
        inverted: (upto !== undefined) !== given.inverted,
        mask: prefixMask(prefixBits, rule.family),
        prefixBits,
        byDestination: v['--connlimit-daddr'] !== undefined,
      };
    },
    save: (o) =>
      ` --connlimit-${o.inverted ? 'upto' : 'above'} ${o.limit} --connlimit-mask ${o.prefixBits}` +
      ` --connlimit-${o.byDestination ? 'daddr' : 'saddr'}`,
    list: (o) =>
      `#conn ${o.byDestination ? 'dst' : 'src'}/${o.prefixBits} ${o.inverted ? '<=' : '>'} ${o.limit}`,
  }),
  prepare: (_, environment): ConnlimitState => ({
    conntrack: environment.conntrack,
    counter: environment.conntrack.makeConncount(),
    key: new Int32Array(5),
  }),
  evaluate: (o, p, { conntrack, counter, key }) => {
    const at = o.byDestination ? R_DADDR : R_SADDR;
    const words = p.r[R_FAMILY] === 4 ? 1 : 4;
    for (let i = 0; i < words; i++) key[i] = p.r[at + i]! & o.mask[i]!;
    const ct = p.r[R_CT]!;
    key[words] = ct >= 0 ? conntrack.zone(ct, 0) : 0;
    const connections = conntrack.conncount(counter, key, words + 1, p);
    if (connections === 0) {
      p.hotdrop = true;
      return false;
    }
    return connections > o.limit !== o.inverted;
  },
});
