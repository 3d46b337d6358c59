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
  AT_FOREIGN,
  AT_FRAG_OFFSET,
  AT_IFINDEX,
  AT_L3_OFFSET,
  AT_LINKTYPE,
  AT_MAC_OFFSET,
  AT_ODD,
  AT_ORDINAL,
  AT_ORIG_LEN,
  AT_PKT_TYPE,
  AT_RECORD_DIRECTION,
  AT_SOURCE,
  AT_TIME_INVALID,
  AT_TIME_NS,
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
  ODD_UNDEALT,
  PKT_BROADCAST,
  PKT_HOST,
  PKT_MULTICAST,
  PKT_OUTGOING,
  PKT_UNKNOWN,
  RECORD_INBOUND,
  RECORD_OUTBOUND,
  RECORD_UNKNOWN,
} from './layout';
import { ownerOfIpv4, ownerOfIpv6, ownerOfPlain, UNDEALT } from './share';

const ETHERNET_BYTES: u32 = 14;
/** Headers of Ethernet and IPv4, and the first word behind them. */
const PLAIN_BYTES: u32 = ETHERNET_BYTES + 28;
const SLL_BYTES: u32 = 16;
const SLL2_BYTES: u32 = 20;
const VLAN_BYTES: u32 = 4;
const NO_VLAN: u32 = 0xffff;
/** As the memory has it. */
const ETH_P_IP_STORED: u32 = 0x0008;

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

/**
 * The same of the rows of share `index` of `shares` alone (src/decode/share.ts), which are moved up behind one another;
 * the column `ordinal` says where they were. Rows of which it does not know whose they are count as its own and are listed
 * with ODD_UNDEALT. Returns the number of rows << 16 | of those listed.
 */
export function decodeShare(
  batch: usize,
  count: u32,
  verify: bool,
  index: i32,
  shares: u32,
  byPorts: bool,
): u32 {
  const rows = deal(batch, count, index, shares, byPorts);
  let odd: u32 = 0;
  for (let i: u32 = 0; i < rows; i++) {
    moveRecord(batch, load<u16>(batch + 2 * i, AT_ORDINAL), i);
    const isUndealt = load<u8>(batch + i, AT_FOREIGN) !== 0;
    if (!isUndealt && decodeRow(batch, i, verify)) continue;
    store<u8>(batch + i, 0, AT_FOREIGN);
    store<u16>(batch + 2 * odd, <u16>(isUndealt ? i | ODD_UNDEALT : i), AT_ODD);
    odd++;
  }
  return (rows << 16) | odd;
}

/**
 * Lists the rows of a share in `ordinal`, and marks in `foreign` those that are perhaps not. A pass of its own, which does
 * not jump by whose a row is: half of such jumps would be guessed wrongly, and each wrong one throws away the loads of the
 * headers behind, which are most of the time.
 */
function deal(batch: usize, count: u32, index: i32, shares: u32, byPorts: bool): u32 {
  let rows: u32 = 0;
  for (let i: u32 = 0; i < count; i++) {
    const owner = ownerOf(batch, i, shares, byPorts);
    store<u16>(batch + 2 * rows, <u16>i, AT_ORDINAL);
    store<u8>(batch + rows, <u8>(owner === UNDEALT), AT_FOREIGN);
    rows += <u32>(owner === index) | <u32>(owner === UNDEALT);
  }
  return rows;
}

function ownerOf(batch: usize, i: u32, shares: u32, byPorts: bool): i32 {
  const p4 = batch + 4 * i;
  const frame = batch + load<u32>(p4, AT_DATA_OFFSET) + AT_DATA;
  if (
    load<u32>(p4, AT_CAP_LEN) >= PLAIN_BYTES &&
    load<u16>(batch + 2 * i, AT_LINKTYPE) === LINKTYPE_ETHERNET &&
    load<u16>(frame, 12) === ETH_P_IP_STORED &&
    !byPorts
  ) {
    const owner = ownerOfPlain(frame + ETHERNET_BYTES, shares);
    if (owner !== UNDEALT) return owner;
  }
  return ownerOfUnusual(batch, i, shares, byPorts);
}

