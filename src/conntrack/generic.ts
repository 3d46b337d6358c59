import { IPS_ASSURED, IPS_NAT_CLASH, IPS_SEEN_REPLY } from '../packet/conntrack-access.ts';
import { type ConntrackCore, TRACK_ACCEPT, type Tracked } from './core.ts';
import { C_STATUS, RECORD_SHIFT } from './layout.ts';

/**
 * Whatever has no tracker of its own, told by its addresses and protocol alone: generic_packet() in
 * net/netfilter/nf_conntrack_core.c. DCCP is one of these since Linux 6.16.
 */
export function genericPacket(core: ConntrackCore, ct: number, dir: number, lengthBytes: number): Tracked {
  core.refresh(ct, dir, core.timeoutsOf(ct).generic, lengthBytes);
  return TRACK_ACCEPT;
}

/** GRE: nf_conntrack_gre_packet() in net/netfilter/nf_conntrack_proto_gre.c. */
export function grePacket(core: ConntrackCore, ct: number, dir: number, lengthBytes: number): Tracked {
  const at = (ct << RECORD_SHIFT) + C_STATUS;
  const status = core.words[at]!;
  const seenReply = (status & IPS_SEEN_REPLY) !== 0;
  const timeouts = core.timeoutsOf(ct);
  core.refresh(ct, dir, seenReply ? timeouts.greStream : timeouts.gre, lengthBytes);
  if (seenReply && (status & IPS_NAT_CLASH) === 0) core.words[at]! |= IPS_ASSURED;
  return TRACK_ACCEPT;
}
