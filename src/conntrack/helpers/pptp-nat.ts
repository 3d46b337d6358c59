import { address, manglePayload } from '../../nat/helper.ts';
import type { Nat } from '../../nat/nat.ts';
import {
  IPS_DST_NAT,
  IPS_SRC_NAT,
  MANIP_DST,
  MANIP_SRC,
  NAT_PROTO_SPECIFIED,
  TUPLE_DADDR,
  TUPLE_DPORT,
  TUPLE_PROTO,
  TUPLE_SADDR,
  TUPLE_SPORT,
  TUPLE_WORDS,
} from '../../packet/conntrack-access.ts';
import { IPPROTO_GRE, type Packet } from '../../packet/packet.ts';
import { VERDICT_ACCEPT, VERDICT_DROP, type Verdict } from '../../packet/verdict.ts';
import { type Expectation, zoneId } from '../expect.ts';
import type { HelperCall } from '../helper.ts';
import { C_STATUS, RECORD_SHIFT, REPLY_STRIDE } from '../layout.ts';
import { invertTuple, protoWord } from '../tuple.ts';
import {
  CALL_CLEAR_REQUEST,
  CALL_DISCONNECT_NOTIFY,
  HEADER_BYTES,
  IN_CALL_CONNECT,
  IN_CALL_REPLY,
  OUT_CALL_REPLY,
  OUT_CALL_REQUEST,
  type PptpMemory,
  SET_LINK_INFO,
  WAN_ERROR_NOTIFY,
} from './pptp.ts';

/**
 * PPTP through NAT: the client's call gets the number of the port that its control connection has outside, so that the
 * calls of several clients are told apart. net/ipv4/netfilter/nf_nat_pptp.c.
 */

/** pptp_outbound_pkt(). */
export function translateOutbound(call: HelperCall, memory: PptpMemory, type: number): Verdict {
  if (type === OUT_CALL_REQUEST) {
    memory.innerPnsCallId = memory.pnsCallId;
    memory.pnsCallId = call.dport(1);
  } else if (type !== IN_CALL_REPLY && type !== CALL_CLEAR_REQUEST) return VERDICT_ACCEPT;
  return writeCallId(call, 0, memory.pnsCallId);
}

/** pptp_inbound_pkt(): the client is told its own number again. */
export function translateInbound(call: HelperCall, memory: PptpMemory, type: number): Verdict {
  switch (type) {
    case OUT_CALL_REPLY:
      return writeCallId(call, 2, memory.innerPnsCallId);
    case IN_CALL_CONNECT:
    case WAN_ERROR_NOTIFY:
    case CALL_DISCONNECT_NOTIFY:
    case SET_LINK_INFO:
      return writeCallId(call, 0, memory.innerPnsCallId);
    default:
      return VERDICT_ACCEPT;
  }
}

function writeCallId(call: HelperCall, offset: number, id: number): Verdict {
  const bytes = Uint8Array.of(id >> 8, id & 255);
  return manglePayload(call, HEADER_BYTES + offset, 2, bytes) ? VERDICT_ACCEPT : VERDICT_DROP;
}

/** pptp_exp_gre(): each direction comes with the numbers of its own side. */
export function moveCalls(original: Expectation, reply: Expectation, memory: PptpMemory): void {
  memory.innerPacCallId = memory.pacCallId;
  original.savedPort = memory.pnsCallId;
  original.tuple[TUPLE_SPORT] = memory.innerPnsCallId;
  original.tuple[TUPLE_DPORT] = memory.pacCallId;
  original.dir = 0;
  reply.savedPort = memory.innerPnsCallId;
  reply.tuple[TUPLE_SPORT] = memory.innerPacCallId;
  reply.tuple[TUPLE_DPORT] = memory.pnsCallId;
  reply.dir = 1;
}

const tuple = new Int32Array(TUPLE_WORDS);

/** pptp_expectfn(), and for translated connections pptp_nat_expected(). */
export function expectedCall(
  nat: Nat,
  ct: number,
  expectation: Expectation,
  p: Packet,
  memory: PptpMemory,
): void {
  const { words, expectations } = nat;
  const master = expectation.master << RECORD_SHIFT;
  const isTranslated = (words[master + C_STATUS]! & (IPS_SRC_NAT | IPS_DST_NAT)) !== 0;
  const { dir } = expectation;
  const other = master + (1 - dir) * REPLY_STRIDE;
  if (!isTranslated) invertTuple(tuple, 0, expectation.tuple, 0);
  else {
    for (let i = 0; i < 4; i++) {
      tuple[TUPLE_SADDR + i] = words[other + TUPLE_SADDR + i]!;
      tuple[TUPLE_DADDR + i] = words[other + TUPLE_DADDR + i]!;
    }
    tuple[TUPLE_PROTO] = protoWord(IPPROTO_GRE, 4);
    // Where the server is first, the kernel looks for the numbers in the new connection, which has none yet.
    tuple[TUPLE_SPORT] = dir === 0 ? memory.pacCallId : 0;
    tuple[TUPLE_DPORT] = dir === 0 ? memory.pnsCallId : 0;
  }
  const twin = expectations.find(tuple, 0, zoneId(words, ct));
  if (twin !== undefined) expectations.unexpect(twin);
  if (!isTranslated) return;
  settle(nat, ct, p, MANIP_SRC, other + TUPLE_DADDR, dir === 0 ? expectation.savedPort : undefined);
  settle(nat, ct, p, MANIP_DST, other + TUPLE_SADDR, dir === 1 ? expectation.savedPort : undefined);
}

function settle(nat: Nat, ct: number, p: Packet, manip: 0 | 1, at: number, key: number | undefined): void {
  const range = address(nat.words, at);
  if (key !== undefined) {
    range.flags |= NAT_PROTO_SPECIFIED;
    range.minPort = key;
    range.maxPort = key;
  }
  nat.setup(p, manip, range, ct);
}
