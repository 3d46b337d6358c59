import type { Family } from '../base/inet.ts';
import type { Host } from '../host/types.ts';
import type { Nat } from '../nat/nat.ts';
import {
  IPS_EXPECTED,
  IPS_HELPER,
  IPS_SEQ_ADJUST,
  TUPLE_PROTO,
  TUPLE_SPORT,
} from '../packet/conntrack-access.ts';
import type { Packet } from '../packet/packet.ts';
import { CT_IS_REPLY, CT_RELATED_REPLY, R_CT, R_CTINFO, R_IIF } from '../packet/registers.ts';
import { VERDICT_ACCEPT, VERDICT_DROP, type Verdict } from '../packet/verdict.ts';
import type { ConntrackCore } from './core.ts';
import type { Expectation } from './expect.ts';
import { type Helper, HelperCall } from './helper.ts';
import { HELPERS } from './helpers/registry.ts';
import { DROPPED_BY_HELPER } from './invalid.ts';
import { C_HELPER, C_MARK, C_MASTER, C_REPLY, C_SECMARK, C_STATUS, RECORD_SHIFT } from './layout.ts';

/** What becomes of the helpers' side of conntrack: who has which, what it remembers, and the calls. */
export class Helpers {
  /** Names of helpers, known here or not; C_HELPER is an index + 1. */
  readonly names: string[] = [];
  private readonly core: ConntrackCore;
  private readonly nat: Nat;
  private readonly host: Host;
  private readonly call: HelperCall;
  private readonly memories = new Map<number, unknown>();
  private readonly assume: (sentence: string) => void;
  /** net.netfilter.nf_conntrack_helper: by the server's port. Gone since Linux 6.0. */
  readonly assignsByPort: boolean;
  /** Connections that stood before the capture. */
  private readonly seeded = new Set<number>();
  /** Connections whose helper a rule has named; kept only where others get theirs by port. */
  private readonly named = new Set<number>();

  constructor(core: ConntrackCore, nat: Nat, host: Host, assume: (sentence: string) => void) {
    this.core = core;
    this.nat = nat;
    this.host = host;
    this.assume = assume;
    this.call = new HelperCall(core, nat, host, assume);
    this.assignsByPort = host.sysctl('net.netfilter.nf_conntrack_helper') !== 0;
    core.onEnd = (ct) => this.end(ct);
    core.onFree = (ct) => this.forget(ct);
    if (this.assignsByPort) nat.onReplyChanged = (ct) => this.assignByPort(ct);
  }

  /** Number of a helper's name, given out on first use. */
  numberOf(name: string): number {
    const known = this.names.indexOf(name);
    return known >= 0 ? known + 1 : this.names.push(name);
  }

  /** init_conntrack(), of a new connection: was it expected? If not it gets the helper that its template names. */
  begin(ct: number, zone: number, named: string | undefined, p: Packet): void {
    const { core } = this;
    const at = ct << RECORD_SHIFT;
    const expected = core.expectations.take(core.words, at, zone);
    if (expected !== undefined) this.welcome(ct, expected, p);
    else if (named !== undefined) {
      this.assign(ct, named);
      if (this.assignsByPort) this.named.add(ct);
    } else if (this.assignsByPort) this.assignByPort(ct);
  }

  /** A connection with a helper that stood before the capture. */
  seed(ct: number, name: string): void {
    this.assign(ct, name);
    this.seeded.add(ct);
  }

  /** Gives a connection a helper: nf_ct_helper_ext_add(). */
  assign(ct: number, name: string): void {
    const at = ct << RECORD_SHIFT;
    const { words } = this.core;
    words[at + C_HELPER] = this.numberOf(name);
    words[at + C_STATUS]! |= IPS_HELPER;
  }

