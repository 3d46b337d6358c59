import { EXPECT_BUSY, EXPECT_OK, type Expectation } from '../conntrack/expect.ts';
import type { HelperCall } from '../conntrack/helper.ts';
import { RECORD_SHIFT, REPLY_STRIDE } from '../conntrack/layout.ts';
import {
  MANIP_DST,
  MANIP_SRC,
  NAT_MAP_IPS,
  NAT_PROTO_SPECIFIED,
  type NatRange,
  TUPLE_DADDR,
  TUPLE_DPORT,
  TUPLE_SADDR,
} from '../packet/conntrack-access.ts';
import { IPPROTO_TCP, type Packet } from '../packet/packet.ts';
import { R_LENGTH } from '../packet/registers.ts';
import { splicePayload } from '../packet/splice.ts';
import type { Nat } from './nat.ts';

/**
 * What the NAT counterparts of helpers have in common: net/netfilter/nf_nat_helper.c. They write the addresses and ports
 * of the translation into the packet, and settle beforehand how the connection that is expected will be translated.
 */

/**
 * nf_nat_mangle_tcp_packet() and nf_nat_mangle_udp_packet(): writes `text` in place of `matchBytes` bytes from
 * `matchAt` of the payload on. Later packets of a TCP connection are shifted accordingly, unless `adjusts` is false. False
 * when the packet would get too long.
 */
export function manglePayload(
  call: HelperCall,
  matchAt: number,
  matchBytes: number,
  text: string | Uint8Array,
  adjusts = true,
): boolean {
  const { p } = call;
  const growth = text.length - matchBytes;
  if (growth > 0 && p.r[R_LENGTH]! + growth > 0xffff) return false;
  splicePayload(p, call.payloadAt + matchAt, matchBytes, text);
  if (adjusts && call.l4proto === IPPROTO_TCP) {
    call.core.adjustments.set(call.ct, call.dir, p.view.getInt32(p.l4Offset + 4), growth);
  }
  return true;
}

const MAX_ATTEMPTS = 128;

/**
 * nf_nat_exp_find_port(): expects the connection at port `port`, or where that is taken at another drawn at random
 * from those above. The port, or 0.
 */
export function expectAtPort(call: HelperCall, expectation: Expectation, port: number): number {
  const range = 0xffff - port;
  let attemptsLeft = Math.min(range, MAX_ATTEMPTS);
  let chosen = port;
  for (let draw = 0; ; draw++) {
    expectation.tuple[TUPLE_DPORT] = chosen;
    const refused = call.expectations.related(expectation);
    if (refused === EXPECT_OK) return chosen;
    if (refused !== EXPECT_BUSY || --attemptsLeft < 0) return 0;
    chosen = port + call.nat.drawBelow(call.p.number, draw, range);
  }
}

/** nf_nat_follow_master(): the expected connection is translated as its master is, and goes to the saved port. */
export function followMaster(nat: Nat, ct: number, expectation: Expectation, p: Packet): void {
  const { words } = nat;
  const master = (expectation.master << RECORD_SHIFT) + (expectation.dir === 0 ? REPLY_STRIDE : 0);
  nat.setup(p, MANIP_SRC, address(words, master + TUPLE_DADDR), ct);
  nat.setup(p, MANIP_DST, addressAndPort(words, master + TUPLE_SADDR, expectation.savedPort), ct);
}

/** A range of one address; valid until the next is made. */
export function address(words: Int32Array, at: number): NatRange {
  range.flags = NAT_MAP_IPS;
  for (let i = 0; i < 4; i++) {
    range.minAddr[i] = words[at + i]!;
    range.maxAddr[i] = words[at + i]!;
  }
  range.minPort = 0;
  range.maxPort = 0;
  return range;
}

/** As `address`, and one port. */
export function addressAndPort(words: Int32Array, at: number, port: number): NatRange {
  address(words, at);
  range.flags = NAT_MAP_IPS | NAT_PROTO_SPECIFIED;
  range.minPort = port;
  range.maxPort = port;
  return range;
}

const range = {
  flags: 0,
  minAddr: new Int32Array(4),
  maxAddr: new Int32Array(4),
  minPort: 0,
  maxPort: 0,
  basePort: 0,
};
