import type { Conntrack } from '../conntrack/conntrack.ts';
import { INNER_FOUND, innerTuple } from '../conntrack/inner-tuple.ts';
import { protoWord, tupleHash } from '../conntrack/tuple.ts';
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
/** No reset answers the packet. */
const NO_RESET = -1;
/** An answer that has not left after this long never will. */
const ANSWER_WINDOW_NS = 1e9;
/** Rejects may come in floods; each holds an entry. */
export const MAX_PENDING = 4096;

interface Pending {
  readonly ct: number;
  readonly ctinfo: number;
  readonly timeNs: number;
  /** Tuple of the packet as it arrived: what its answer is about on the wire. */
  readonly wire: Int32Array;
  /** And as rules had translated it: what its answer is about where it enters OUTPUT. */
  readonly inside: Int32Array;
  /** Under which it is found by either. */
  readonly wireKey: number;
  readonly insideKey: number;
  /** REJECT answers it by a reset that leaves by this port of a bridge, past OUTPUT and POSTROUTING; 0 when not so. */
  readonly port: number;
  /** Flags of the reset that would answer it, or NO_RESET; and its numbers. */
  readonly flags: number;
  readonly seq: number;
  readonly ack: number;
  /** What an ICMP error quotes of its header: total length in bytes, TTL, and (IPv4) identification. */
  readonly length: number;
  readonly ttl: number;
  readonly ipId: number;
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
  /** By the wire tuple; a later packet of the same tuple takes the place of an earlier one. In order of arrival. */
  readonly #pending = new Map<number, Pending>();
  /** The same by the tuple inside. */
  readonly #inside = new Map<number, Pending>();
  /** A key is a tuple's hash and, above it, a number from 0 up to this one: tuples with the same hash have different ones. */
  #deepest = 0;
  readonly #tuple = new Int32Array(TUPLE_WORDS);
  /** Entry that the last answer was attached to, which is still held; -1 when there is none. */
  #attached = -1;
  /** So many were pending at a time. */
  most = 0;

  /** Whether any may still be answered. */
  get awaits(): boolean {
    return this.#pending.size > 0;
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
    const wire = new Int32Array(TUPLE_WORDS);
    readTuple(wire, arrived);
    const inside = new Int32Array(TUPLE_WORDS);
    readTuple(inside, p.r);
    const wireKey = this.#keyOf(wire, false);
    this.#remove(this.#pending.get(wireKey));
    this.#conntrack.core.hold(ct);
    const insideKey = this.#keyOf(inside, true);
    const ctinfo = p.r[R_CTINFO]!;
    const pending = {
      ct,
      ctinfo,
      timeNs: p.timeNs,
      wire,
      inside,
      wireKey,
      insideKey,
      port,
      ...resetFor(p),
      length: p.r[R_LENGTH]!,
      ttl: p.r[R_TTL]!,
      ipId: p.r[R_IP_ID]! & 0xffff,
    };
    this.#pending.set(wireKey, pending);
    this.#inside.set(insideKey, pending);
    if (this.#pending.size > this.most) this.most = this.#pending.size;
  }

  /**
   * Attaches outbound packet `p`, if it is such an answer, to the connection it answers. With `isInside` it is as it
   * entered OUTPUT, else as it left.
   */
  attach(p: Packet, isInside: boolean): void {
    this.#expire(p.timeNs);
    if (this.#pending.size === 0) return;
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
    const answered = this.#find(tuple, isInside);
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
    const answered = this.#find(this.#tuple, true);
    // What is adjusted is so behind the hooks.
    if (answered === undefined || answered.port !== p.r[R_PHYS_IN] || !isResetOf(answered, p, false))
      return false;
    this.#remove(answered);
    return true;
  }

  /** Lets go of what is too old, and of the oldest when there are too many. */
  #expire(nowNs: number): void {
    for (const pending of this.#pending.values()) {
      if (nowNs - pending.timeNs <= ANSWER_WINDOW_NS && this.#pending.size < MAX_PENDING) return;
      this.#remove(pending);
    }
  }

  #remove(gone: Pending | undefined): void {
    if (gone === undefined) return;
    this.#forget(gone);
    this.#conntrack.core.unhold(gone.ct);
  }

  #forget(gone: Pending): void {
    this.#pending.delete(gone.wireKey);
    if (this.#inside.get(gone.insideKey) === gone) this.#inside.delete(gone.insideKey);
  }

  #letGo(): void {
    if (this.#attached >= 0) this.#conntrack.core.unhold(this.#attached);
    this.#attached = -1;
  }

  #find(tuple: Int32Array, isInside: boolean): Pending | undefined {
    const all = isInside ? this.#inside : this.#pending;
    const hash = hashOf(tuple);
    for (let depth = 0; depth <= this.#deepest; depth++) {
      const found = all.get(hash + depth * DEPTH);
      if (found !== undefined && isSame(isInside ? found.inside : found.wire, tuple)) return found;
    }
    return undefined;
  }

  /** The key that a tuple has, or may have from now on. */
  #keyOf(tuple: Int32Array, isInside: boolean): number {
    const known = this.#find(tuple, isInside);
    if (known !== undefined) return isInside ? known.insideKey : known.wireKey;
    const all = isInside ? this.#inside : this.#pending;
    let key = hashOf(tuple);
    for (let depth = 0; all.has(key); key += DEPTH) this.#deepest = Math.max(this.#deepest, ++depth);
    return key;
  }
}

/** What the reset that answers packet `p` says: nf_reject_ip_tcphdr_put(). */
function resetFor(p: Packet): Pick<Pending, 'flags' | 'seq' | 'ack'> {
  const { r } = p;
  const flags = r[R_L4PROTO] === IPPROTO_TCP && p.l4Offset >= 0 ? r[R_TCP_FLAGS]! : -1;
  if (flags < 0 || (flags & TCP_RST) !== 0) return { flags: NO_RESET, seq: 0, ack: 0 };
  if ((flags & TCP_ACK) !== 0) return { flags: TCP_RST, seq: r[R_TCP_ACK]!, ack: 0 };
  const headerBytes = p.l4Offset - p.l3Offset + (p.view.getUint8(p.l4Offset + 12) >>> 4) * 4;
  const numbered = r[R_LENGTH]! - headerBytes + ((flags & TCP_SYN) >> 1) + (flags & TCP_FIN);
  return { flags: TCP_RST | TCP_ACK, seq: 0, ack: (r[R_TCP_SEQ]! + numbered) | 0 };
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

/** Hashes have 32 bits. */
const DEPTH = 2 ** 32;

function hashOf(tuple: Int32Array): number {
  return tupleHash(tuple, 0, tuple[TUPLE_SPORT]!, tuple[TUPLE_DPORT]!, tuple[TUPLE_PROTO]!, 0);
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

function isSame(wire: Int32Array, quoted: Int32Array): boolean {
  for (let i = 0; i <= TUPLE_PROTO; i++) if (wire[i] !== quoted[i]) return false;
  return true;
}
