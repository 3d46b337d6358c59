/** Gives a packet other ends, and leaves everything else as it is: a wrong checksum stays wrong by as much. */

import { address4, address6, type Bytes, crc32c, internetChecksum, PROTOCOL } from '../kernel/packets.ts';

export interface Ends {
  readonly saddr: string;
  readonly daddr: string;
  /** Ports; of ICMP the identifier, in both. */
  readonly sport: number;
  readonly dport: number;
}

/** `packet` has no extension headers and no IPv4 options. */
export function retarget(packet: Bytes, { saddr, daddr, sport, dport }: Ends): Bytes {
  const bytes = packet.slice();
  const view = new DataView(bytes.buffer);
  const isIpv6 = bytes[0]! >> 4 === 6;
  const l4proto = isIpv6 ? bytes[6]! : bytes[9]!;
  const l4 = isIpv6 ? 40 : 20;
  const before = pseudoSum(view, isIpv6);
  if (isIpv6) {
    bytes.set(address6(saddr), 8);
    bytes.set(address6(daddr), 24);
  } else {
    const wasRight = internetChecksum(packet.subarray(0, 20)) === 0;
    bytes.set(address4(saddr), 12);
    bytes.set(address4(daddr), 16);
    view.setUint16(10, 0);
    view.setUint16(10, internetChecksum(bytes.subarray(0, 20)) ^ (wasRight ? 0 : 1));
  }
  const pseudo = pseudoSum(view, isIpv6) - before;
  switch (l4proto) {
    case PROTOCOL.tcp:
    case PROTOCOL.udp: {
      const at = l4 + (l4proto === PROTOCOL.tcp ? 16 : 6);
      const changed = pseudo + setPort(view, l4, sport) + setPort(view, l4 + 2, dport);
      const isUnset = l4proto === PROTOCOL.udp && view.getUint16(at) === 0;
      if (!isUnset && at + 2 <= bytes.length) view.setUint16(at, adjust(view.getUint16(at), changed));
      break;
    }
    case PROTOCOL.icmp:
    case PROTOCOL.icmpv6: {
      const changed = (isIpv6 ? pseudo : 0) + setPort(view, l4 + 4, sport);
      view.setUint16(l4 + 2, adjust(view.getUint16(l4 + 2), changed));
      break;
    }
    case PROTOCOL.sctp: {
      view.setUint16(l4, sport);
      view.setUint16(l4 + 2, dport);
      view.setUint32(l4 + 8, 0);
      view.setUint32(l4 + 8, crc32c(bytes.subarray(l4)), true);
      break;
    }
  }
  return bytes;
}

/** Writes a port, if it is there; by how much the sum of the packet changes. */
function setPort(view: DataView, at: number, port: number): number {
  if (at + 2 > view.byteLength) return 0;
  const old = view.getUint16(at);
  view.setUint16(at, port);
  return port - old;
}

/** The sum of the addresses, 16 bits at a time. */
function pseudoSum(view: DataView, isIpv6: boolean): number {
  let sum = 0;
  const [begin, end] = isIpv6 ? [8, 40] : [12, 20];
  for (let at = begin; at < end; at += 2) sum += view.getUint16(at);
  return sum;
}

/** A checksum after the sum of what it covers has changed (RFC 1624). */
function adjust(checksum: number, changed: number): number {
  let sum = (~checksum & 0xffff) + changed;
  while (sum < 0) sum += 0xffff;
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}
