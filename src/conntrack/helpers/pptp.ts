import {
  TUPLE_DADDR,
  TUPLE_DPORT,
  TUPLE_PROTO,
  TUPLE_SADDR,
  TUPLE_SPORT,
  TUPLE_WORDS,
} from '../../packet/conntrack-access.ts';
import { IPPROTO_GRE, IPPROTO_TCP } from '../../packet/packet.ts';
import { CT_ESTABLISHED, CT_ESTABLISHED_REPLY } from '../../packet/registers.ts';
import { VERDICT_ACCEPT, type Verdict } from '../../packet/verdict.ts';
import { EXPECT_OK, zoneId } from '../expect.ts';
import type { Helper, HelperCall } from '../helper.ts';
import { findConnection } from '../lookup.ts';
import { protoWord } from '../tuple.ts';
import { expectedCall, moveCalls, translateInbound, translateOutbound } from './pptp-nat.ts';

/** Control messages (RFC 2637). */
export const START_SESSION_REQUEST = 1;
export const START_SESSION_REPLY = 2;
export const STOP_SESSION_REQUEST = 3;
export const STOP_SESSION_REPLY = 4;
export const ECHO_REQUEST = 5;
export const ECHO_REPLY = 6;
export const OUT_CALL_REQUEST = 7;
export const OUT_CALL_REPLY = 8;
export const IN_CALL_REQUEST = 9;
export const IN_CALL_REPLY = 10;
export const IN_CALL_CONNECT = 11;
export const CALL_CLEAR_REQUEST = 12;
export const CALL_DISCONNECT_NOTIFY = 13;
export const WAN_ERROR_NOTIFY = 14;
export const SET_LINK_INFO = 15;

/** Bytes behind the two headers that a message has at least: sizeof(struct Pptp…). */
const MESSAGE_BYTES = [0, 144, 144, 4, 4, 0, 0, 156, 20, 208, 12, 16, 4, 136, 28, 12];

/** Packet header (length, type, cookie) and control header (message type). */
export const HEADER_BYTES = 12;
const PACKET_CONTROL = 1;
const MAGIC_COOKIE = 0x1a2b3c4d;
/** Result code of whatever was agreed to. */
const AGREED = 1;

/** enum pptp_ctrlsess_state, in this order. */
const SESSION_NONE = 0;
const SESSION_ERROR = 1;
const SESSION_STOPPING = 2;
const SESSION_REQUESTED = 3;
const SESSION_CONFIRMED = 4;

type CallState =
  | 'none'
  | 'out-requested'
  | 'out-confirmed'
  | 'in-requested'
  | 'in-replied'
  | 'in-confirmed'
  | 'clearing';

/** struct nf_ct_pptp_master and struct nf_nat_pptp: the client (PNS) and the server (PAC) each give a call a number. */
export interface PptpMemory {
  session: number;
  call: CallState;
  pacCallId: number;
  pnsCallId: number;
  /** As the client inside and the server have them, where the connection is translated. */
  innerPnsCallId: number;
  innerPacCallId: number;
}

/**
 * PPTP: the control connection agrees on calls, which are carried in GRE. net/netfilter/nf_conntrack_pptp.c, and
 * nf_nat_pptp.c. IPv4 only.
 */
export const pptp: Helper<PptpMemory> = {
  name: 'pptp',
  families: [4],
  protocols: [IPPROTO_TCP],
  port: 1723,
  policies: [{ maxExpected: 2, timeoutSeconds: 300 }],
  remember: () => ({
    session: SESSION_NONE,
    call: 'none',
    pacCallId: 0,
    pnsCallId: 0,
    innerPnsCallId: 0,
    innerPacCallId: 0,
  }),
  help(call, memory) {
    if (call.ctinfo !== CT_ESTABLISHED && call.ctinfo !== CT_ESTABLISHED_REPLY) return VERDICT_ACCEPT;
    if (!call.hasPayload(HEADER_BYTES)) return VERDICT_ACCEPT;
    const at = call.payloadAt;
    const { view } = call.p;
    if (view.getUint16(at + 2) !== PACKET_CONTROL || view.getUint32(at + 4) !== MAGIC_COOKIE)
      return VERDICT_ACCEPT;
    const type = view.getUint16(at + 8);
    const bytes = MESSAGE_BYTES[type] ?? 0;
    // The largest that is read of any message lies in its first six bytes.
    if (!call.hasPayload(HEADER_BYTES + bytes)) return VERDICT_ACCEPT;
    return call.dir === 0 ? outbound(call, memory, type) : inbound(call, memory, type);
  },
  end: (call, memory, ct) => endCalls(call, memory, ct),
};

