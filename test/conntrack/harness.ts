/**
 * A machine with nothing but connection tracking (and NAT, where a test asks for it): packets go in, what the hooks
 * made of them comes out. The rules of a test are functions, so that it depends on neither the ruleset language
 * nor the host's routing.
 */

import type { Family } from '../../src/base/inet.ts';
import { parseIpv4, parseIpv6 } from '../../src/base/inet.ts';
import { allocateBatch, type Batch } from '../../src/batch/batch.ts';
import { Conntrack } from '../../src/conntrack/conntrack.ts';
import { decodeBatch } from '../../src/decode/decode.ts';
import type { Host } from '../../src/host/types.ts';
import { Packet } from '../../src/packet/packet.ts';
import {
  CT_NONE,
  HOOK_INPUT,
  HOOK_OUTPUT,
  HOOK_POSTROUTING,
  HOOK_PREROUTING,
  R_CT,
  R_CTINFO,
  R_CTSTATUS,
  R_HOOK,
  R_IIF,
  R_OIF,
} from '../../src/packet/registers.ts';
import { VERDICT_ACCEPT, VERDICT_DROP, type Verdict } from '../../src/packet/verdict.ts';
import type { Bytes } from '../kernel/packets.ts';

const LINKTYPE_RAW = 101;

const DEFAULTS: Readonly<Record<string, number>> = {
  'net.netfilter.nf_conntrack_acct': 0,
  'net.netfilter.nf_conntrack_buckets': 262144,
  'net.netfilter.nf_conntrack_checksum': 1,
  'net.netfilter.nf_conntrack_expect_max': 4096,
  'net.netfilter.nf_conntrack_generic_timeout': 600,
  'net.netfilter.nf_conntrack_gre_timeout': 30,
  'net.netfilter.nf_conntrack_gre_timeout_stream': 180,
  'net.netfilter.nf_conntrack_helper': 0,
  'net.netfilter.nf_conntrack_icmp_timeout': 30,
  'net.netfilter.nf_conntrack_icmpv6_timeout': 30,
  'net.netfilter.nf_conntrack_max': 262144,
  'net.netfilter.nf_conntrack_sctp_timeout_closed': 10,
  'net.netfilter.nf_conntrack_sctp_timeout_cookie_echoed': 3,
  'net.netfilter.nf_conntrack_sctp_timeout_cookie_wait': 3,
  'net.netfilter.nf_conntrack_sctp_timeout_established': 210,
  'net.netfilter.nf_conntrack_sctp_timeout_heartbeat_sent': 30,
  'net.netfilter.nf_conntrack_sctp_timeout_shutdown_ack_sent': 3,
  'net.netfilter.nf_conntrack_sctp_timeout_shutdown_recd': 3,
  'net.netfilter.nf_conntrack_sctp_timeout_shutdown_sent': 3,
  'net.netfilter.nf_conntrack_tcp_be_liberal': 0,
  'net.netfilter.nf_conntrack_tcp_ignore_invalid_rst': 0,
  'net.netfilter.nf_conntrack_tcp_loose': 1,
  'net.netfilter.nf_conntrack_tcp_max_retrans': 3,
  'net.netfilter.nf_conntrack_tcp_timeout_close': 10,
  'net.netfilter.nf_conntrack_tcp_timeout_close_wait': 60,
  'net.netfilter.nf_conntrack_tcp_timeout_established': 432000,
  'net.netfilter.nf_conntrack_tcp_timeout_fin_wait': 120,
  'net.netfilter.nf_conntrack_tcp_timeout_last_ack': 30,
  'net.netfilter.nf_conntrack_tcp_timeout_max_retrans': 300,
  'net.netfilter.nf_conntrack_tcp_timeout_syn_recv': 60,
  'net.netfilter.nf_conntrack_tcp_timeout_syn_sent': 120,
  'net.netfilter.nf_conntrack_tcp_timeout_time_wait': 120,
  'net.netfilter.nf_conntrack_tcp_timeout_unacknowledged': 300,
  'net.netfilter.nf_conntrack_udp_timeout': 30,
  'net.netfilter.nf_conntrack_udp_timeout_stream': 120,
  'net.ipv4.ipfrag_high_thresh': 4194304,
  'net.ipv4.ipfrag_max_dist': 64,
  'net.ipv4.ipfrag_time': 30,
  'net.netfilter.nf_conntrack_frag6_high_thresh': 4194304,
  'net.netfilter.nf_conntrack_frag6_timeout': 60,
};

