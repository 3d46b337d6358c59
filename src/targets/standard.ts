import { defineTarget, type TargetDefinition } from '../extension/define.ts';
import { noOptions } from '../extension/syntax.ts';
import {
  VERDICT_ACCEPT,
  VERDICT_DROP,
  VERDICT_QUEUE,
  VERDICT_RETURN,
  type Verdict,
} from '../packet/verdict.ts';

/** The targets that are a verdict and nothing else. Linux: net/ipv4/netfilter/ip_tables.c, ipt_do_table(). */
function standard(name: string, verdict: Verdict): TargetDefinition<null, undefined> {
  return defineTarget<null>({
    name,
    families: [4, 6],
    scope: 'connection',
    reads: [],
    writes: [],
    syntax: noOptions(),
    apply: () => verdict,
  });
}

export const accept = standard('ACCEPT', VERDICT_ACCEPT);
export const drop = standard('DROP', VERDICT_DROP);
export const queue = standard('QUEUE', VERDICT_QUEUE);
export const returnTarget = standard('RETURN', VERDICT_RETURN);

/** Whether a target is one of these: the kernel's "standard" target, which ends the search for reachable rules. */
export function isStandard(target: TargetDefinition): boolean {
  return target === accept || target === drop || target === queue || target === returnTarget;
}
