import type { Family } from '../base/inet.ts';
import { randomWord } from '../base/prng.ts';
import type { Columns } from '../batch/batch.ts';
import type { ConntrackCore } from '../conntrack/core.ts';
import type { Expectations } from '../conntrack/expect.ts';
import { C_MASQ_OIF, C_REPLY, C_STATUS, RECORD_SHIFT } from '../conntrack/layout.ts';
import { isTupleTaken } from '../conntrack/lookup.ts';
import { invertTuple, sameTuple } from '../conntrack/tuple.ts';
import type { Host } from '../host/types.ts';
import {
  IPS_CONFIRMED,
  IPS_DST_NAT,
  IPS_DST_NAT_DONE,
  IPS_DYING,
  IPS_SRC_NAT,
  IPS_SRC_NAT_DONE,
  MANIP_DST,
  MANIP_SRC,
  NAT_MAP_IPS,
  NAT_PROTO_OFFSET,
  NAT_PROTO_RANDOM,
  NAT_PROTO_RANDOM_FULLY,
  NAT_PROTO_SPECIFIED,
  type NatRange,
  TUPLE_DADDR,
  TUPLE_SADDR,
  TUPLE_SPORT,
  TUPLE_WORDS,
} from '../packet/conntrack-access.ts';
import { IPPROTO_ICMP, IPPROTO_ICMPV6, type Packet } from '../packet/packet.ts';
import {
  CT_IS_REPLY,
  CT_NEW,
  CT_RELATED,
  CT_RELATED_REPLY,
  HOOK_OUTPUT,
  HOOK_POSTROUTING,
  R_CT,
  R_CTINFO,
  R_CTSTATUS,
  R_DADDR,
  R_FAMILY,
  R_HOOK,
  R_IIF,
  R_L4PROTO,
  R_LENGTH,
  R_OIF,
  R_SADDR,
} from '../packet/registers.ts';
import { VERDICT_ACCEPT, VERDICT_DROP, type Verdict } from '../packet/verdict.ts';
import { DrawnPorts } from './drawn-ports.ts';
import { manipIcmpError, manipOf, manipPacket } from './rewrite.ts';
import { TupleSelector } from './select.ts';
import {
  type Exchange,
  SETTLED_AS_IT_IS,
  SETTLED_BY_MASQUERADE,
  SETTLED_BY_NETMAP,
  SETTLED_BY_RANGE,
  SETTLED_BY_REDIRECT,
  Settled,
  type Translation,
} from './settled.ts';
import { linkSource } from './source-index.ts';

/**
 * The nat hook of a family, and what its targets do. At each of PREROUTING, INPUT, OUTPUT and POSTROUTING the
 * engine asks `needsRules`: true for the first packet of a connection whose translation of that kind (source or
 * destination) is not settled yet; then it walks the nat chain of the hook, where a target may call `setup`.
 * In any case, unless a rule dropped the packet, `finish` follows: it settles what no rule has settled (as "stay
 * as you are", which on a clash still means another source port) and translates the packet.
 *
 * nf_nat_inet_fn() in net/netfilter/nf_nat_core.c, nf_nat_ipv4_fn() and nf_nat_ipv6_fn() in nf_nat_proto.c.
 */
export class Nat {
  readonly selector: TupleSelector;
  /**
   * Next hop of the packet at POSTROUTING, as its route says: MASQUERADE takes the address that reaches it. Set by
   * the engine where the route has a gateway; without it the destination counts.
   */
  readonly nextHop = new Int32Array(4);
  hasNextHop = false;
  readonly words: Int32Array;
  readonly expectations: Expectations;
  private readonly core: ConntrackCore;
  private readonly host: Host;
  private readonly seed: number;
  private readonly current = new Int32Array(TUPLE_WORDS);
  private readonly range: Mutable<NatRange> = {
    flags: 0,
    minAddr: new Int32Array(4),
    maxAddr: new Int32Array(4),
    minPort: 0,
    maxPort: 0,
    basePort: 0,
  };

