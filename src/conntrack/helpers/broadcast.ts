import { IPPROTO_UDP } from '../../packet/packet.ts';
import { HOOK_POSTROUTING, R_DADDR, R_HOOK, R_IIF, R_OIF } from '../../packet/registers.ts';
import { EXPECT_PERMANENT } from '../expect.ts';
import type { HelperCall } from '../helper.ts';
import { SECOND_NS } from '../timeouts.ts';

/**
 * nf_conntrack_broadcast_help() in net/netfilter/nf_conntrack_broadcast.c: this host asks a whole network, and whoever
 * of it answers belongs to the question.
 */
export function expectAnswers(call: HelperCall, timeoutSeconds: number): void {
  const { r } = call.p;
  // Made by this host: skb->sk.
  if (r[R_HOOK] !== HOOK_POSTROUTING || r[R_IIF] !== 0 || call.dir !== 0) return;
  if (call.host.addressType(4, r, R_DADDR, 0) !== 'BROADCAST') return;
  const mask = call.host.broadcastMask(r[R_OIF]!, r[R_DADDR]!);
  if (mask === 0) return;
  const { port } = call.helper;
  const expectation = call.expectation(0, IPPROTO_UDP, call.saddr(1), call.daddr(1), port, call.dport(1));
  expectation.maskSaddr.fill(0);
  expectation.maskSaddr[0] = mask;
  expectation.flags = EXPECT_PERMANENT;
  call.expectations.related(expectation);
  call.core.refreshTimeout(call.ct, timeoutSeconds * SECOND_NS);
}
