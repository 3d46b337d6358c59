import { defineMatch } from '../extension/define.ts';
import { defineSyntax } from '../extension/syntax.ts';
import { string, uint32 } from '../extension/values.ts';

interface OsfOptions {
  readonly genre: string;
  readonly inverted: boolean;
  readonly ttl: number | undefined;
  readonly log: number | undefined;
}

/** MAXGENRELEN - 1. */
const GENRE_BYTES = 31;

/**
 * `-m osf`: the operating system that a SYN packet looks to be from. The fingerprints are loaded into the kernel by
 * nfnl_osf and stand in no dump: none are taken to be loaded, and then nothing matches, inverted or not.
 * Linux: net/netfilter/xt_osf.c, xt_osf_match_packet(); net/netfilter/nfnetlink_osf.c, nf_osf_match().
 */
export const osf = defineMatch<OsfOptions>({
  name: 'osf',
  families: [4],
  hooks: ['PREROUTING', 'INPUT', 'FORWARD'],
  scope: 'connection',
  reads: [],
  syntax: defineSyntax({
    protocol: 6,
    options: {
      '--genre': string({ mandatory: true, invertible: true, cut: GENRE_BYTES }),
      '--ttl': uint32({ max: 2 }),
      '--log': uint32({ max: 2 }),
    },
    build: (v): OsfOptions => ({
      genre: v['--genre']!.value,
      inverted: v['--genre']!.inverted,
      ttl: v['--ttl']?.value,
      log: v['--log']?.value,
    }),
    save: (o) =>
      `${o.inverted ? ' !' : ''} --genre ${o.genre}` +
      (o.ttl === undefined ? '' : ` --ttl ${o.ttl}`) +
      (o.log === undefined ? '' : ` --log ${o.log}`),
    list: (o) => `OS fingerprint match ${o.inverted ? '! ' : ''}${o.genre}`,
  }),
  prepare: (_, environment) => {
    environment.assume(
      'osf: the fingerprints that nfnl_osf loads are not known; none are taken to be loaded, and -m osf never matches.',
    );
    return undefined;
  },
  evaluate: () => false,
  compile: (_, e) => {
    e.never();
    return true;
  },
});