  /**
   * The packet has come through all its hooks: nf_confirm() in net/netfilter/nf_conntrack_proto.c, up to
   * nf_conntrack_confirm(). For connections with IPS_HELPER or IPS_SEQ_ADJUST.
   */
  help(p: Packet): Verdict {
    const { core } = this;
    const ct = p.r[R_CT]!;
    const ctinfo = p.r[R_CTINFO]!;
    // Helpers do not expect ICMP packets.
    if (ctinfo === CT_RELATED_REPLY || p.l4Offset < 0) return VERDICT_ACCEPT;
    const at = ct << RECORD_SHIFT;
    const dir = ctinfo >= CT_IS_REPLY ? 1 : 0;
    const isAdjusted = (core.words[at + C_STATUS]! & IPS_SEQ_ADJUST) !== 0 && !this.isLoopback(p);
    const helper = this.helperOf(ct);
    if (helper !== undefined) {
      core.nowNs = p.timeNs;
      const { call } = this;
      call.helper = helper;
      call.p = p;
      call.ct = ct;
      call.ctinfo = ctinfo;
      call.dir = dir;
      const verdict = helper.help(call, this.memoryOf(ct, helper));
      if (verdict !== VERDICT_ACCEPT) {
        core.lastInvalidReason = DROPPED_BY_HELPER;
        return verdict;
      }
    }
    if (isAdjusted && !core.adjustments.adjust(p, ct, dir)) return VERDICT_DROP;
    return VERDICT_ACCEPT;
  }

  /** "Welcome, Mr. Bond": the connection takes after its master. */
  private welcome(ct: number, expected: Expectation, p: Packet): void {
    const { core } = this;
    const { words } = core;
    const at = ct << RECORD_SHIFT;
    const master = expected.master << RECORD_SHIFT;
    words[at + C_STATUS]! |= IPS_EXPECTED;
    words[at + C_MASTER] = expected.master + 1;
    core.hold(expected.master);
    words[at + C_MARK] = words[master + C_MARK]!;
    words[at + C_SECMARK] = words[master + C_SECMARK]!;
    if (expected.assignHelper !== undefined) this.assign(ct, expected.assignHelper.name);
    expected.expectfn?.(this.nat, ct, expected, p);
  }

  /** __nf_ct_helper_find() of Linux before 6.0: by the port that the answers come from, again when that changes. */
  private assignByPort(ct: number): void {
    const { words } = this.core;
    const at = ct << RECORD_SHIFT;
    // One that a rule gave stays, and so does that of a connection that is expected or expects others.
    if (words[at + C_MASTER] !== 0 || this.core.expectations.of(ct).length > 0 || this.named.has(ct)) return;
    words[at + C_HELPER] = 0;
    const port = words[at + C_REPLY + TUPLE_SPORT]!;
    const proto = words[at + TUPLE_PROTO]!;
    for (const helper of HELPERS.values()) {
      if (helper.port !== port || !serves(helper, proto)) continue;
      this.assume(
        'Connections get helpers by their port (net.netfilter.nf_conntrack_helper is 1), as if the modules of all helpers were loaded.',
      );
      this.assign(ct, helper.name);
      return;
    }
  }

  private helperOf(ct: number): Helper | undefined {
    const at = ct << RECORD_SHIFT;
    const { words } = this.core;
    const number = words[at + C_HELPER]!;
    if (number === 0) return undefined;
    const helper = HELPERS.get(this.names[number - 1]!);
    return helper !== undefined && serves(helper, words[at + TUPLE_PROTO]!) ? helper : undefined;
  }

  private memoryOf(ct: number, helper: Helper): unknown {
    if (helper.remember === undefined) return undefined;
    let memory = this.memories.get(ct);
    if (memory === undefined) {
      memory = helper.remember(this.seeded.has(ct));
      this.memories.set(ct, memory);
    }
    return memory;
  }

  /** nf_ct_helper_destroy(). */
  private end(ct: number): void {
    const helper = this.helperOf(ct);
    if (helper?.end !== undefined) helper.end(this.call, this.memoryOf(ct, helper), ct);
  }

  private forget(ct: number): void {
    this.memories.delete(ct);
    this.named.delete(ct);
    this.seeded.delete(ct);
  }

  /** nf_is_loopback_packet(): it has come in by lo. */
  private isLoopback(p: Packet): boolean {
    const iif = p.r[R_IIF]!;
    return iif !== 0 && this.host.interfaces[iif]?.isLoopback === true;
  }
}

function serves({ families, protocols }: Helper, proto: number): boolean {
  return families.includes((proto >> 8) as Family) && protocols.includes(proto & 255);
}
