import { hashTuple4 } from '../base/hash.ts';
import {
  DECODE_BAD_IP_OPTIONS,
  DECODE_DONT_FRAGMENT,
  DECODE_FRAGMENT,
  DECODE_L4_CUT,
  DECODE_MORE_FRAGMENTS,
  DECODE_OPTIONS,
  DECODE_PAYLOAD_CUT,
} from '../batch/layout.ts';
import {
  DROP_HEADER_CUT,
  DROP_IPV4_CHECKSUM,
  DROP_IPV4_HEADER_LENGTH,
  DROP_IPV4_SHORT,
  DROP_IPV4_TOTAL_LENGTH,
  DROP_IPV4_TRUNCATED,
  DROP_IPV4_VERSION,
  DROP_NONE,
} from './drop-reasons.ts';
import type { Frame } from './frame.ts';
import { internetSum } from './internet-checksum.ts';
import { ipOptionsAreBad } from './ipv4-options.ts';
import { IPPROTO_TCP } from './protocols.ts';
import { decodeTransport } from './transport.ts';

const IPV4_HEADER_BYTES = 20;
const DONT_FRAGMENT = 0x4000;
const MORE_FRAGMENTS = 0x2000;
const FRAGMENT_OFFSET = 0x1fff;

/**
 * A TCP packet of total length 0 and more bytes than this is one that was captured before segmentation: its length
 * is the frame's, as iph_totlen() (include/linux/ip.h) has it for GSO packets (BIG TCP, above 65,535 bytes); other
 * systems leave the field empty for smaller ones too. A shorter one is what it seems, a broken header.
 */
const LONGEST_ORDINARY_PACKET = 1500;

/** Reads an IPv4 header and what follows, with the checks of ip_rcv_core() (net/ipv4/ip_input.c) in their order. */
export function decodeIpv4(frame: Frame): void {
  const { c, view, row, at } = frame;
  const onWire = frame.onWire;
  c.family[row] = 4;
  c.l3Offset[row] = at;
  c.l3CapLen[row] = frame.captured;
  c.length[row] = onWire;
  c.drop[row] = headerProblem(frame);
  if (c.drop[row] !== DROP_NONE) return;
  const headerBytes = (view.getUint8(at) & 15) * 4;
  const l4proto = view.getUint8(at + 9);
  let totalLength = view.getUint16(at + 2);
  if (totalLength === 0 && l4proto === IPPROTO_TCP && onWire > LONGEST_ORDINARY_PACKET) totalLength = onWire;

  if (frame.verify && frame.captured >= headerBytes && internetSum(view, at, headerBytes, 0) !== 0xffff) {
    c.drop[row] = DROP_IPV4_CHECKSUM;
  } else if (onWire < totalLength) {
    c.drop[row] = DROP_IPV4_TRUNCATED;
  } else if (totalLength < headerBytes) {
    c.drop[row] = DROP_IPV4_TOTAL_LENGTH;
  }
  // A packet that is refused on arrival is read on all the same: on its way out nobody checks it.
  frame.trim(Math.max(totalLength, headerBytes));
  if (frame.end < frame.wireEnd) frame.flag(DECODE_PAYLOAD_CUT);
  c.length[row] = frame.onWire;
  c.l3CapLen[row] = frame.captured;

  const saddr = view.getInt32(at + 12);
  const daddr = view.getInt32(at + 16);
  c.saddr[4 * row] = saddr;
  c.daddr[4 * row] = daddr;
  c.tos[row] = view.getUint8(at + 1);
  c.ttl[row] = view.getUint8(at + 8);
  c.l4proto[row] = l4proto;
  c.ipId[row] = view.getUint16(at + 4);
  const fragment = view.getUint16(at + 6);
  const fragOffset = (fragment & FRAGMENT_OFFSET) * 8;
  c.fragOffset[row] = fragOffset;
  if ((fragment & DONT_FRAGMENT) !== 0) frame.flag(DECODE_DONT_FRAGMENT);
  if ((fragment & MORE_FRAGMENTS) !== 0) frame.flag(DECODE_FRAGMENT | DECODE_MORE_FRAGMENTS);
  if (fragOffset > 0) frame.flag(DECODE_FRAGMENT);

  const optionsCaptured = frame.captured >= headerBytes;
  if (headerBytes > IPV4_HEADER_BYTES) {
    frame.flag(DECODE_OPTIONS);
    if (optionsCaptured && ipOptionsAreBad(view, at + IPV4_HEADER_BYTES, at + headerBytes)) {
      frame.flag(DECODE_BAD_IP_OPTIONS);
    }
  }
  if (fragOffset === 0) {
    frame.at = at + headerBytes;
    if (optionsCaptured) decodeTransport(frame, l4proto);
    else frame.flag(DECODE_L4_CUT);
  }
  c.tupleHash[row] = hashTuple4(saddr, daddr, c.sport[row]!, c.dport[row]!, l4proto);
}

/** What keeps the header from being read at all. */
function headerProblem(frame: Frame): number {
  const { view, at } = frame;
  if (frame.onWire < IPV4_HEADER_BYTES) return DROP_IPV4_SHORT;
  if (frame.captured < IPV4_HEADER_BYTES) return DROP_HEADER_CUT;
  const versionAndLength = view.getUint8(at);
  if (versionAndLength >>> 4 !== 4) return DROP_IPV4_VERSION;
  const headerBytes = (versionAndLength & 15) * 4;
  if (headerBytes < IPV4_HEADER_BYTES || headerBytes > frame.onWire) return DROP_IPV4_HEADER_LENGTH;
  return DROP_NONE;
}