function ownerOfUnusual(batch: usize, i: u32, shares: u32, byPorts: bool): i32 {
  const p4 = batch + 4 * i;
  const captured = load<u32>(p4, AT_CAP_LEN);
  const frame = batch + load<u32>(p4, AT_DATA_OFFSET) + AT_DATA;
  const network = networkOf(frame, captured, load<u16>(batch + 2 * i, AT_LINKTYPE));
  if (network === NO_NETWORK) return UNDEALT;
  const at = network >>> 16;
  return (network & 0xffff) === ETH_P_IP
    ? ownerOfIpv4(frame + at, captured - at, shares, byPorts)
    : ownerOfIpv6(frame + at, captured - at, shares, byPorts);
}

/** Copies the record columns of row `from` to row `to`. */
function moveRecord(batch: usize, from: u32, to: u32): void {
  const f1 = batch + from;
  const t1 = batch + to;
  const f2 = batch + 2 * from;
  const t2 = batch + 2 * to;
  const f4 = batch + 4 * from;
  const t4 = batch + 4 * to;
  store<f64>(batch + 8 * to, load<f64>(batch + 8 * from, AT_TIME_NS), AT_TIME_NS);
  store<u32>(t4, load<u32>(f4, AT_DATA_OFFSET), AT_DATA_OFFSET);
  store<u32>(t4, load<u32>(f4, AT_CAP_LEN), AT_CAP_LEN);
  store<u32>(t4, load<u32>(f4, AT_ORIG_LEN), AT_ORIG_LEN);
  store<u16>(t2, load<u16>(f2, AT_SOURCE), AT_SOURCE);
  store<u16>(t2, load<u16>(f2, AT_LINKTYPE), AT_LINKTYPE);
  store<u8>(t1, load<u8>(f1, AT_RECORD_DIRECTION), AT_RECORD_DIRECTION);
  store<u8>(t1, load<u8>(f1, AT_TIME_INVALID), AT_TIME_INVALID);
}

/** There is no IP header, or not enough before it. */
const NO_NETWORK: u32 = 0;

/** Offset of the IP header in a frame << 16 | ETH_P_IP or ETH_P_IPV6; or NO_NETWORK. */
function networkOf(frame: usize, captured: u32, linktype: u32): u32 {
  let at: u32 = 0;
  let etherType: u32 = 0;
  if (linktype === LINKTYPE_ETHERNET) {
    if (captured < ETHERNET_BYTES) return NO_NETWORK;
    etherType = big16(frame + 12);
    at = ETHERNET_BYTES;
  } else if (linktype === LINKTYPE_LINUX_SLL2) {
    if (captured < SLL2_BYTES) return NO_NETWORK;
    etherType = big16(frame);
    at = SLL2_BYTES;
  } else if (linktype === LINKTYPE_LINUX_SLL) {
    if (captured < SLL_BYTES) return NO_NETWORK;
    etherType = big16(frame + 14);
    at = SLL_BYTES;
  } else if (
    linktype === LINKTYPE_RAW ||
    linktype === LINKTYPE_RAW_BSD ||
    linktype === LINKTYPE_RAW_OPENBSD
  ) {
    if (captured === 0) return NO_NETWORK;
    etherType = (load<u8>(frame) & 0xf0) === 0x40 ? ETH_P_IP : ETH_P_IPV6;
  } else if (linktype === LINKTYPE_IPV4) etherType = ETH_P_IP;
  else if (linktype === LINKTYPE_IPV6) etherType = ETH_P_IPV6;

  while (etherType === ETH_P_8021Q || etherType === ETH_P_8021AD) {
    if (captured < at + VLAN_BYTES) return NO_NETWORK;
    etherType = big16(frame + at + 2);
    at += VLAN_BYTES;
  }
  return etherType === ETH_P_IP || etherType === ETH_P_IPV6 ? (at << 16) | etherType : NO_NETWORK;
}

/** The everyday row: Ethernet, untagged, IPv4. */
function decodeRow(batch: usize, i: u32, verify: bool): bool {
  const p4 = batch + 4 * i;
  const begin = load<u32>(p4, AT_DATA_OFFSET);
  const captured = load<u32>(p4, AT_CAP_LEN);
  const frame = batch + begin + AT_DATA;
  if (
    load<u16>(batch + 2 * i, AT_LINKTYPE) !== LINKTYPE_ETHERNET ||
    captured < ETHERNET_BYTES ||
    load<u16>(frame, 12) !== ETH_P_IP_STORED
  )
    return decodeUnusual(batch, i, verify);
  const onWire = max<u32>(load<u32>(p4, AT_ORIG_LEN), captured);
  let flags: u32 = 0;
  let pktType = PKT_UNKNOWN;
  if ((load<u8>(frame) & 1) !== 0) {
    flags = DECODE_GROUP_MAC;
    pktType = groupType(frame);
  }
  const at = begin + ETHERNET_BYTES;
  storeLink(batch, i, pktType, NO_VLAN, ETH_P_IP, begin, at, 0);
  return decodeIpv4(batch, i, at, captured - ETHERNET_BYTES, onWire - ETHERNET_BYTES, flags, verify);
}