/** A host that knows sysctls and the addresses of its interfaces, 1, 2, …; whatever else is asked is a mistake. */
export function stubHost(
  options: {
    sysctls?: Readonly<Record<string, string | number>>;
    /** Address of an interface by id: for MASQUERADE and REDIRECT. */
    addresses?: Readonly<Record<number, string>>;
  } = {},
): Host {
  const address = (interfaceId: number, out: Int32Array, at: number): boolean => {
    const text = options.addresses?.[interfaceId];
    if (text === undefined) return false;
    out.fill(0, at, at + 4);
    if (text.includes(':')) out.set(parseIpv6(text)!, at);
    else out[at] = parseIpv4(text)!;
    return true;
  };
  const known = {
    interfaces: [],
    findInterface: () => 0,
    findIfindex: () => 0,
    sysctl: (name: string) => {
      const value = options.sysctls?.[name] ?? DEFAULTS[name];
      if (value === undefined) throw new Error(`sysctl ${name} is not in the stub`);
      return Number(value);
    },
    isLocalAddress: () => false,
    selectSource: (
      _family: Family,
      id: number,
      _words: Int32Array,
      _at: number,
      out: Int32Array,
      outAt: number,
    ) => address(id, out, outAt),
    firstAddress: (
      _family: Family,
      id: number,
      _words: Int32Array,
      _at: number,
      out: Int32Array,
      outAt: number,
    ) => address(id, out, outAt),
    assumptions: [],
  };
  return new Proxy(known, {
    get: (target, name) => {
      if (name in target) return target[name as keyof typeof target];
      throw new Error(`the stub host knows no ${String(name)}`);
    },
  }) as unknown as Host;
}

/** A batch of whole IP packets, decoded; times in seconds. */
export function rawBatch(packets: readonly { bytes: Bytes; at?: number; captured?: number }[]): Batch {
  const size = packets.reduce((sum, packet) => sum + packet.bytes.length + 8, 64);
  const batch = allocateBatch(Math.max(1, packets.length), size);
  const c = batch.columns;
  let offset = 0;
  for (const [i, packet] of packets.entries()) {
    const captured = Math.min(packet.bytes.length, packet.captured ?? packet.bytes.length);
    batch.data.set(packet.bytes.subarray(0, captured), offset);
    c.timeNs[i] = (packet.at ?? 0) * 1e9;
    c.dataOffset[i] = offset;
    c.capLen[i] = captured;
    c.origLen[i] = packet.bytes.length;
    c.linktype[i] = LINKTYPE_RAW;
    offset += captured;
  }
  batch.count = packets.length;
  decodeBatch(batch);
  return batch;
}

/** How a packet goes through the machine. */
export type Way = 'forward' | 'input' | 'output';

export interface Rules {
  /** Runs before conntrack: CT templates, NOTRACK. */
  raw?(p: Packet, hook: number): unknown;
  /** The nat chain of a hook, walked by the first packet of a connection. */
  nat?(p: Packet, hook: number): Verdict;
  /** The filter chain: anything but VERDICT_ACCEPT ends the packet. */
  filter?(p: Packet): Verdict;
}

export interface Passed {
  readonly verdict: Verdict;
  readonly ctinfo: number;
  readonly status: number;
  readonly ct: number;
  readonly reason: number;
  /** The registers when the packet left, or died. */
  readonly r: Int32Array;
  /** The bytes of the IP packet as they are in the Packet. */
  readonly bytes: Uint8Array;
}