/** 16 bits of the message, `offset` bytes behind its headers. */
function field(call: HelperCall, offset: number): number {
  return call.p.view.getUint16(call.payloadAt + HEADER_BYTES + offset);
}

function resultCode(call: HelperCall, offset: number): number {
  return call.p.view.getUint8(call.payloadAt + HEADER_BYTES + offset);
}

/** pptp_outbound_pkt(): from the client. Messages that do not fit are passed on as they are. */
function outbound(call: HelperCall, memory: PptpMemory, type: number): Verdict {
  switch (type) {
    case START_SESSION_REQUEST:
      if (memory.session !== SESSION_NONE) return VERDICT_ACCEPT;
      memory.session = SESSION_REQUESTED;
      break;
    case STOP_SESSION_REQUEST:
      memory.session = SESSION_STOPPING;
      break;
    case OUT_CALL_REQUEST:
      if (memory.session !== SESSION_CONFIRMED) return VERDICT_ACCEPT;
      memory.call = 'out-requested';
      memory.pnsCallId = field(call, 0);
      break;
    case IN_CALL_REPLY:
      if (memory.call !== 'in-requested' && memory.call !== 'in-replied') return VERDICT_ACCEPT;
      if (memory.pacCallId !== field(call, 2)) return VERDICT_ACCEPT;
      if (resultCode(call, 4) === AGREED) {
        memory.call = 'in-replied';
        memory.pnsCallId = field(call, 0);
      } else memory.call = 'none';
      break;
    case CALL_CLEAR_REQUEST:
      if (memory.session !== SESSION_CONFIRMED) return VERDICT_ACCEPT;
      memory.call = 'clearing';
      break;
    case SET_LINK_INFO:
    case ECHO_REQUEST:
    case ECHO_REPLY:
      break;
    default:
      return VERDICT_ACCEPT;
  }
  return call.isTranslated ? translateOutbound(call, memory, type) : VERDICT_ACCEPT;
}

/** pptp_inbound_pkt(): from the server. */
function inbound(call: HelperCall, memory: PptpMemory, type: number): Verdict {
  switch (type) {
    case START_SESSION_REPLY:
      if (memory.session < SESSION_REQUESTED) return VERDICT_ACCEPT;
      memory.session = resultCode(call, 2) === AGREED ? SESSION_CONFIRMED : SESSION_ERROR;
      break;
    case STOP_SESSION_REPLY:
      if (memory.session > SESSION_STOPPING) return VERDICT_ACCEPT;
      memory.session = resultCode(call, 0) === AGREED ? SESSION_NONE : SESSION_ERROR;
      break;
    case OUT_CALL_REPLY:
      if (memory.session !== SESSION_CONFIRMED) return VERDICT_ACCEPT;
      if (memory.call !== 'out-requested' && memory.call !== 'out-confirmed') return VERDICT_ACCEPT;
      if (memory.pnsCallId !== field(call, 2)) return VERDICT_ACCEPT;
      if (resultCode(call, 4) === AGREED) {
        memory.call = 'out-confirmed';
        memory.pacCallId = field(call, 0);
        expectCalls(call, memory, field(call, 0), field(call, 2));
      } else memory.call = 'none';
      break;
    case IN_CALL_REQUEST:
      if (memory.session !== SESSION_CONFIRMED) return VERDICT_ACCEPT;
      memory.call = 'in-requested';
      memory.pacCallId = field(call, 0);
      break;
    case IN_CALL_CONNECT:
      if (memory.session !== SESSION_CONFIRMED) return VERDICT_ACCEPT;
      if (memory.call !== 'in-replied' && memory.call !== 'in-confirmed') return VERDICT_ACCEPT;
      if (memory.pnsCallId !== field(call, 0)) return VERDICT_ACCEPT;
      memory.call = 'in-confirmed';
      expectCalls(call, memory, memory.pacCallId, field(call, 0));
      break;
    case CALL_DISCONNECT_NOTIFY:
      memory.call = 'none';
      endCalls(call, memory, call.ct);
      break;
    case WAN_ERROR_NOTIFY:
    case SET_LINK_INFO:
    case ECHO_REQUEST:
    case ECHO_REPLY:
      break;
    default:
      return VERDICT_ACCEPT;
  }
  return call.isTranslated ? translateInbound(call, memory, type) : VERDICT_ACCEPT;
}

