import { defineMatch } from '../extension/define.ts';
import { strtoui } from '../extension/numbers.ts';
import { defineSyntax, type OptionCall } from '../extension/syntax.ts';
import { custom, flag } from '../extension/values.ts';
import { type ConntrackAccess, IPS_TEMPLATE } from '../packet/conntrack-access.ts';
import { R_CT } from '../packet/registers.ts';

interface ConnlabelOptions {
  readonly bit: number;
  readonly set: boolean;
  readonly inverted: boolean;
}

/** XT_CONNLABEL_MAXBIT + 1. */
const LABELS = 128;

function parseLabel(text: string, call: OptionCall): number {
  return (
    strtoui(text, 0, 0xffff) ??
    call.fail(
      `label '${text}' not found or invalid value`,
      'Names of labels are those of /etc/xtables/connlabel.conf on the machine: write the number.',
    )
  );
}

/**
 * `-m connlabel`: one of the 128 labels of the connection; `--set` sets it. Linux: net/netfilter/xt_connlabel.c,
 * connlabel_mt(); net/netfilter/nf_conntrack_labels.c, nf_connlabels_get().
 */
export const connlabel = defineMatch<ConnlabelOptions, ConntrackAccess>({
  name: 'connlabel',
  families: [4, 6],
  bringsConntrack: true,
  // A label may be set by any packet of the connection before this one.
  scope: 'global',
  reads: ['ct'],
  syntax: defineSyntax({
    options: { '--label': custom(parseLabel, { mandatory: true, invertible: true }), '--set': flag() },
    build: (v): ConnlabelOptions => ({
      bit: v['--label']!.value,
      set: v['--set'] !== undefined,
      inverted: v['--label']!.inverted,
    }),
    save: (o) => `${o.inverted ? ' !' : ''} --label "${o.bit}"${o.set ? ' --set' : ''}`,
    list: (o) => `connlabel ${o.inverted ? '! ' : ''}${o.bit}${o.set ? ' set' : ''}`,
    kernelCheck: (o) => (o.bit >= LABELS ? 'xt_connlabel: there are 128 labels, from 0 to 127' : undefined),
  }),
  prepare: (_, environment) => environment.conntrack,
  evaluate: (o, p, conntrack) => {
    const ct = p.r[R_CT]!;
    // A template of the CT target has no room for labels.
    if (ct < 0 || (conntrack.status(ct) & IPS_TEMPLATE) !== 0) return o.inverted;
    if (conntrack.label(ct, o.bit)) return !o.inverted;
    if (!o.set) return o.inverted;
    conntrack.setLabel(ct, o.bit);
    return !o.inverted;
  },
});