  constructor(core: ConntrackCore, host: Host, seed: number) {
    this.core = core;
    this.words = core.words;
    this.expectations = core.expectations;
    this.host = host;
    this.seed = seed;
    this.selector = new TupleSelector(core);
    this.selector.random = (draw) => randomWord(seed, this.packetNumber, NAT_DICE, draw) & 0xffff;
  }

  private packetNumber = 0;
  /** How the packets that walked last had theirs settled: by MANIP_SRC and MANIP_DST. */
  /** Tuple of the packet whose destination was settled last, as it is behind that. */
  readonly exchanged = new Int32Array(TUPLE_WORDS);
  readonly settled: readonly [Settled, Settled] = [new Settled(), new Settled()];
  /** Connections that were given a port by chance. */
  readonly drawnPorts = new DrawnPorts();
  /** Random numbers of helpers. */
  helperDraws = 0;
  /**
   * Told of connections that are translated. nf_conntrack_alter_reply() of Linux before 6.0: helpers that are assigned by
   * port are looked for again. A share sees whether they are its own still.
   */
  onReplyChanged: ((ct: number) => void) | undefined;

  /** A number below `range` that the kernel would have drawn for packet `number`: draw 0, 1, … */
  drawBelow(number: number, draw: number, range: number): number {
    this.helperDraws++;
    return range <= 0 ? 0 : (randomWord(this.seed, number, HELPER_DICE, draw) >>> 0) % range;
  }

  /** True when the packet has to walk the nat chain of its hook. */
  needsRules(p: Packet, hook: number): boolean {
    const ctinfo = p.r[R_CTINFO]!;
    if (ctinfo !== CT_NEW && ctinfo !== CT_RELATED && ctinfo !== CT_RELATED_REPLY) return false;
    const ct = p.r[R_CT]!;
    if (ct < 0 || isRelatedIcmp(p)) return false;
    return (this.core.words[(ct << RECORD_SHIFT) + C_STATUS]! & doneBit(manipOf(hook))) === 0;
  }

  /** What the hook does behind its rules: settles the translation, if it is not, and translates the packet. */
  finish(p: Packet, hook: number): Verdict {
    const r = p.r;
    const ct = r[R_CT]!;
    if (ct < 0) return VERDICT_ACCEPT;
    const ctinfo = r[R_CTINFO]!;
    if (isRelatedIcmp(p)) return manipIcmpError(this.core, p, hook);
    const { words } = this.core;
    const at = ct << RECORD_SHIFT;
    const manip = manipOf(hook);
    const first = ctinfo === CT_NEW || ctinfo === CT_RELATED || ctinfo === CT_RELATED_REPLY;
    if (first && (words[at + C_STATUS]! & doneBit(manip)) === 0) {
      const verdict = this.nullBinding(p, ct, manip);
      if (verdict !== VERDICT_ACCEPT) return verdict;
    } else if (this.oifChanged(p, ct, ctinfo, hook)) {
      if (this.core.acct) this.core.account(ct, ctinfo >= CT_IS_REPLY ? 1 : 0, r[R_LENGTH]!);
      this.core.kill(ct);
      return VERDICT_DROP;
    }
    return manipPacket(this.core, p, ct, ctinfo >= CT_IS_REPLY ? 1 : 0, hook);
  }

  /** nf_nat_oif_changed(): a masqueraded connection that leaves by another interface now has to begin anew. */
  private oifChanged(p: Packet, ct: number, ctinfo: number, hook: number): boolean {
    if (hook !== HOOK_POSTROUTING || ctinfo >= CT_IS_REPLY) return false;
    const masqueraded = this.core.words[(ct << RECORD_SHIFT) + C_MASQ_OIF]!;
    return masqueraded !== 0 && masqueraded !== p.r[R_OIF];
  }

  /** nf_nat_alloc_null_binding(). */
  private nullBinding(p: Packet, ct: number, manip: 0 | 1): Verdict {
    const { words } = this.core;
    const status = words[(ct << RECORD_SHIFT) + C_STATUS]!;
    if ((status & IPS_CONFIRMED) !== 0) return VERDICT_ACCEPT;
    if ((status & doneBit(manip)) !== 0) return VERDICT_DROP;
    this.settled[manip].note(p.number, SETTLED_AS_IT_IS);
    this.packetNumber = p.number;
    this.#settleAsItIs(ct, manip);
    p.r[R_CTSTATUS] = words[(ct << RECORD_SHIFT) + C_STATUS]!;
    return VERDICT_ACCEPT;
  }

