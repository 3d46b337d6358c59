import type { Family } from '../base/inet.ts';
import type { Host } from '../host/types.ts';
import type { Nat } from '../nat/nat.ts';
import {
  IPS_DST_NAT,
  IPS_SRC_NAT,
  TUPLE_DADDR,
  TUPLE_DPORT,
  TUPLE_PROTO,
  TUPLE_SADDR,
  TUPLE_SPORT,
} from '../packet/conntrack-access.ts';
import { IPPROTO_TCP, type Packet } from '../packet/packet.ts';
import { R_LENGTH } from '../packet/registers.ts';
import type { Verdict } from '../packet/verdict.ts';
import type { ConntrackCore } from './core.ts';
import { Expectation, type Expectations, zoneId } from './expect.ts';
import { C_STATUS, RECORD_SHIFT, REPLY_STRIDE } from './layout.ts';
import { protoWord } from './tuple.ts';

/** How many connections of a class a master may announce at once (0: any number), and for how long. */
export interface ExpectPolicy {
  readonly maxExpected: number;
  readonly timeoutSeconds: number;
  /** As the kernel lists it, where a helper has several. */
  readonly name?: string;
}

/** struct nf_conntrack_helper: one that reads the packets of a connection for others that belong to it. */
export interface Helper<Memory = unknown> {
  readonly name: string;
  readonly families: readonly Family[];
  readonly protocols: readonly number[];
  /** The server's port, by which nf_conntrack_helper assigns it; undefined: only another helper hands it out. */
  readonly port?: number;
  readonly policies: readonly ExpectPolicy[];
  /**
   * What it remembers of a connection (nfct_help_data()) when it sees the first packet of it. `isSeeded`: the connection
   * stood before the capture, and nothing is known of what was said.
   */
  remember?(isSeeded: boolean): Memory;
  /** Called for every packet of the connection, behind all rules of its last hook. */
  help(call: HelperCall, memory: Memory): Verdict;
  /** Connection `ct` ends (nf_ct_helper_destroy()): what belongs to it ends with it. No packet is at hand. */
  end?(call: HelperCall, memory: Memory, ct: number): void;
}

/**
 * The packet that a helper is called for, and what it may do about it: one object for a run. Payload is read from
 * `p.bytes` each time it is asked for, since a helper may have rewritten it.
 */
export class HelperCall {
  readonly core: ConntrackCore;
  readonly words: Int32Array;
  readonly expectations: Expectations;
  readonly nat: Nat;
  readonly host: Host;
  helper!: Helper;
  p!: Packet;
  ct = -1;
  ctinfo = 0;
  dir: 0 | 1 = 0;
  private readonly assume: (sentence: string) => void;

  constructor(core: ConntrackCore, nat: Nat, host: Host, assume: (sentence: string) => void) {
    this.core = core;
    this.words = core.words;
    this.expectations = core.expectations;
    this.nat = nat;
    this.host = host;
    this.assume = assume;
  }

  /** Offset in `words` of the connection's tuple of direction `dir`. */
  tuple(dir: number): number {
    return this.tupleOf(this.ct, dir);
  }

  /** The same of any connection. */
  tupleOf(ct: number, dir: number): number {
    return (ct << RECORD_SHIFT) + dir * REPLY_STRIDE;
  }

  /** Offset in `words` of the source or destination address of a direction's tuple. */
  saddr(dir: number): number {
    return this.tuple(dir) + TUPLE_SADDR;
  }

  daddr(dir: number): number {
    return this.tuple(dir) + TUPLE_DADDR;
  }

  sport(dir: number): number {
    return this.words[this.tuple(dir) + TUPLE_SPORT]!;
  }

  dport(dir: number): number {
    return this.words[this.tuple(dir) + TUPLE_DPORT]!;
  }

  get family(): Family {
    return (this.words[this.tuple(0) + TUPLE_PROTO]! >> 8) as Family;
  }

  get l4proto(): number {
    return this.words[this.tuple(0) + TUPLE_PROTO]! & 255;
  }

  /** The connection is translated (IPS_NAT_MASK): then the helper's counterpart in NAT rewrites what it says. */
  get isTranslated(): boolean {
    return (this.words[this.tuple(0) + C_STATUS]! & (IPS_SRC_NAT | IPS_DST_NAT)) !== 0;
  }

  /** Offset in `p.bytes` of the payload. */
  get payloadAt(): number {
    const { p } = this;
    const headerBytes = this.l4proto === IPPROTO_TCP ? (p.view.getUint8(p.l4Offset + 12) >> 4) << 2 : 8;
    return p.l4Offset + headerBytes;
  }

  /** Bytes of payload by the packet's own length. */
  get payloadBytes(): number {
    return this.p.l3Offset + this.p.r[R_LENGTH]! - this.payloadAt;
  }

  /**
   * True when the packet has `bytes` of payload, or any where nothing is said, and they were captured. What was cut off
   * is noted as an assumption: the helper does not see it.
   */
  hasPayload(bytes = Math.max(1, this.payloadBytes)): boolean {
    if (this.payloadBytes < bytes) return false;
    if (this.payloadAt + bytes <= this.p.l3End) return true;
    this.assume(
      'Packets of connections with a helper are cut short by the snap length: the helper passes them over, and what they announce is not expected.',
    );
    return false;
  }

  /** The payload as text, a character a byte; at most `limit` bytes. */
  text(limit = 0x10000): string {
    const { bytes } = this.p;
    const at = this.payloadAt;
    const count = Math.min(this.payloadBytes, limit);
    return Buffer.from(bytes.buffer, bytes.byteOffset + at, count).toString('latin1');
  }

  /**
   * nf_ct_expect_alloc() and nf_ct_expect_init(): a connection that the packet's own announces. Addresses are offsets in
   * `words`, or arrays of four words; `saddr` and `sport` undefined: any.
   */
  expectation(
    expectClass: number,
    l4proto: number,
    saddr: number | Int32Array | undefined,
    daddr: number | Int32Array,
    sport: number | undefined,
    dport: number,
  ): Expectation {
    const one = new Expectation(this.ct, expectClass);
    const { tuple } = one;
    if (saddr !== undefined) {
      this.copyAddress(tuple, TUPLE_SADDR, saddr);
      one.maskSaddr.fill(-1);
    }
    this.copyAddress(tuple, TUPLE_DADDR, daddr);
    if (sport !== undefined) {
      tuple[TUPLE_SPORT] = sport;
      one.maskSport = 0xffff;
    }
    tuple[TUPLE_DPORT] = dport;
    tuple[TUPLE_PROTO] = protoWord(l4proto, this.family);
    one.helper = this.helper;
    one.zone = zoneId(this.words, this.ct);
    return one;
  }

  private copyAddress(to: Int32Array, at: number, address: number | Int32Array): void {
    const [from, offset] = typeof address === 'number' ? [this.words, address] : [address, 0];
    for (let i = 0; i < 4; i++) to[at + i] = from[offset + i]!;
  }
}
