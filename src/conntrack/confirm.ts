import { IPS_CONFIRMED, IPS_DYING, TUPLE_PROTO } from '../packet/conntrack-access.ts';
import { IPPROTO_GRE, IPPROTO_UDP, IPPROTO_UDPLITE, type Packet } from '../packet/packet.ts';
import { CT_IS_REPLY, R_CT, R_CTINFO, R_CTMARK, R_CTSTATUS } from '../packet/registers.ts';
import { VERDICT_ACCEPT, VERDICT_DROP, type Verdict } from '../packet/verdict.ts';
import type { ConntrackCore } from './core.ts';
import { C_MARK, C_REPLY, C_STATUS, C_TIMEOUT, RECORD_SHIFT } from './layout.ts';
import { findOwnTuple } from './lookup.ts';
import { sameTuple } from './tuple.ts';

/**
 * nf_conntrack_confirm() in net/netfilter/nf_conntrack_core.c: the packet has come through all its hooks; its
 * entry, if it is new, becomes visible to others under both tuples. Its timeout, relative so far, begins to run.
 * VERDICT_DROP when another connection has taken one of the tuples meanwhile: translations to a given port are
 * settled without asking.
 */
export function confirmConnection(core: ConntrackCore, p: Packet): Verdict {
  const r = p.r;
  const ct = r[R_CT]!;
  if (ct < 0) return VERDICT_ACCEPT;
  const { words, table } = core;
  const at = ct << RECORD_SHIFT;
  const status = words[at + C_STATUS]!;
  if ((status & IPS_CONFIRMED) !== 0 || r[R_CTINFO]! >= CT_IS_REPLY) return VERDICT_ACCEPT;
  if ((status & IPS_DYING) !== 0) return VERDICT_DROP;
  core.nowNs = p.timeNs;
  const originalHash = table.hashOf(ct, 0);
  const replyHash = table.hashOf(ct, 1);
  let clash = findOwnTuple(core, ct, 0, originalHash);
  if (clash < 0) clash = findOwnTuple(core, ct, 1, replyHash);
  if (clash >= 0) return resolveClash(core, p, ct, clash >> 1);
  core.floats[(at + C_TIMEOUT) >> 1]! += core.nowNs;
  words[at + C_STATUS] = status | IPS_CONFIRMED;
  table.insert(ct, originalHash, replyHash);
  r[R_CTSTATUS] = words[at + C_STATUS]!;
  return VERDICT_ACCEPT;
}

/**
 * nf_ct_resolve_clash(): the packet joins the connection that was faster, when both are the same and the protocol
 * allows it. (A clash in the original direction alone cannot happen where packets come one after the other.)
 */
function resolveClash(core: ConntrackCore, p: Packet, ct: number, winner: number): Verdict {
  const { words } = core;
  const at = ct << RECORD_SHIFT;
  const other = winner << RECORD_SHIFT;
  const l4proto = words[at + TUPLE_PROTO]! & 255;
  const mayMerge = l4proto === IPPROTO_UDP || l4proto === IPPROTO_UDPLITE || l4proto === IPPROTO_GRE;
  const same =
    (sameTuple(words, at, words, other) && sameTuple(words, at + C_REPLY, words, other + C_REPLY)) ||
    (sameTuple(words, at, words, other + C_REPLY) && sameTuple(words, at + C_REPLY, words, other));
  if (!mayMerge || !same) return VERDICT_DROP;
  core.releaseUnconfirmed(ct);
  p.r[R_CT] = winner;
  p.r[R_CTSTATUS] = words[other + C_STATUS]!;
  p.r[R_CTMARK] = words[other + C_MARK]!;
  return VERDICT_ACCEPT;
}
