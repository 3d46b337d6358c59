import { formatIpv4, formatIpv6 } from '../../src/base/inet.ts';
import {
  R_DADDR,
  R_DPORT,
  R_FAMILY,
  R_ICMP_ID,
  R_L4PROTO,
  R_SADDR,
  R_SPORT,
} from '../../src/packet/registers.ts';
import type { Passed } from '../conntrack/harness.ts';

/** What translation may change in a packet. */
export interface Headers {
  saddr: string;
  daddr: string;
  sport: number | undefined;
  dport: number | undefined;
  id: number | undefined;
  /** An ICMP error's quoted packet. */
  inner: Headers | undefined;
}

/** Of the bytes of a packet, or of the registers of one that went through the machine. */
export function headersOf(packet: Uint8Array | Passed): Headers {
  if (packet instanceof Uint8Array) return readHeaders(packet);
  const { r } = packet;
  const address = (at: number) => (r[R_FAMILY] === 4 ? formatIpv4(r[at]!) : formatIpv6(r, at));
  const l4proto = r[R_L4PROTO]!;
  const read = readHeaders(packet.bytes);
  const isIcmp = l4proto === 1 || l4proto === 58;
  return {
    saddr: address(R_SADDR),
    daddr: address(R_DADDR),
    sport: isIcmp ? undefined : r[R_SPORT]!,
    dport: isIcmp ? undefined : r[R_DPORT]!,
    id: isIcmp && read.id !== undefined ? r[R_ICMP_ID]! : undefined,
    inner: read.inner,
  };
}

function readHeaders(bytes: Uint8Array): Headers {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const isIpv4 = bytes[0]! >> 4 === 4;
  const words = (at: number) =>
    Int32Array.from({ length: isIpv4 ? 1 : 4 }, (_, i) => view.getInt32(at + 4 * i));
  const format = (at: number) => (isIpv4 ? formatIpv4(words(at)[0]!) : formatIpv6(words(at)));
  const l4 = isIpv4 ? (bytes[0]! & 15) * 4 : 40;
  const l4proto = isIpv4 ? bytes[9]! : bytes[6]!;
  const headers: Headers = {
    saddr: format(isIpv4 ? 12 : 8),
    daddr: format(isIpv4 ? 16 : 24),
    sport: undefined,
    dport: undefined,
    id: undefined,
    inner: undefined,
  };
  if (l4proto === 1 || l4proto === 58) {
    const type = bytes[l4]!;
    const isError = isIpv4 ? [3, 4, 5, 11, 12].includes(type) : type < 128;
    if (isError) headers.inner = readHeaders(bytes.subarray(l4 + 8));
    else headers.id = view.getUint16(l4 + 4);
  } else {
    headers.sport = view.getUint16(l4);
    headers.dport = view.getUint16(l4 + 2);
  }
  return headers;
}
