import { DROP_REASONS } from '../decode/drop-reasons.ts';
import { STACK_REASONS } from '../netfilter/outcome.ts';

export interface StackReason {
  /** For machines: `no-route`. */
  readonly name: string;
  /** For people, to stand behind a colon: `no route to the destination`. */
  readonly sentence: string;
}

const reasons = new Map<number, StackReason>(
  Object.entries(STACK_REASONS).map(([code, reason]) => [Number(code), reason]),
);
for (const { code, name, sentence } of DROP_REASONS) {
  reasons.set(code, {
    name,
    sentence: sentence.charAt(0).toLowerCase() + sentence.slice(1).replace(/\.$/, ''),
  });
}

/** Why the network stack dropped a packet: what a code of the `reason` column means. */
export function stackReason(code: number): StackReason {
  return reasons.get(code) ?? { name: `reason-${code}`, sentence: `reason ${code}` };
}
