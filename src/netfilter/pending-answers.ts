import { type Aged, AgeList } from '../base/age-list.ts';
import { KeyTable } from '../base/key-table.ts';
import type { Conntrack } from '../conntrack/conntrack.ts';
import { INNER_FOUND, innerTuple } from '../conntrack/inner-tuple.ts';
import { protoWord } from '../conntrack/tuple.ts';
import {
  IPS_SEQ_ADJUST,
  TUPLE_DADDR,
  TUPLE_DPORT,
  TUPLE_PROTO,
  TUPLE_SADDR,
  TUPLE_SPORT,
  TUPLE_WORDS,
} from '../packet/conntrack-access.ts';
import { IPPROTO_ICMP, IPPROTO_ICMPV6, IPPROTO_TCP, type Packet } from '../packet/packet.ts';
import {
  CT_IS_REPLY,
  R_CT,
  R_CTINFO,
  R_DADDR,
  R_DPORT,
  R_FAMILY,
  R_ICMP_CODE,
  R_ICMP_ID,
  R_ICMP_TYPE,
  R_IP_ID,
  R_L4PROTO,
  R_LENGTH,
  R_PHYS_IN,
  R_SADDR,
  R_SPORT,
  R_TCP_ACK,
  R_TCP_FLAGS,
  R_TCP_SEQ,
  R_TCP_WINDOW,
  R_TTL,
} from '../packet/registers.ts';
import { isIcmpError, isOfDefragmentation, type LocalForm } from './local-form.ts';

const TCP_FIN = 1;
const TCP_SYN = 2;
const TCP_RST = 4;
const TCP_ACK = 16;
const TCP_HEADER_BYTES = 20;
const ICMP_HEADER_BYTES = 8;
const IPV6_HEADER_BYTES = 40;
/** A tuple without its zone. */
const KEY_WORDS = TUPLE_PROTO + 1;
/** No reset answers the packet. */
const NO_RESET = -1;
/** An answer that has not left after this long never will. */
const ANSWER_WINDOW_NS = 1e9;
/** Rejects may come in floods; each holds an entry. */
export const MAX_PENDING = 4096;

/** A packet that may be answered. There are MAX_PENDING of them at most, which are used again. */
class Pending implements Aged<Pending> {
  ct = -1;
  ctinfo = 0;
  timeNs = 0;
  /** Numbers of its tuple as it arrived, and as rules had translated it. */
  wire = -1;
  inside = -1;
  /** REJECT answers it by a reset that leaves by this port of a bridge, past OUTPUT and POSTROUTING; 0 when not so. */
  port = 0;
  /** Flags of the reset that would answer it, or NO_RESET; and its numbers. */
  flags = NO_RESET;
  seq = 0;
  ack = 0;
  /** What an ICMP error quotes of its header: total length in bytes, TTL, and (IPv4) identification. */
  length = 0;
  ttl = 0;
  ipId = 0;
  before: Pending | undefined;
  after: Pending | undefined;
}

/** Those that are pending, by a tuple; a later one takes the place of an earlier one of the same tuple. */
class ByTuple {
  readonly #numbers = new KeyTable(KEY_WORDS);
  readonly #pending: (Pending | undefined)[] = [];

  find(tuple: Int32Array): Pending | undefined {
    const number = this.#numbers.find(tuple);
    return number < 0 ? undefined : this.#pending[number];
  }

  /** The number of the tuple. */
  set(tuple: Int32Array, pending: Pending): number {
    const known = this.#numbers.find(tuple);
    const number = known < 0 ? this.#numbers.add(tuple) : known;
    this.#pending[number] = pending;
    return number;
  }

  remove(number: number, pending: Pending): void {
    if (this.#pending[number] !== pending) return;
    this.#pending[number] = undefined;
    this.#numbers.remove(number);
  }
}

/**
 * Packets whose connection was never confirmed, and that this host may answer with a TCP reset or an ICMP error: the
 * rejected, those whose TTL ran out, those without a route. The kernel attaches the answer to the connection of the
 * packet it answers (nf_ct_attach(), called by nf_send_reset(), icmp_glue_bits() and icmpv6_getfrag()), so the
 * entry is held until the answer has come by in the capture.
 */
export class PendingAnswers {
  readonly #conntrack: Conntrack;
  readonly #localForm: LocalForm;
  readonly #assume: (sentence: string) => void;
  /** By the tuple of the packet as it arrived: what its answer is about on the wire. */
  readonly #wire = new ByTuple();
  /** And as rules had translated it: what its answer is about where it enters OUTPUT. */
  readonly #inside = new ByTuple();
  readonly #pending = new AgeList(() => new Pending());
  readonly #tuple = new Int32Array(TUPLE_WORDS);
  /** Entry that the last answer was attached to, which is still held; -1 when there is none. */
  #attached = -1;
  /** So many were pending at a time. */
  most = 0;

