import type { Family } from '../base/inet.ts';
import { randomWord } from '../base/prng.ts';
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
} from '../packet/registers.ts';
import { VERDICT_ACCEPT, VERDICT_DROP, type Verdict } from '../packet/verdict.ts';
import { DrawnPorts } from './drawn-ports.ts';
import { manipIcmpError, manipOf, manipPacket } from './rewrite.ts';
import { TupleSelector } from './select.ts';
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
    const at = ct << RECORD_SHIFT;
    const reply = at + C_REPLY;
    // Nearly always nobody else expects the same answers: then nothing has to be chosen.
    if ((words[at + C_STATUS]! & IPS_CONFIRMED) === 0 && !isTupleTaken(this.core, words, reply, ct)) {
      words[at + C_STATUS]! |= doneBit(manip);
      p.r[R_CTSTATUS] = words[at + C_STATUS]!;
      return VERDICT_ACCEPT;
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
    return this.setup(p, manip, range, ct);
  }

  /** nf_nat_setup_info(). */
  setup(p: Packet, manip: 0 | 1, range: NatRange, ct = p.r[R_CT]!): Verdict {
    const { core } = this;
    const { words } = core;
    const at = ct << RECORD_SHIFT;
    if (ct < 0 || (words[at + C_STATUS]! & IPS_CONFIRMED) !== 0) return VERDICT_ACCEPT;
    if ((words[at + C_STATUS]! & doneBit(manip)) !== 0) return VERDICT_DROP;
    this.packetNumber = p.number;
    invertTuple(this.current, 0, words, at + C_REPLY);
    const { selector } = this;
    selector.select(this.current, 0, range, ct, manip);
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
    p.r[R_CTSTATUS] = words[at + C_STATUS]!;
    return VERDICT_ACCEPT;
  }

  /** MASQUERADE: nf_nat_masquerade_ipv4() and _ipv6() in net/netfilter/nf_nat_masquerade.c. */
  masquerade(p: Packet, range: NatRange): Verdict {
    const r = p.r;
    const ct = r[R_CT]!;
    const family = r[R_FAMILY] as Family;
    const { words } = this.core;
    if (family === 4 && words[ct << RECORD_SHIFT] === 0) return VERDICT_ACCEPT;
    const own = this.copy(range);
    const [to, at] = this.hasNextHop && family === 4 ? [this.nextHop, 0] : [r, R_DADDR];
    if (!this.host.selectSource(family, r[R_OIF]!, to, at, own.minAddr, 0)) return VERDICT_DROP;
    own.maxAddr.set(own.minAddr);
    own.flags |= NAT_MAP_IPS;
    words[(ct << RECORD_SHIFT) + C_MASQ_OIF] = r[R_OIF]!;
    return this.setup(p, MANIP_SRC, own);
  }

  /** REDIRECT: nf_nat_redirect_ipv4() and _ipv6() in net/netfilter/nf_nat_redirect.c. */
  redirect(p: Packet, range: NatRange): Verdict {
    const r = p.r;
    const family = r[R_FAMILY] as Family;
    const own = this.copy(range);
    own.minAddr.fill(0);
    if (r[R_HOOK] === HOOK_OUTPUT) {
      if (family === 4) own.minAddr[0] = LOOPBACK;
      else own.minAddr[3] = 1;
    } else if (!this.host.firstAddress(family, r[R_IIF]!, r, R_DADDR, own.minAddr, 0)) {
      return VERDICT_DROP;
    }
    own.maxAddr.set(own.minAddr);
    own.flags |= NAT_MAP_IPS;
    return this.setup(p, MANIP_DST, own);
  }

  /** NETMAP: netmap_tg4() and netmap_tg6() in net/netfilter/xt_NETMAP.c: the network is exchanged, the host stays. */
  netmap(p: Packet, range: NatRange): Verdict {
    const r = p.r;
    const manip = manipOf(r[R_HOOK]!);
    const own = this.copy(range);
    const address = manip === MANIP_SRC ? 0 : R_DADDR;
    for (let i = 0; i < 4; i++) {
      const hostMask = range.minAddr[i]! ^ range.maxAddr[i]!;
      own.minAddr[i] = (r[address + i]! & hostMask) | (range.minAddr[i]! & ~hostMask);
    }
    own.maxAddr.set(own.minAddr);
    own.flags |= NAT_MAP_IPS;
    return this.setup(p, manip, own);
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
