import { mix32 } from '../base/hash.ts';
import type { Flow } from './rule.ts';

/**
 * The choice among the nexthops of a multipath route.
 *
 * The kernel hashes the addresses (fib_multipath_hash_policy 0) or the five-tuple (1) with a secret of the running
 * machine (fib_multipath_hash(), rt6_multipath_hash()), so its choice cannot be known. The rule here: a hash of the
 * same fields without a secret, spread over the weights. It is the same for every packet of a flow, as the kernel's is,
 * and the same in every run.
 */
export function multipathHash(flow: Flow, wordCount: number, policy: number): number {
  let h = 0x2545f491;
  for (let i = 0; i < wordCount; i++) {
    h = mix32(h ^ flow.saddrWords[flow.saddrAt + i]!);
    h = mix32(h + Math.imul(flow.daddrWords[flow.daddrAt + i]!, 0x9e3779b1));
  }
  if (policy === 1) h = mix32(h ^ mix32((flow.sport << 16) ^ flow.dport ^ (flow.l4proto << 8)));
  return h >>> 0;
}

/** Index of the nexthop whose share of the weights the hash falls into. Dead nexthops have weight 0. */
export function pickByWeight(hash: number, weights: ArrayLike<number>, count: number): number {
  let total = 0;
  for (let i = 0; i < count; i++) total += weights[i]!;
  if (total === 0) return 0;
  let point = Math.floor((hash / 4294967296) * total);
  for (let i = 0; i < count; i++) {
    if (point < weights[i]!) return i;
    point -= weights[i]!;
  }
  return count - 1;
}
