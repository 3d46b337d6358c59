import { defineMatch } from '../extension/define.ts';
import { defineSyntax } from '../extension/syntax.ts';
import { string } from '../extension/values.ts';

/** NFACCT_NAME_MAX less the ending NUL. */
const NAME_BYTES = 31;

/**
 * `-m nfacct`: has an accounting object count the packet, and matches; an object with a quota matches only when that
 * is used up. HOST does not hold the objects: they are taken to have none. Linux: net/netfilter/xt_nfacct.c,
 * nfacct_mt(); net/netfilter/nfnetlink_acct.c, nfnl_acct_overquota().
 */
export const nfacct = defineMatch<string>({
  name: 'nfacct',
  families: [4, 6],
  scope: 'connection',
  reads: [],
  syntax: defineSyntax({
    options: { '--nfacct-name': string({ mandatory: true, minLength: 1, cut: NAME_BYTES }) },
    build: (v): string => v['--nfacct-name']!.value,
    // iptables prints two blanks, and no quotes.
    save: (name) => ` --nfacct-name  ${name}`,
    list: (name) => `nfacct-name  ${name}`,
  }),
  prepare: (_, environment) => {
    environment.assume(
      'nfacct: accounting objects are not in HOST; they are taken to have no quota, so that rules match whatever they have counted.',
    );
    return undefined;
  },
  evaluate: () => true,
  compile: () => true,
});