function storeLink(
  batch: usize,
  i: u32,
  pktType: u32,
  vlan: u32,
  etherType: u32,
  macOffset: u32,
  l3Offset: u32,
  ifindex: u32,
): void {
  const p1 = batch + i;
  const p2 = batch + 2 * i;
  const p4 = batch + 4 * i;
  store<u8>(p1, 0, AT_DROP);
  store<u8>(p1, pktType, AT_PKT_TYPE);
  store<u16>(p2, 0, AT_FRAG_OFFSET);
  store<u16>(p2, vlan, AT_VLAN);
  store<u16>(p2, etherType, AT_ETHER_TYPE);
  store<u32>(p4, macOffset, AT_MAC_OFFSET);
  store<u32>(p4, l3Offset, AT_L3_OFFSET);
  store<u32>(p4, ifindex, AT_IFINDEX);
}

/** PKT_* of a frame to a group. */
function groupType(frame: usize): u32 {
  const isBroadcast = load<u32>(frame) === 0xffffffff && load<u16>(frame, 4) === 0xffff;
  return isBroadcast ? PKT_BROADCAST : PKT_MULTICAST;
}

/** All other rows. */
function decodeUnusual(batch: usize, i: u32, verify: bool): bool {
  const p1 = batch + i;
  const p2 = batch + 2 * i;
  const p4 = batch + 4 * i;
  const begin = load<u32>(p4, AT_DATA_OFFSET);
  const captured = load<u32>(p4, AT_CAP_LEN);
  const onWire = max<u32>(load<u32>(p4, AT_ORIG_LEN), captured);
  const linktype: u32 = load<u16>(p2, AT_LINKTYPE);
  const frame = batch + begin + AT_DATA;
  const network = networkOf(frame, captured, linktype);
  if (network === NO_NETWORK) return false;
  const at = network >>> 16;
  const etherType = network & 0xffff;
  let untagged: u32 = 0;
  let flags: u32 = 0;
  let pktType = PKT_HOST;
  let macOffset = NO_OFFSET;
  let ifindex: u32 = 0;

  if (linktype === LINKTYPE_ETHERNET) {
    untagged = ETHERNET_BYTES;
    macOffset = begin;
    pktType = PKT_UNKNOWN;
    if ((load<u8>(frame) & 1) !== 0) {
      flags = DECODE_GROUP_MAC;
      pktType = groupType(frame);
    }
  } else if (linktype === LINKTYPE_LINUX_SLL2) {
    untagged = SLL2_BYTES;
    ifindex = big32(frame + 4);
    pktType = cookedType(p1, load<u8>(frame, 10));
  } else if (linktype === LINKTYPE_LINUX_SLL) {
    untagged = SLL_BYTES;
    pktType = cookedType(p1, big16(frame));
  }
  // The innermost tag stands right before the network header.
  const vlan: u32 = at === untagged ? NO_VLAN : big16(frame + at - VLAN_BYTES) & 0x0fff;

  storeLink(batch, i, pktType, vlan, etherType, macOffset, begin + at, ifindex);
  return etherType === ETH_P_IP
    ? decodeIpv4(batch, i, begin + at, captured - at, onWire - at, flags, verify)
    : decodeIpv6(batch, i, begin + at, captured - at, onWire - at, flags, verify);
}

/** skb->pkt_type by a cooked header, and with it the direction, where the file states none: as src/decode/sll.ts. */
function cookedType(p1: usize, packetType: u32): u32 {
  if (packetType > PKT_OUTGOING) return PKT_UNKNOWN;
  if (load<u8>(p1, AT_RECORD_DIRECTION) === RECORD_UNKNOWN) {
    store<u8>(p1, packetType === PKT_OUTGOING ? RECORD_OUTBOUND : RECORD_INBOUND, AT_RECORD_DIRECTION);
  }
  return packetType;
}
