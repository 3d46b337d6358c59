/**
 * The decoder's fast path: Ethernet (with any VLAN tags), cooked or raw frames; IPv4 without options or IPv6 without
 * extension headers; TCP, UDP, ICMP; no fragment; nothing wrong or missing in any header. Nearly all packets are that,
 * and are read here in one go. All others are left to src/decode/row.ts, which is slower and knows everything; the two
 * must agree where both can answer (test/decode/fuzz.test.ts).
 *
 * `batch` is the address of a batch (src/batch/layout.ts) in the memory, AT_* are the offsets of its columns. A row's
 * elements are addressed by `batch` plus the row times their size, so that each store is one instruction.
 */

import { big16, big32 } from './bytes';
import { decodeIpv4, decodeIpv6 } from './ip';
import {
  AT_CAP_LEN,
  AT_DATA,
  AT_DATA_OFFSET,
  AT_DROP,
  AT_ETHER_TYPE,
  AT_FRAG_OFFSET,
  AT_IFINDEX,
  AT_L3_OFFSET,
  AT_LINKTYPE,
  AT_MAC_OFFSET,
  AT_ODD,
  AT_ORIG_LEN,
  AT_PKT_TYPE,
  AT_RECORD_DIRECTION,
  AT_VLAN,
  DECODE_GROUP_MAC,
  ETH_P_8021AD,
  ETH_P_8021Q,
  ETH_P_IP,
  ETH_P_IPV6,
  LINKTYPE_ETHERNET,
  LINKTYPE_IPV4,
  LINKTYPE_IPV6,
  LINKTYPE_LINUX_SLL,
  LINKTYPE_LINUX_SLL2,
  LINKTYPE_RAW,
  LINKTYPE_RAW_BSD,
  LINKTYPE_RAW_OPENBSD,
  NO_OFFSET,
  PKT_BROADCAST,
  PKT_HOST,
  PKT_MULTICAST,
  PKT_OUTGOING,
  PKT_UNKNOWN,
  RECORD_INBOUND,
  RECORD_OUTBOUND,
  RECORD_UNKNOWN,
} from './layout';

const ETHERNET_BYTES: u32 = 14;
const SLL_BYTES: u32 = 16;
const SLL2_BYTES: u32 = 20;
const VLAN_BYTES: u32 = 4;
const NO_VLAN: u32 = 0xffff;

/**
 * Decodes `count` rows, checksums too when `verify` is set. Those that it cannot answer for are listed in the column
 * `odd`; returns how many they are.
 */
export function decode(batch: usize, count: u32, verify: bool): u32 {
  let odd: u32 = 0;
  for (let i: u32 = 0; i < count; i++) {
    if (decodeRow(batch, i, verify)) continue;
    store<u16>(batch + 2 * odd, <u16>i, AT_ODD);
    odd++;
  }
  return odd;
}

function decodeRow(batch: usize, i: u32, verify: bool): bool {
  const p1 = batch + i;
  const p2 = batch + 2 * i;
  const p4 = batch + 4 * i;
  const begin = load<u32>(p4, AT_DATA_OFFSET);
  const captured = load<u32>(p4, AT_CAP_LEN);
  const onWire = max<u32>(load<u32>(p4, AT_ORIG_LEN), captured);
  const linktype: u32 = load<u16>(p2, AT_LINKTYPE);
  const frame = batch + begin + AT_DATA;
  let at: u32 = 0;
  let etherType: u32 = 0;
  let vlan = NO_VLAN;
  let flags: u32 = 0;
  let pktType = PKT_HOST;
  let macOffset = NO_OFFSET;
  let ifindex: u32 = 0;

  if (linktype === LINKTYPE_ETHERNET) {
    if (captured < ETHERNET_BYTES) return false;
    etherType = big16(frame + 12);
    at = ETHERNET_BYTES;
    macOffset = begin;
    pktType = PKT_UNKNOWN;
    if ((load<u8>(frame) & 1) !== 0) {
      flags = DECODE_GROUP_MAC;
      const isBroadcast = load<u32>(frame) === 0xffffffff && load<u16>(frame, 4) === 0xffff;
      pktType = isBroadcast ? PKT_BROADCAST : PKT_MULTICAST;
    }
  } else if (linktype === LINKTYPE_LINUX_SLL2) {
    if (captured < SLL2_BYTES) return false;
    etherType = big16(frame);
    ifindex = big32(frame + 4);
    pktType = cookedType(p1, load<u8>(frame, 10));
    at = SLL2_BYTES;
  } else if (linktype === LINKTYPE_LINUX_SLL) {
    if (captured < SLL_BYTES) return false;
    pktType = cookedType(p1, big16(frame));
    etherType = big16(frame + 14);
    at = SLL_BYTES;
  } else if (
    linktype === LINKTYPE_RAW ||
    linktype === LINKTYPE_RAW_BSD ||
    linktype === LINKTYPE_RAW_OPENBSD
  ) {
    if (captured === 0) return false;
    etherType = (load<u8>(frame) & 0xf0) === 0x40 ? ETH_P_IP : ETH_P_IPV6;
  } else if (linktype === LINKTYPE_IPV4) etherType = ETH_P_IP;
  else if (linktype === LINKTYPE_IPV6) etherType = ETH_P_IPV6;

  while (etherType === ETH_P_8021Q || etherType === ETH_P_8021AD) {
    if (captured < at + VLAN_BYTES) return false;
    vlan = big16(frame + at) & 0x0fff;
    etherType = big16(frame + at + 2);
    at += VLAN_BYTES;
  }

  store<u8>(p1, 0, AT_DROP);
  store<u8>(p1, pktType, AT_PKT_TYPE);
  store<u16>(p2, 0, AT_FRAG_OFFSET);
  store<u16>(p2, vlan, AT_VLAN);
  store<u16>(p2, etherType, AT_ETHER_TYPE);
  store<u32>(p4, macOffset, AT_MAC_OFFSET);
  store<u32>(p4, begin + at, AT_L3_OFFSET);
  store<u32>(p4, ifindex, AT_IFINDEX);
  if (etherType === ETH_P_IP)
    return decodeIpv4(batch, i, begin + at, captured - at, onWire - at, flags, verify);
  return (
    etherType === ETH_P_IPV6 && decodeIpv6(batch, i, begin + at, captured - at, onWire - at, flags, verify)
  );
}

/** skb->pkt_type by a cooked header, and with it the direction, where the file states none: as src/decode/sll.ts. */
function cookedType(p1: usize, packetType: u32): u32 {
  if (packetType > PKT_OUTGOING) return PKT_UNKNOWN;
  if (load<u8>(p1, AT_RECORD_DIRECTION) === RECORD_UNKNOWN) {
    store<u8>(p1, packetType === PKT_OUTGOING ? RECORD_OUTBOUND : RECORD_INBOUND, AT_RECORD_DIRECTION);
  }
  return packetType;
}
