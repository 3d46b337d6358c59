import { defineMatch } from '../extension/define.ts';
import { defineSyntax } from '../extension/syntax.ts';
import type { Masked } from '../extension/values.ts';
import type { Host } from '../host/types.ts';
import { R_IIF, R_OIF } from '../packet/registers.ts';
import { listNamed, namedMask, saveNamed } from './group.ts';

interface Side extends Masked {
  readonly inverted: boolean;
}

interface DevgroupOptions {
  readonly source: Side | undefined;
  readonly destination: Side | undefined;
}

/** Hooks that have no such interface: the kernel refuses a rule that can be reached from them. */
const WITHOUT_IN = ['OUTPUT', 'POSTROUTING'];
const WITHOUT_OUT = ['PREROUTING', 'INPUT'];
/** /etc/iproute2/group. */
const NAMES = { default: 0 };

/** `-m devgroup`: the group of an interface (ip link set … group). Linux: net/netfilter/xt_devgroup.c, devgroup_mt(). */
export const devgroup = defineMatch<DevgroupOptions, Host>({
  name: 'devgroup',
  families: [4, 6],
  scope: 'connection',
  reads: ['iif', 'oif'],
  syntax: defineSyntax({
    options: { '--src-group': namedMask(NAMES), '--dst-group': namedMask(NAMES) },
    finalCheck: (v, rule) => {
      if (Object.keys(v).length === 0) {
        rule.fail("devgroup match: You must specify either '--src-group' or '--dst-group'");
      }
    },
    build: (v): DevgroupOptions => ({
      source: v['--src-group'] && { ...v['--src-group'].value, inverted: v['--src-group'].inverted },
      destination: v['--dst-group'] && { ...v['--dst-group'].value, inverted: v['--dst-group'].inverted },
    }),
    save: (o) => format(o, ' --', (side) => saveNamed(side, NAMES)),
    list: (o) => format(o, ' ', listNamed).trim(),
    kernelCheck: (o, rule) => {
      if (o.source !== undefined && rule.hooks.some((hook) => WITHOUT_IN.includes(hook))) {
        return 'xt_devgroup: --src-group in a chain whose packets have no incoming interface';
      }
      if (o.destination !== undefined && rule.hooks.some((hook) => WITHOUT_OUT.includes(hook))) {
        return 'xt_devgroup: --dst-group in a chain whose packets have no outgoing interface';
      }
      return undefined;
    },
  }),
  prepare: (_, environment) => environment.host,
  evaluate: (o, p, host) => isIn(o.source, p.r[R_IIF]!, host) && isIn(o.destination, p.r[R_OIF]!, host),
});

function isIn(side: Side | undefined, id: number, host: Host): boolean {
  if (side === undefined) return true;
  const group = id === 0 ? 0 : host.interfaces[id]!.group;
  // (group ^ wanted) & mask: bits outside the mask are not looked at.
  return (((group ^ side.value) & side.mask) === 0) !== side.inverted;
}

function format(o: DevgroupOptions, head: string, show: (side: Masked) => string): string {
  const one = (name: string, side: Side | undefined) =>
    side === undefined ? '' : `${side.inverted ? ' !' : ''}${head}${name} ${show(side)}`;
  return one('src-group', o.source) + one('dst-group', o.destination);
}