export class Machine {
  readonly conntrack: Conntrack;
  private readonly rules: Rules;
  private readonly hasNat: boolean;
  private readonly p = new Packet();
  private number = 0;

  constructor(
    options: {
      host?: Host;
      rules?: Rules;
      seed?: number;
      midstream?: 'kernel' | 'established';
      maxTableBytes?: number;
    } = {},
  ) {
    const { host = stubHost(), rules = {}, seed = 1, ...rest } = options;
    this.conntrack = new Conntrack({ host, seed, ...rest });
    this.rules = rules;
    this.hasNat = rules.nat !== undefined;
  }

  /** Sends one packet through; `iif` and `oif` are interface ids. */
  pass(
    bytes: Bytes,
    options: { at?: number; way?: Way; iif?: number; oif?: number; captured?: number } = {},
  ): Passed {
    const { way = 'forward', at = 0, iif = 1, oif = 2 } = options;
    const batch = rawBatch([
      { bytes, at, ...(options.captured === undefined ? {} : { captured: options.captured }) },
    ]);
    const { p } = this;
    p.load(batch, 0, this.number++);
    const r = p.r;
    r[R_IIF] = way === 'output' ? 0 : iif;
    r[R_OIF] = way === 'output' ? oif : 0;
    const state = { ctinfo: CT_NONE as number, status: 0, ct: -1, reason: 0 };
    const verdict = this.walk(p, way, oif, state);
    return { verdict, ...state, r: r.slice(), bytes: p.bytes.slice(p.l3Offset, p.l3End) };
  }

  private walk(
    p: Packet,
    way: Way,
    oif: number,
    state: { ctinfo: number; status: number; ct: number; reason: number },
  ): Verdict {
    const { conntrack } = this;
    const r = p.r;
    const first = way === 'output' ? HOOK_OUTPUT : HOOK_PREROUTING;
    r[R_HOOK] = first;
    this.rules.raw?.(p, first);
    const tracked = conntrack.track(p, first);
    state.reason = conntrack.lastInvalidReason;
    state.ctinfo = r[R_CTINFO]!;
    state.status = r[R_CTSTATUS]!;
    state.ct = r[R_CT]!;
    if (tracked !== VERDICT_ACCEPT) return this.end(p, tracked);
    let verdict = this.nat(p, first);
    if (verdict !== VERDICT_ACCEPT) return this.end(p, verdict);
    verdict = this.rules.filter?.(p) ?? VERDICT_ACCEPT;
    if (verdict !== VERDICT_ACCEPT) return this.end(p, verdict);
    const last = way === 'input' ? HOOK_INPUT : HOOK_POSTROUTING;
    if (last === HOOK_POSTROUTING) r[R_OIF] = oif;
    verdict = this.nat(p, last);
    if (verdict !== VERDICT_ACCEPT) return this.end(p, verdict);
    verdict = conntrack.confirm(p);
    return verdict === VERDICT_ACCEPT ? verdict : this.end(p, verdict);
  }

  private nat(p: Packet, hook: number): Verdict {
    if (!this.hasNat) return VERDICT_ACCEPT;
    p.r[R_HOOK] = hook;
    const { nat } = this.conntrack;
    if (nat.needsRules(p, hook)) {
      const verdict = this.rules.nat!(p, hook);
      if (verdict !== VERDICT_ACCEPT) return verdict;
    }
    return nat.finish(p, hook);
  }

  private end(p: Packet, verdict: Verdict): Verdict {
    this.conntrack.release(p);
    return verdict === VERDICT_ACCEPT ? VERDICT_DROP : verdict;
  }
}

/** The listing as the judge gives it: sorted, words separated by one blank. */
export function listing(machine: Machine, atSeconds = 0): string[] {
  return machine.conntrack
    .dump(atSeconds * 1e9)
    .map((line) => line.split(/\s+/).join(' '))
    .sort();
}
