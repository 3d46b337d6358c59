import { defineMatch } from '../extension/define.ts';
import { defineSyntax } from '../extension/syntax.ts';
import { quote, string } from '../extension/values.ts';
import { type ConntrackAccess, IPS_EXPECTED } from '../packet/conntrack-access.ts';
import { R_CT } from '../packet/registers.ts';

interface HelperOptions {
  /** Empty for any. */
  readonly name: string;
  readonly inverted: boolean;
}

/** sizeof(xt_helper_info.name) - 1. */
const NAME_BYTES = 29;

/**
 * `-m helper`: the connection was expected by the helper of another one, as data connections of FTP are. Linux:
 * net/netfilter/xt_helper.c, helper_mt().
 */
export const helper = defineMatch<HelperOptions, ConntrackAccess>({
  name: 'helper',
  families: [4, 6],
  bringsConntrack: true,
  scope: 'connection',
  reads: ['ct'],
  syntax: defineSyntax({
    options: { '--helper': string({ mandatory: true, invertible: true, cut: NAME_BYTES }) },
    build: (v): HelperOptions => ({ name: v['--helper']!.value, inverted: v['--helper']!.inverted }),
    save: (o) => `${o.inverted ? ' !' : ''} --helper ${quote(o.name)}`,
    list: (o) => `helper match ${o.inverted ? '! ' : ''}"${o.name}"`,
  }),
  prepare: (_, environment) => environment.conntrack,
  evaluate: (o, p, conntrack) => {
    const ct = p.r[R_CT]!;
    // Only connections with a master are asked about: the control connection itself does not match.
    if (ct < 0 || (conntrack.status(ct) & IPS_EXPECTED) === 0) return o.inverted;
    const name = conntrack.helperName(ct);
    if (name === undefined) return o.inverted;
    return (o.name === '' || o.name.startsWith(name)) !== o.inverted;
  },
});
