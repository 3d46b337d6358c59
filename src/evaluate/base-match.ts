import { DECODE_BAD_CHAIN } from '../batch/layout.ts';
import type { Packet } from '../packet/packet.ts';
import {
  R_DADDR,
  R_DECODE_FLAGS,
  R_FAMILY,
  R_FRAG_OFFSET,
  R_IIF,
  R_L4PROTO,
  R_OIF,
  R_SADDR,
} from '../packet/registers.ts';
import type { AddressMatch } from '../ruleset/model.ts';
import type { RuntimeRule } from './runtime.ts';

/**
 * What stands in a rule without any -m: -s -d -i -o -p -f. Linux: net/ipv4/netfilter/ip_tables.c,
 * ip_packet_match(); net/ipv6/netfilter/ip6_tables.c, ip6_packet_match().
 */
export function baseMatches(rule: RuntimeRule, p: Packet): boolean {
  const { source, destination, protocol, protocolInverted, fragment } = rule.rule;
  const { r } = p;
  if (source !== undefined && !addressMatches(source, r, R_SADDR)) return false;
  if (destination !== undefined && !addressMatches(destination, r, R_DADDR)) return false;
  if (rule.inInterface !== undefined && !rule.inInterface.test(r[R_IIF]!)) return false;
  if (rule.outInterface !== undefined && !rule.outInterface.test(r[R_OIF]!)) return false;
  if (protocol !== 0) {
    if (r[R_FAMILY] === 6 && (r[R_DECODE_FLAGS]! & DECODE_BAD_CHAIN) !== 0) {
      // ipv6_find_hdr() fails: the kernel drops such a packet in the first rule that asks for a protocol.
      p.hotdrop = true;
      return false;
    }
    if ((r[R_L4PROTO] === protocol) === protocolInverted) return false;
  }
  if (fragment !== undefined && (r[R_FRAG_OFFSET] !== 0) !== (fragment === 'later')) return false;
  return true;
}

function addressMatches(match: AddressMatch, r: Int32Array, at: number): boolean {
  const { address, mask, inverted } = match;
  for (let i = 0; i < 4; i++) if (((r[at + i]! & mask[i]!) ^ address[i]!) !== 0) return inverted;
  return !inverted;
}