/** exp_gre(): the call's GRE in both directions; whichever comes first takes the other expectation away. */
function expectCalls(call: HelperCall, memory: PptpMemory, pacCallId: number, pnsCallId: number): void {
  const expected = (dir: 0 | 1, from: number, to: number) =>
    call.expectation(0, IPPROTO_GRE, call.saddr(dir), call.daddr(dir), from, to);
  const original = expected(0, pnsCallId, pacCallId);
  const reply = expected(1, pacCallId, pnsCallId);
  for (const one of [original, reply]) {
    one.expectfn = (nat, ct, expectation, p) => expectedCall(nat, ct, expectation, p, memory);
  }
  if (call.isTranslated) moveCalls(original, reply, memory);
  const { expectations, core } = call;
  if (expectations.related(original) !== EXPECT_OK) return;
  if (expectations.related(reply) !== EXPECT_OK) {
    expectations.unexpect(original);
    return;
  }
  const first = core.greKeys.add(call.ct, 0, original.tuple);
  if (first && core.greKeys.add(call.ct, 1, reply.tuple)) return;
  if (first) core.greKeys.forget(call.ct);
  expectations.unexpect(reply);
  expectations.unexpect(original);
}

const tuple = new Int32Array(TUPLE_WORDS);

/** pptp_destroy_siblings(): the calls of control connection `ct` are over, carried out or only expected. */
function endCalls(call: HelperCall, memory: PptpMemory, ct: number): void {
  const { core, words } = call;
  core.greKeys.forget(ct);
  for (let dir = 0; dir < 2; dir++) {
    const at = call.tupleOf(ct, dir);
    for (let i = 0; i < 4; i++) {
      tuple[TUPLE_SADDR + i] = words[at + TUPLE_SADDR + i]!;
      tuple[TUPLE_DADDR + i] = words[at + TUPLE_DADDR + i]!;
    }
    tuple[TUPLE_PROTO] = protoWord(IPPROTO_GRE, 4);
    tuple[TUPLE_SPORT] = dir === 0 ? memory.pnsCallId : memory.pacCallId;
    tuple[TUPLE_DPORT] = dir === 0 ? memory.pacCallId : memory.pnsCallId;
    endCall(call, zoneId(words, ct));
  }
}

/** destroy_sibling_or_exp(), of `tuple`. */
function endCall(call: HelperCall, zone: number): void {
  const { core, expectations } = call;
  const found = findConnection(
    core,
    tuple,
    0,
    tuple[TUPLE_SPORT]!,
    tuple[TUPLE_DPORT]!,
    tuple[TUPLE_PROTO]!,
    zone,
    zone,
  );
  if (found >= 0) {
    core.kill(found >> 1);
    return;
  }
  const expected = expectations.find(tuple, 0, zone);
  if (expected !== undefined) expectations.unexpect(expected);
}