  #settleAsItIs(ct: number, manip: 0 | 1): void {
    const { words } = this.core;
    const at = ct << RECORD_SHIFT;
    const reply = at + C_REPLY;
    // Nearly always nobody else expects the same answers: then nothing has to be chosen.
    if (!isTupleTaken(this.core, words, reply, ct)) {
      words[at + C_STATUS]! |= doneBit(manip);
      return;
    }
    const from = reply + (manip === MANIP_SRC ? TUPLE_DADDR : TUPLE_SADDR);
    const { range } = this;
    range.flags = NAT_MAP_IPS;
    range.minPort = 0;
    range.maxPort = 0;
    for (let i = 0; i < 4; i++) {
      range.minAddr[i] = words[from + i]!;
      range.maxAddr[i] = words[from + i]!;
    }
    this.#settle(ct, manip, range);
  }

  /** nf_nat_setup_info(). */
  setup(p: Packet, manip: 0 | 1, range: NatRange, ct = p.r[R_CT]!): Verdict {
    this.settled[manip].note(p.number, SETTLED_BY_RANGE, range);
    return this.#setup(p, manip, range, ct);
  }

  #setup(p: Packet, manip: 0 | 1, range: NatRange, ct = p.r[R_CT]!): Verdict {
    const { words } = this.core;
    const at = ct << RECORD_SHIFT;
    if (ct < 0 || (words[at + C_STATUS]! & IPS_CONFIRMED) !== 0) return VERDICT_ACCEPT;
    if ((words[at + C_STATUS]! & doneBit(manip)) !== 0) return VERDICT_DROP;
    this.packetNumber = p.number;
    this.#settle(ct, manip, range);
    p.r[R_CTSTATUS] = words[at + C_STATUS]!;
    return VERDICT_ACCEPT;
  }

  /** Settles one side of the translation of `ct`, which is not confirmed. */
  #settle(ct: number, manip: 0 | 1, range: NatRange): void {
    const { core } = this;
    const { words } = core;
    const at = ct << RECORD_SHIFT;
    invertTuple(this.current, 0, words, at + C_REPLY);
    const { selector } = this;
    selector.select(this.current, 0, range, ct, manip);
    if (manip === MANIP_DST) this.exchanged.set(selector.chosen);
    if (selector.drewPort) this.drawnPorts.note(words, at, selector.chosen, manip);
    if (!sameTuple(selector.chosen, 0, this.current, 0)) {
      invertTuple(words, at + C_REPLY, selector.chosen, 0);
      words[at + C_STATUS]! |= manip === MANIP_SRC ? IPS_SRC_NAT : IPS_DST_NAT;
      this.onReplyChanged?.(ct);
    }
    // The answer to a packet that was dropped may still be translated, but its entry is nobody's example any more.
    if (manip === MANIP_SRC && (words[at + C_STATUS]! & IPS_DYING) === 0) {
      if (!sameSource(words, at, selector.chosen)) linkSource(core, ct);
    }
    words[at + C_STATUS]! |= doneBit(manip);
  }

  /**
   * Settles one side of the translation of `ct`, which row `i` of a batch has begun, as packet `number`, as another first packet
   * that walked had it settled. False where there is no address to translate to: such a packet has to walk.
   */
  apply(ct: number, number: number, manip: 0 | 1, as: Translation, c: Columns, i: number): boolean {
    const { range, oif } = as;
    const family = c.family[i] as Family;
    const { words } = this.core;
    const at = ct << RECORD_SHIFT;
    this.packetNumber = number;
    switch (as.kind) {
      case SETTLED_AS_IT_IS:
        this.#settleAsItIs(ct, manip);
        return true;
      case SETTLED_BY_RANGE:
        this.#settle(ct, manip, range!);
        return true;
      case SETTLED_BY_NETMAP:
        this.#settle(ct, manip, this.#mapped(range!, manip === MANIP_SRC ? c.saddr : c.daddr, 4 * i));
        return true;
      case SETTLED_BY_REDIRECT: {
        const own = this.copy(range!);
        if (!this.#firstAddress(own, family, c.ifaceId[i]!, c.daddr, 4 * i)) return false;
        this.#settle(ct, manip, own);
        return true;
      }
      default: {
        const own = this.copy(range!);
        const [to, from] = as.hasNextHop ? [as.nextHop, 0] : [words, at + C_REPLY + TUPLE_SADDR];
        if (!this.#sourceTo(own, family, oif, to, from)) return false;
        words[at + C_MASQ_OIF] = oif;
        this.#settle(ct, manip, own);
        return true;
      }
    }
  }

  /**
   * What `apply` comes to, where that is the same for every packet but for the part of its address that stays, and nothing has
   * to be looked for; undefined where it is not.
   */
  exchange(as: Translation, manip: 0 | 1, family: Family): Exchange | undefined {
    const { kind, range, oif } = as;
    if (kind === SETTLED_AS_IT_IS) return { stays: ALL, address: NOTHING, port: -1 };
    const { flags, minAddr, maxAddr, minPort, maxPort } = range!;
    if ((flags & (NAT_PROTO_RANDOM | NAT_PROTO_RANDOM_FULLY | NAT_PROTO_OFFSET)) !== 0) return undefined;
    let port = -1;
    if ((flags & NAT_PROTO_SPECIFIED) !== 0) {
      if (manip === MANIP_SRC || minPort !== maxPort || this.onReplyChanged !== undefined) return undefined;
      port = minPort;
    }
    switch (kind) {
      case SETTLED_BY_RANGE:
        if ((flags & NAT_MAP_IPS) === 0) return { stays: ALL, address: NOTHING, port };
        if (minAddr.some((word, k) => word !== maxAddr[k])) return undefined;
        return { stays: NOTHING, address: minAddr, port };
      case SETTLED_BY_NETMAP: {
        const stays = minAddr.map((word, k) => word ^ maxAddr[k]!);
        return { stays, address: minAddr.map((word, k) => word & ~stays[k]!), port };
      }
      case SETTLED_BY_MASQUERADE: {
        if (!as.hasNextHop && !this.host.hasOneSource(family, oif)) return undefined;
        const own = this.copy(range!);
        if (!this.#sourceTo(own, family, oif, as.hasNextHop ? as.nextHop : NOTHING, 0)) return undefined;
        return { stays: NOTHING, address: own.minAddr.slice(), port };
      }
      default:
        return undefined;
    }
  }

  /** MASQUERADE: nf_nat_masquerade_ipv4() and _ipv6() in net/netfilter/nf_nat_masquerade.c. */
  masquerade(p: Packet, range: NatRange): Verdict {
    const r = p.r;
    const ct = r[R_CT]!;
    const family = r[R_FAMILY] as Family;
    const { words } = this.core;
    if (family === 4 && words[ct << RECORD_SHIFT] === 0) return VERDICT_ACCEPT;
    const own = this.copy(range);
    const byNextHop = this.hasNextHop && family === 4;
    const [to, at] = byNextHop ? [this.nextHop, 0] : [r, R_DADDR];
    if (!this.#sourceTo(own, family, r[R_OIF]!, to, at)) return VERDICT_DROP;
    words[(ct << RECORD_SHIFT) + C_MASQ_OIF] = r[R_OIF]!;
    const settled = this.settled[MANIP_SRC];
    settled.note(p.number, SETTLED_BY_MASQUERADE, range);
    settled.oif = r[R_OIF]!;
    settled.hasNextHop = byNextHop;
    if (byNextHop) settled.nextHop.set(this.nextHop);
    return this.#setup(p, MANIP_SRC, own);
  }

  /** The address of interface `oif` that reaches the address at `at` of `to`. */
  #sourceTo(own: Mutable<NatRange>, family: Family, oif: number, to: Int32Array, at: number): boolean {
    return this.host.selectSource(family, oif, to, at, own.minAddr, 0) && toOneAddress(own);
  }

  /** REDIRECT: nf_nat_redirect_ipv4() and _ipv6() in net/netfilter/nf_nat_redirect.c. */
  redirect(p: Packet, range: NatRange): Verdict {
    const r = p.r;
    const family = r[R_FAMILY] as Family;
    const own = this.copy(range);
    if (r[R_HOOK] === HOOK_OUTPUT) {
      own.minAddr.fill(0);
      if (family === 4) own.minAddr[0] = LOOPBACK;
      else own.minAddr[3] = 1;
      toOneAddress(own);
    } else if (!this.#firstAddress(own, family, r[R_IIF]!, r, R_DADDR)) {
      return VERDICT_DROP;
    }
    this.settled[MANIP_DST].note(p.number, SETTLED_BY_REDIRECT, range);
    return this.#setup(p, MANIP_DST, own);
  }

  /** The first address of interface `iif` that a packet to the address at `at` of `to` may be redirected to. */
  #firstAddress(own: Mutable<NatRange>, family: Family, iif: number, to: Int32Array, at: number): boolean {
    own.minAddr.fill(0);
    return this.host.firstAddress(family, iif, to, at, own.minAddr, 0) && toOneAddress(own);
  }

  /** NETMAP: netmap_tg4() and netmap_tg6() in net/netfilter/xt_NETMAP.c: the network is exchanged, the host stays. */
  netmap(p: Packet, range: NatRange): Verdict {
    const r = p.r;
    const manip = manipOf(r[R_HOOK]!);
    this.settled[manip].note(p.number, SETTLED_BY_NETMAP, range);
    return this.#setup(p, manip, this.#mapped(range, r, manip === MANIP_SRC ? R_SADDR : R_DADDR));
  }

  #mapped(range: NatRange, words: Int32Array, at: number): NatRange {
    const own = this.copy(range);
    for (let i = 0; i < 4; i++) {
      const hostMask = range.minAddr[i]! ^ range.maxAddr[i]!;
      own.minAddr[i] = (words[at + i]! & hostMask) | (range.minAddr[i]! & ~hostMask);
    }
    toOneAddress(own);
    return own;
  }

  private copy(range: NatRange): Mutable<NatRange> {
    const own = this.range;
    own.flags = range.flags;
    own.minPort = range.minPort;
    own.maxPort = range.maxPort;
    own.basePort = range.basePort;
    own.minAddr.set(range.minAddr);
    own.maxAddr.set(range.maxAddr);
    return own;
  }
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** The words of an address of which all, or nothing, stays. */
const ALL = new Int32Array(4).fill(-1);
const NOTHING = new Int32Array(4);

/** The range is the address that is its lowest now. */
function toOneAddress(range: Mutable<NatRange>): true {
  range.maxAddr.set(range.minAddr);
  range.flags |= NAT_MAP_IPS;
  return true;
}

/** "Rule" by which the translations draw their random numbers: one that no rule has. */
const NAT_DICE = 0x6e6174;
/** The same for the ports that helpers choose. */
const HELPER_DICE = 0x68656c70;

const LOOPBACK = 0x7f000001;

/** The source of the original tuple at `at` is that of the translated one. */
function sameSource(words: Int32Array, at: number, translated: Int32Array): boolean {
  for (let i = 0; i < 4; i++) if (words[at + i] !== translated[i]) return false;
  return words[at + TUPLE_SPORT] === translated[TUPLE_SPORT];
}

function doneBit(manip: 0 | 1): number {
  return manip === MANIP_SRC ? IPS_SRC_NAT_DONE : IPS_DST_NAT_DONE;
}

/** True for an ICMP error that belongs to a connection: it never walks rules, its connection says what to do. */
function isRelatedIcmp(p: Packet): boolean {
  const ctinfo = p.r[R_CTINFO]!;
  if (ctinfo !== CT_RELATED && ctinfo !== CT_RELATED_REPLY) return false;
  return p.r[R_L4PROTO] === (p.r[R_FAMILY] === 4 ? IPPROTO_ICMP : IPPROTO_ICMPV6);
}