  /** Whether any may still be answered. */
  get awaits(): boolean {
    return this.#pending.count > 0;
  }

  constructor(conntrack: Conntrack, localForm: LocalForm, assume: (sentence: string) => void) {
    this.#assume = assume;
    this.#conntrack = conntrack;
    this.#localForm = localForm;
  }

  /**
   * Packet `p` may be answered; `arrived` holds the registers as they were when it came in. To be called before its
   * entry is released. `port`: by which port of a bridge its reset leaves, see isPortReset.
   */
  add(p: Packet, arrived: Int32Array, port: number): void {
    const ct = p.r[R_CT]!;
    if (ct < 0) return;
    this.#expire(p.timeNs);
    const tuple = this.#tuple;
    readTuple(tuple, arrived);
    const earlier = this.#wire.find(tuple);
    if (earlier !== undefined) this.#remove(earlier);
    this.#conntrack.core.hold(ct);
    const pending = this.#pending.append();
    pending.ct = ct;
    pending.ctinfo = p.r[R_CTINFO]!;
    pending.timeNs = p.timeNs;
    pending.port = port;
    setReset(pending, p);
    pending.length = p.r[R_LENGTH]!;
    pending.ttl = p.r[R_TTL]!;
    pending.ipId = p.r[R_IP_ID]! & 0xffff;
    pending.wire = this.#wire.set(tuple, pending);
    readTuple(tuple, p.r);
    pending.inside = this.#inside.set(tuple, pending);
    this.most = Math.max(this.most, this.#pending.count);
  }

  /**
   * Attaches outbound packet `p`, if it is such an answer, to the connection it answers. With `isInside` it is as it
   * entered OUTPUT, else as it left.
   */
  attach(p: Packet, isInside: boolean): void {
    this.#expire(p.timeNs);
    if (!this.awaits) return;
    const { r } = p;
    const tuple = this.#tuple;
    const l4proto = r[R_L4PROTO]!;
    const resets = isReset(p);
    if (resets) readAnswered(tuple, r);
    else {
      if ((l4proto !== IPPROTO_ICMP && l4proto !== IPPROTO_ICMPV6) || p.l4Offset < 0) return;
      if (!isIcmpError(r[R_FAMILY]!, r[R_ICMP_TYPE]!) || isOfDefragmentation(p)) return;
      const end = p.l3Offset + r[R_LENGTH]!;
      const quoted = innerTuple(tuple, p.view, p.l4Offset + 8, p.l3End, end, r[R_FAMILY]!);
      if (quoted !== INNER_FOUND) return;
    }
    const answered = (isInside ? this.#inside : this.#wire).find(tuple);
    if (answered === undefined) return;
    const { ct, ctinfo } = answered;
    if (!resets && !isErrorAbout(answered, p)) return;
    if (resets && !isResetOf(answered, p, (this.#conntrack.status(ct) & IPS_SEQ_ADJUST) !== 0)) return;
    this.#conntrack.attach(p, ct, ctinfo);
    if (resets) {
      this.#assume(
        'A TCP reset of this host that follows a refused packet of its connection within a second, and looks as REJECT would answer that, is taken for its answer.',
      );
    }
    if (resets && !isInside) this.#localForm.take(p, ct, ctinfo >= CT_IS_REPLY ? 0 : 1);
    // The answer itself still has to go its way with the entry: it is let go of with the next one.
    this.#letGo();
    this.#forget(answered);
    this.#attached = ct;
  }

  /**
   * Packet `p` is the reset by which REJECT answered a packet that came in by the same port of a bridge: it was put on that
   * very port, and no hook saw it (nf_send_reset() in net/ipv4/netfilter/nf_reject_ipv4.c, for packets with a bridge's
   * nf_bridge_info).
   */
  isPortReset(p: Packet): boolean {
    this.#expire(p.timeNs);
    if (!isReset(p)) return false;
    readAnswered(this.#tuple, p.r);
    const answered = this.#inside.find(this.#tuple);
    // What is adjusted is so behind the hooks.
    if (answered === undefined || answered.port !== p.r[R_PHYS_IN] || !isResetOf(answered, p, false))
      return false;
    this.#remove(answered);
    return true;
  }

  /** Lets go of what is too old, and of the oldest when there are too many. */
  #expire(nowNs: number): void {
    const pending = this.#pending;
    for (let { oldest } = pending; oldest !== undefined; { oldest } = pending) {
      if (nowNs - oldest.timeNs <= ANSWER_WINDOW_NS && pending.count < MAX_PENDING) return;
      this.#remove(oldest);
    }
  }

  #remove(gone: Pending): void {
    this.#forget(gone);
    this.#conntrack.core.unhold(gone.ct);
  }

  #forget(gone: Pending): void {
    this.#wire.remove(gone.wire, gone);
    this.#inside.remove(gone.inside, gone);
    this.#pending.remove(gone);
  }

  #letGo(): void {
    if (this.#attached >= 0) this.#conntrack.core.unhold(this.#attached);
    this.#attached = -1;
  }
}

/** What the reset that answers packet `p` says: nf_reject_ip_tcphdr_put(). */
function setReset(pending: Pending, p: Packet): void {
  const { r } = p;
  const flags = r[R_L4PROTO] === IPPROTO_TCP && p.l4Offset >= 0 ? r[R_TCP_FLAGS]! : -1;
  pending.seq = 0;
  pending.ack = 0;
  if (flags < 0 || (flags & TCP_RST) !== 0) {
    pending.flags = NO_RESET;
    return;
  }
  if ((flags & TCP_ACK) !== 0) {
    pending.flags = TCP_RST;
    pending.seq = r[R_TCP_ACK]!;
    return;
  }
  const headerBytes = p.l4Offset - p.l3Offset + (p.view.getUint8(p.l4Offset + 12) >>> 4) * 4;
  const numbered = r[R_LENGTH]! - headerBytes + ((flags & TCP_SYN) >> 1) + (flags & TCP_FIN);
  pending.flags = TCP_RST | TCP_ACK;
  pending.ack = (r[R_TCP_SEQ]! + numbered) | 0;
}

function isReset({ r }: Packet): boolean {
  return r[R_L4PROTO] === IPPROTO_TCP && (r[R_TCP_FLAGS]! & TCP_RST) !== 0;
}

/**
 * Reset `p` looks as REJECT makes them: no window, nothing behind the header, and the numbers that answer the refused
 * packet, unless (`isAdjusted`) these were shifted on the way out. A connection of the host that is aborted has a window.
 */
function isResetOf({ flags, seq, ack }: Pending, p: Packet, isAdjusted: boolean): boolean {
  const { r } = p;
  if (r[R_TCP_FLAGS] !== flags || r[R_TCP_WINDOW] !== 0) return false;
  if (r[R_LENGTH]! - (p.l4Offset - p.l3Offset) !== TCP_HEADER_BYTES) return false;
  return isAdjusted || (r[R_TCP_SEQ] === seq && r[R_TCP_ACK] === ack);
}

/**
 * ICMP error `p` quotes the very packet, as it was when it was answered (icmp_send(), icmp6_send()), and not another of its
 * tuple: what a program sends by a raw socket belongs to no connection that was not confirmed.
 */
function isErrorAbout({ length, ttl, ipId }: Pending, p: Packet): boolean {
  const { view } = p;
  const quoted = p.l4Offset + ICMP_HEADER_BYTES;
  if (p.r[R_FAMILY] === 6) {
    return view.getUint16(quoted + 4) + IPV6_HEADER_BYTES === length && view.getUint8(quoted + 7) === ttl;
  }
  return (
    view.getUint16(quoted + 2) === length &&
    view.getUint16(quoted + 4) === ipId &&
    view.getUint8(quoted + 8) === ttl
  );
}

function readTuple(out: Int32Array, r: Int32Array): void {
  for (let i = 0; i < 8; i++) out[i] = r[R_SADDR + i]!;
  const l4proto = r[R_L4PROTO]!;
  const isIcmp = l4proto === IPPROTO_ICMP || l4proto === IPPROTO_ICMPV6;
  out[TUPLE_SPORT] = isIcmp ? r[R_ICMP_ID]! : Math.max(0, r[R_SPORT]!);
  out[TUPLE_DPORT] = isIcmp ? (r[R_ICMP_TYPE]! << 8) | r[R_ICMP_CODE]! : Math.max(0, r[R_DPORT]!);
  out[TUPLE_PROTO] = protoWord(l4proto, r[R_FAMILY]!);
}

/** The tuple of the packet that reset `r` answers: its addresses and ports are the reset's, the other way round. */
function readAnswered(out: Int32Array, r: Int32Array): void {
  for (let i = 0; i < 4; i++) {
    out[TUPLE_SADDR + i] = r[R_DADDR + i]!;
    out[TUPLE_DADDR + i] = r[R_SADDR + i]!;
  }
  out[TUPLE_SPORT] = r[R_DPORT]!;
  out[TUPLE_DPORT] = r[R_SPORT]!;
  out[TUPLE_PROTO] = protoWord(r[R_L4PROTO]!, r[R_FAMILY]!);
}
