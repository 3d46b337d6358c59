import {
  DROP_IPV6_HOP_BY_HOP,
  DROP_IPV6_HOP_BY_HOP_UNKNOWN,
  DROP_IPV6_JUMBO,
  DROP_IPV6_TRUNCATED,
  DROP_NONE,
} from './drop-reasons.ts';
import type { Frame } from './frame.ts';

const IPV6_HEADER_BYTES = 40;
const IPV6_MAX_PAYLOAD = 65535;
/** net.ipv6.max_hbh_opts_number as it is by default (include/net/ipv6.h, IP6_DEFAULT_MAX_HBH_OPTS_CNT). */
const MAX_OPTIONS = 8;
/** More padding in a row than aligning to 8 bytes can need is refused. */
const MAX_PADDING_BYTES = 7;

const OPTION_PAD1 = 0;
const OPTION_PADN = 1;
const OPTION_ROUTER_ALERT = 5;
const OPTION_CALIPSO = 7;
const OPTION_IOAM = 49;
const OPTION_JUMBO = 194;

/**
 * The checks of ipv6_parse_hopopts() and ip6_parse_tlv() (net/ipv6/exthdrs.c) on the hop-by-hop header behind the
 * IPv6 header at `frame.at`; trims the frame to the length that a jumbo payload option gives. Returns a drop
 * reason. What was not captured is taken as good.
 */
export function checkHopByHop(frame: Frame): number {
  const { view } = frame;
  const header = frame.at + IPV6_HEADER_BYTES;
  if (header + 8 > frame.wireEnd) return DROP_IPV6_HOP_BY_HOP;
  if (header + 2 > frame.end) return DROP_NONE;
  const end = header + (view.getUint8(header + 1) + 1) * 8;
  if (end > frame.wireEnd) return DROP_IPV6_HOP_BY_HOP;
  let padding = 0;
  let options = 0;
  for (let at = header + 2; at < end; ) {
    if (at >= frame.end) return DROP_NONE;
    const type = view.getUint8(at);
    if (type === OPTION_PAD1) {
      if (++padding > MAX_PADDING_BYTES) return DROP_IPV6_HOP_BY_HOP;
      at++;
      continue;
    }
    if (end - at < 2) return DROP_IPV6_HOP_BY_HOP;
    if (at + 2 > frame.end) return DROP_NONE;
    const bytes = view.getUint8(at + 1) + 2;
    if (bytes > end - at) return DROP_IPV6_HOP_BY_HOP;
    if (at + bytes > frame.end) return DROP_NONE;
    if (type === OPTION_PADN) {
      padding += bytes;
      if (padding > MAX_PADDING_BYTES) return DROP_IPV6_HOP_BY_HOP;
      for (let i = at + 2; i < at + bytes; i++) {
        if (view.getUint8(i) !== 0) return DROP_IPV6_HOP_BY_HOP;
      }
    } else {
      if (++options > MAX_OPTIONS) return DROP_IPV6_HOP_BY_HOP;
      const reason = checkOption(frame, at, type);
      if (reason !== DROP_NONE) return reason;
      padding = 0;
    }
    at += bytes;
  }
  return DROP_NONE;
}

/** One option at `at`, wholly captured. */
function checkOption(frame: Frame, at: number, type: number): number {
  const { view } = frame;
  const dataBytes = view.getUint8(at + 1);
  switch (type) {
    case OPTION_ROUTER_ALERT:
      return dataBytes === 2 ? DROP_NONE : DROP_IPV6_HOP_BY_HOP;
    case OPTION_IOAM:
      // Further checks are made only where net.ipv6.conf.*.ioam6_enabled is set, which it is not by default.
      return ((at - frame.at) & 3) === 0 ? DROP_NONE : DROP_IPV6_HOP_BY_HOP;
    case OPTION_JUMBO:
      return applyJumbo(frame, at, dataBytes);
    case OPTION_CALIPSO:
      // Its labels are the host's affair.
      return dataBytes >= 8 && view.getUint8(at + 6) * 4 + 8 <= dataBytes ? DROP_NONE : DROP_IPV6_HOP_BY_HOP;
    default:
      // ip6_tlvopt_unknown(): the two upper bits say what to do with a packet whose option is not known.
      return (type & 0xc0) === 0 ? DROP_NONE : DROP_IPV6_HOP_BY_HOP_UNKNOWN;
  }
}

/** ipv6_hop_jumbo(): RFC 2675, and BIG TCP as Linux 5.19 to 6.18 writes it. */
function applyJumbo(frame: Frame, at: number, dataBytes: number): number {
  const { view } = frame;
  if (dataBytes !== 4 || ((at - frame.at) & 3) !== 2) return DROP_IPV6_JUMBO;
  const payload = view.getUint32(at + 2);
  if (payload <= IPV6_MAX_PAYLOAD || view.getUint16(frame.at + 4) !== 0) return DROP_IPV6_JUMBO;
  if (payload > frame.onWire - IPV6_HEADER_BYTES) return DROP_IPV6_TRUNCATED;
  frame.trim(IPV6_HEADER_BYTES + payload);
  return DROP_NONE;
}
