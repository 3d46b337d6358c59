import { OUTCOME_LOOPED, OUTCOME_STACK, OUTCOMES } from '../netfilter/outcome.ts';
import { HOOK_NAMES } from '../packet/registers.ts';
import { describeDecider } from './decider.ts';
import type { PacketContext } from './packet-context.ts';
import { stackReason } from './stack-reason.ts';

/** How a packet ended: values of the outcome columns of its row. */
export interface PacketEnd {
  readonly outcome: number;
  readonly reason: number;
  readonly hook: number;
  /** Counter id, -1 when no rule or policy decided. */
  readonly decider: number;
}

/** One sentence: `dropped in FORWARD by filter lan-wan rule 4: -A lan-wan -p udp -m udp --dport 137:139 -j DROP`. */
export function packetComment(end: PacketEnd, context: PacketContext): string {
  const { sentence } = OUTCOMES[end.outcome]!;
  const decider = end.decider < 0 ? undefined : describeDecider(context.decider(end.decider));
  if (end.outcome <= OUTCOME_LOOPED)
    return decider === undefined ? sentence : `${sentence}, accepted by ${decider}`;
  const hookName = HOOK_NAMES[end.hook];
  const where = hookName === undefined ? '' : ` in ${hookName}`;
  if (end.outcome === OUTCOME_STACK) return `${sentence}${where}: ${stackReason(end.reason).sentence}`;
  return decider === undefined ? `${sentence}${where}` : `${sentence}${where} by ${decider}`;
}
