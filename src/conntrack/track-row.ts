import type { Columns } from '../batch/batch.ts';
import { NO_OFFSET } from '../batch/layout.ts';
import { IPS_EXPECTED, IPS_SEEN_REPLY, TUPLE_WORDS } from '../packet/conntrack-access.ts';
import { IPPROTO_TCP, IPPROTO_UDP } from '../packet/packet.ts';
import { CT_ESTABLISHED, CT_ESTABLISHED_REPLY, CT_NEW, CT_RELATED } from '../packet/registers.ts';
import { type ConntrackCore, TRACK_ACCEPT, TRACK_DROP, TRACK_REPEAT } from './core.ts';
import { INVALID_NONE } from './invalid.ts';
import { C_STATUS, RECORD_SHIFT } from './layout.ts';
import { tcpPacket } from './tcp.ts';
import { protoWord } from './tuple.ts';
import { udpPacket } from './udp.ts';

/** What `trackRow` says, other than record << 3 | CT_*. */
export const ROW_NOT_HANDLED = -1;
export const ROW_INVALID = -2;
export const ROW_DROPPED = -3;

const tuple = new Int32Array(TUPLE_WORDS);

/**
 * Conntrack for row `i` of a decoded batch, from its columns alone and with no Packet, for the packets that most
 * packets are: TCP and UDP, whole, in no zone, of a confirmed connection. Gives record << 3 | CT_*; ROW_INVALID or
 * ROW_DROPPED (with lastInvalidReason); or ROW_NOT_HANDLED, and then the packet has to go through Tracker.track,
 * of which nothing has been done yet (but that the old entry is gone where a closed connection is begun anew).
 *
 * For rows at whose hook nothing was done before: no template, no CT_UNTRACKED, no attached connection, no
 * register that differs from its column.
 */
export function trackRow(core: ConntrackCore, c: Columns, view: DataView, i: number, hook: number): number {
  const l4proto = c.l4proto[i]!;
  const l4 = c.l4Offset[i]!;
  if ((l4proto !== IPPROTO_TCP && l4proto !== IPPROTO_UDP) || l4 === NO_OFFSET || c.fragOffset[i] !== 0) {
    return ROW_NOT_HANDLED;
  }
  const l3 = c.l3Offset[i]!;
  const lengthBytes = c.length[i]!;
  const l4Length = lengthBytes - (l4 - l3);
  const end = l3 + c.l3CapLen[i]!;
  // Headers that are not all there are for the slow way.
  const headerBytes = l4proto === IPPROTO_TCP ? 20 : 8;
  if (l4Length < headerBytes || l4 + headerBytes > end) return ROW_NOT_HANDLED;
  core.nowNs = c.timeNs[i]!;
  core.lastInvalidReason = INVALID_NONE;
  const found = findRow(core, c, i, l4proto);
  if (found < 0 || core.isExpired(found >> 1)) return ROW_NOT_HANDLED;
  const ct = found >> 1;
  const dir = found & 1;
  const statusAt = (ct << RECORD_SHIFT) + C_STATUS;
  const status = core.words[statusAt]!;
  const tracked =
    l4proto === IPPROTO_TCP
      ? tcpPacket(
          core,
          ct,
          dir,
          c.tcpFlags[i]!,
          c.tcpSeq[i]! | 0,
          c.tcpAck[i]! | 0,
          c.tcpWindow[i]!,
          c.checksum[i]!,
          view,
          l4,
          end,
          l4Length,
          lengthBytes,
          hook,
        )
      : udpPacket(core, ct, dir, c.checksum[i]!, view, l4, end, l4Length, lengthBytes, hook);
  if (tracked !== TRACK_ACCEPT) {
    if (tracked === TRACK_REPEAT) return ROW_NOT_HANDLED;
    return tracked === TRACK_DROP ? ROW_DROPPED : ROW_INVALID;
  }
  if (dir === 1) {
    if ((status & IPS_SEEN_REPLY) === 0) core.words[statusAt]! |= IPS_SEEN_REPLY;
    return (ct << 3) | CT_ESTABLISHED_REPLY;
  }
  if ((status & IPS_SEEN_REPLY) !== 0) return (ct << 3) | CT_ESTABLISHED;
  return (ct << 3) | ((status & IPS_EXPECTED) !== 0 ? CT_RELATED : CT_NEW);
}

/** ConntrackTable.find for row `i`, in the default zone. */
function findRow(core: ConntrackCore, c: Columns, i: number, l4proto: number): number {
  const family = c.family[i]!;
  const proto = protoWord(l4proto, family);
  const a = 4 * i;
  if (family === 4) {
    return core.table.find4(c.saddr[a]!, c.daddr[a]!, c.sport[i]!, c.dport[i]!, proto, c.tupleHash[i]!);
  }
  for (let k = 0; k < 4; k++) {
    tuple[k] = c.saddr[a + k]!;
    tuple[4 + k] = c.daddr[a + k]!;
  }
  return core.table.find(tuple, 0, c.sport[i]!, c.dport[i]!, proto, 0, c.tupleHash[i]!);
}
