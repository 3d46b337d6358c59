import type { Columns } from '../batch/batch.ts';
import { PLAIN_ECHO4, PLAIN_ECHO6, PLAIN_TCP4, PLAIN_TCP6, PLAIN_UDP4, PLAIN_UDP6 } from '../batch/layout.ts';
import {
  IPS_CONFIRMED,
  TUPLE_DADDR,
  TUPLE_DPORT,
  TUPLE_PROTO,
  TUPLE_SADDR,
  TUPLE_SPORT,
  TUPLE_WORDS,
} from '../packet/conntrack-access.ts';
import { HOOK_PREROUTING } from '../packet/registers.ts';
import { type ConntrackCore, TRACK_ACCEPT } from './core.ts';
import { sweep } from './expire.ts';
import { icmpPacket, icmpv6Packet } from './icmp.ts';
import { INVALID_NONE } from './invalid.ts';
import { C_REPLY, C_STATUS, C_TIMEOUT, RECORD_SHIFT } from './layout.ts';
import { findDefault, findOwnTuple } from './lookup.ts';
import { tcpPacket } from './tcp.ts';
import { invertTuple, protoWord, tupleHash } from './tuple.ts';
import { udpPacket } from './udp.ts';

const original = new Int32Array(TUPLE_WORDS);
const reply = new Int32Array(TUPLE_WORDS);

/**
 * Row `i`, which is plain (PLAIN_*), begins a connection for certain: a SYN, a datagram or an echo request, in the default
 * zone, of a tuple that the table does not have. Then `beginRow` may follow, or the packet may be dropped: it leaves
 * nothing behind.
 */
export function isFirstRow(core: ConntrackCore, c: Columns, i: number): boolean {
  switch (c.plain[i]) {
    case PLAIN_TCP4:
    case PLAIN_TCP6:
      if ((c.tcpFlags[i]! & KIND_FLAGS) !== SYN) return false;
      break;
    case PLAIN_UDP4:
    case PLAIN_UDP6:
      break;
    case PLAIN_ECHO4:
      if (c.dport[i]! >> 8 !== ECHO_REQUEST) return false;
      break;
    case PLAIN_ECHO6:
      if (c.dport[i]! >> 8 !== ECHO_REQUEST6) return false;
      break;
    default:
      return false;
  }
  const a = 4 * i;
  for (let k = 0; k < 4; k++) {
    original[TUPLE_SADDR + k] = c.saddr[a + k]!;
    original[TUPLE_DADDR + k] = c.daddr[a + k]!;
  }
  original[TUPLE_SPORT] = c.sport[i]!;
  original[TUPLE_DPORT] = c.dport[i]!;
  original[TUPLE_PROTO] = protoWord(c.l4proto[i]!, c.family[i]!);
  core.nowNs = c.timeNs[i]!;
  return findDefault(core, original, 0, c.tupleHash[i]!) < 0;
}

/**
 * The connection that row `i` begins, of which isFirstRow has just spoken, entered into the table as if the packet had come
 * through all hooks and no rule had changed anything: Tracker.track, and confirmConnection. `status`: IPS_* bits that
 * the hooks have set (IPS_SRC_NAT_DONE, IPS_DST_NAT_DONE). Gives its record, or -1 where that needs a closer look; nothing has been
 * done then.
 */
export function beginRow(core: ConntrackCore, c: Columns, view: DataView, i: number, status: number): number {
  if (!invertTuple(reply, 0, original, 0)) return -1;
  const replyHash = tupleHash(reply, 0, reply[TUPLE_SPORT]!, reply[TUPLE_DPORT]!, reply[TUPLE_PROTO]!, 0);
  if (findDefault(core, reply, 0, replyHash) >= 0) return -1;
  const ct = openInverted(core, c, view, i);
  if (ct >= 0) enter(core, ct, c.tupleHash[i]!, replyHash, status);
  return ct;
}

/**
 * The same connection, but not yet confirmed: nothing of it is in the table. Its record, or -1. `enterRow` or
 * ConntrackCore.releaseUnconfirmed must follow.
 */
export function openRow(core: ConntrackCore, c: Columns, view: DataView, i: number): number {
  return invertTuple(reply, 0, original, 0) ? openInverted(core, c, view, i) : -1;
}

/**
 * Enters `ct`, which openRow has opened for row `i` and whose translation is settled, with `status` as beginRow has it; false, and
 * nothing is done, when another connection has the tuple of its answers.
 */
export function enterRow(core: ConntrackCore, c: Columns, i: number, ct: number, status: number): boolean {
  const replyHash = core.table.hashOf(ct, 1);
  if (findOwnTuple(core, ct, 1, replyHash) >= 0) return false;
  enter(core, ct, c.tupleHash[i]!, replyHash, status);
  return true;
}

function openInverted(core: ConntrackCore, c: Columns, view: DataView, i: number): number {
  const { table, words } = core;
  core.lastInvalidReason = INVALID_NONE;
  sweep(core);
  const ct = table.allocateRecord();
  if (ct < 0) return -1;
  const at = ct << RECORD_SHIFT;
  for (let k = 0; k <= TUPLE_PROTO; k++) {
    words[at + k] = original[k]!;
    words[at + C_REPLY + k] = reply[k]!;
  }
  if (handle(core, ct, c, view, i) === TRACK_ACCEPT) return ct;
  core.releaseUnconfirmed(ct);
  return -1;
}

/** Its timeout, relative so far, begins to run. */
function enter(core: ConntrackCore, ct: number, hash: number, replyHash: number, status: number): void {
  const at = ct << RECORD_SHIFT;
  core.floats[(at + C_TIMEOUT) >> 1]! += core.nowNs;
  core.words[at + C_STATUS]! |= IPS_CONFIRMED | status;
  core.table.insert(ct, hash, replyHash);
}

function handle(core: ConntrackCore, ct: number, c: Columns, view: DataView, i: number): number {
  const l3 = c.l3Offset[i]!;
  const l4 = c.l4Offset[i]!;
  const lengthBytes = c.length[i]!;
  const l4Length = lengthBytes - (l4 - l3);
  const end = l3 + c.l3CapLen[i]!;
  switch (c.plain[i]) {
    case PLAIN_TCP4:
    case PLAIN_TCP6:
      return tcpPacket(
        core,
        ct,
        0,
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
        HOOK_PREROUTING,
      );
    case PLAIN_UDP4:
    case PLAIN_UDP6:
      return udpPacket(core, ct, 0, c.checksum[i]!, view, l4, end, l4Length, lengthBytes, HOOK_PREROUTING);
    case PLAIN_ECHO4:
      return icmpPacket(core, ct, 0, lengthBytes);
    default:
      return icmpv6Packet(core, ct, 0, lengthBytes);
  }
}

/** FIN, SYN, RST, ACK, URG. */
const KIND_FLAGS = 0x37;
const SYN = 2;
const ECHO_REQUEST = 8;
const ECHO_REQUEST6 = 128;
