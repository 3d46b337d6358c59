import { CHECKSUM_BAD, CHECKSUM_GOOD } from '../batch/layout.ts';
import { internetSum } from '../decode/internet-checksum.ts';
import { IPS_ASSURED, IPS_CONFIRMED, IPS_NAT_CLASH, IPS_SEEN_REPLY } from '../packet/conntrack-access.ts';
import { IPPROTO_UDP } from '../packet/packet.ts';
import { HOOK_PREROUTING, R_CHECKSUM, R_SADDR } from '../packet/registers.ts';
import { type ConntrackCore, TRACK_ACCEPT, TRACK_INVALID, type Tracked } from './core.ts';
import {
  INVALID_CHECKSUM,
  INVALID_SHORT,
  INVALID_TRUNCATED,
  INVALID_UDPLITE_CHECKSUM_MISSING,
  INVALID_UDPLITE_COVERAGE,
} from './invalid.ts';
import { C_STATUS, C_UDP_STREAM, RECORD_SHIFT } from './layout.ts';
import { SECOND_NS } from './timeouts.ts';

/** After how long a connection with traffic both ways counts as a stream. */
export const STREAM_AFTER_NS = 2 * SECOND_NS;

/**
 * UDP: nf_conntrack_udp_packet() in net/netfilter/nf_conntrack_proto_udp.c. `l4` and `end` are offsets in `view`
 * of the UDP header and behind the last captured byte; `l4Length` is what the IP header leaves for UDP.
 */
export function udpPacket(
  core: ConntrackCore,
  ct: number,
  dir: number,
  checksum: number,
  view: DataView,
  l4: number,
  end: number,
  l4Length: number,
  lengthBytes: number,
  hook: number,
): Tracked {
  if (l4Length < 8) return invalid(core, INVALID_SHORT);
  if (l4 + 8 <= end) {
    const udpLength = view.getUint16(l4 + 4);
    if (udpLength > l4Length || udpLength < 8) return invalid(core, INVALID_TRUNCATED);
    const hasChecksum = view.getUint16(l4 + 6) !== 0;
    if (hasChecksum && hook === HOOK_PREROUTING && core.verifyChecksums && checksum === CHECKSUM_BAD) {
      return invalid(core, INVALID_CHECKSUM);
    }
  }
  const at = ct << RECORD_SHIFT;
  const { words, floats } = core;
  const timeouts = core.timeoutsOf(ct);
  const status = words[at + C_STATUS]!;
  if ((status & IPS_CONFIRMED) === 0) floats[(at + C_UDP_STREAM) >> 1] = core.nowNs + STREAM_AFTER_NS;
  if ((status & IPS_SEEN_REPLY) === 0) {
    core.refresh(ct, dir, timeouts.udp, lengthBytes);
    return TRACK_ACCEPT;
  }
  const isStream = core.nowNs > floats[(at + C_UDP_STREAM) >> 1]!;
  core.refresh(ct, dir, isStream ? timeouts.udpStream : timeouts.udp, lengthBytes);
  if (isStream && (status & IPS_NAT_CLASH) === 0) words[at + C_STATUS]! |= IPS_ASSURED;
  return TRACK_ACCEPT;
}

/**
 * UDP-Lite: nf_conntrack_udplite_packet(), in the same file; its stream begins with the first answer.
 *
 * Its checksum is verified with the protocol number of UDP in the pseudo header (udplite_error() gives
 * nf_checksum_partial() IPPROTO_UDP), so that what RFC 3828 calls right is INVALID, and the other way round: asked
 * of Linux 6.18. A checksum that nobody verified (unknown, or left to the network card) passes.
 */
export function udplitePacket(
  core: ConntrackCore,
  ct: number,
  dir: number,
  r: Int32Array,
  view: DataView,
  l4: number,
  end: number,
  l4Length: number,
  lengthBytes: number,
  hook: number,
): Tracked {
  if (l4Length < 8) return invalid(core, INVALID_SHORT);
  if (l4 + 8 <= end) {
    const coverage = view.getUint16(l4 + 4);
    if (coverage !== 0 && (coverage < 8 || coverage > l4Length)) {
      return invalid(core, INVALID_UDPLITE_COVERAGE);
    }
    if (view.getUint16(l4 + 6) === 0) return invalid(core, INVALID_UDPLITE_CHECKSUM_MISSING);
    const judged = r[R_CHECKSUM] === CHECKSUM_GOOD || r[R_CHECKSUM] === CHECKSUM_BAD;
    if (judged && hook === HOOK_PREROUTING && core.verifyChecksums) {
      const covered = coverage === 0 ? l4Length : coverage;
      if (l4 + covered <= end && !passesAsUdp(r, view, l4, covered, l4Length)) {
        return invalid(core, INVALID_CHECKSUM);
      }
    }
  }
  const at = ct << RECORD_SHIFT;
  const status = core.words[at + C_STATUS]!;
  const seenReply = (status & IPS_SEEN_REPLY) !== 0;
  const timeouts = core.timeoutsOf(ct);
  core.refresh(ct, dir, seenReply ? timeouts.udpStream : timeouts.udp, lengthBytes);
  if (seenReply && (status & IPS_NAT_CLASH) === 0) core.words[at + C_STATUS]! |= IPS_ASSURED;
  return TRACK_ACCEPT;
}

/** Whether the bytes covered, and a pseudo header that says UDP, add up to nothing. */
function passesAsUdp(r: Int32Array, view: DataView, l4: number, covered: number, l4Length: number): boolean {
  let sum = IPPROTO_UDP + l4Length;
  for (let i = 0; i < 8; i++) sum += (r[R_SADDR + i]! >>> 16) + (r[R_SADDR + i]! & 0xffff);
  sum = internetSum(view, l4, covered, sum);
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 65536);
  return sum === 0xffff;
}

function invalid(core: ConntrackCore, reason: number): Tracked {
  core.lastInvalidReason = reason;
  return TRACK_INVALID;
}
