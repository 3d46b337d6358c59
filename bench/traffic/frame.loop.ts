import { CLIENT_NET6, CLIENT_SIDE_MAC, ROUTER_MAC, SERVER_NET6, SERVER_SIDE_MAC } from './address-plan.ts';
import { FLAG_SYN, type PacketSpec, PROTO_ICMP, PROTO_ICMPV6, PROTO_TCP } from './packet-spec.ts';

export const ETHERNET_BYTES = 14;
/** Ethernet pads what is shorter. */
const MIN_FRAME_BYTES = 60;
/** Longest headers that are written: Ethernet, IPv6, TCP with the options of a SYN. */
export const MAX_HEADER_BYTES = ETHERNET_BYTES + 40 + 32;
const WINDOW = 0xfaf0;
const TTL_FROM_CLIENT = 61;
const TTL_FROM_SERVER = 58;

/** MSS 1460, SACK permitted, no operation, window scale 7, and padding. */
const SYN_OPTIONS = [0x020405b4, 0x04020103, 0x03070000];
const SYN_OPTION_BYTES = 4 * SYN_OPTIONS.length;

/** Bytes of headers in front of the payload. */
export function headerBytes(family: 4 | 6, l4proto: number, isSyn: boolean): number {
  const l4 = l4proto === PROTO_TCP ? 20 + (isSyn ? SYN_OPTION_BYTES : 0) : 8;
  return ETHERNET_BYTES + (family === 4 ? 20 : 40) + l4;
}

/**
 * Writes Ethernet frames with right checksums. The payload is always a beginning of the same bytes, whose sum is
 * known beforehand, so a checksum costs a few additions whatever the length.
 */
export class FrameWriter {
  readonly #payload: Uint8Array;
  /** Sum of 16-bit words of the payload's first n bytes, by n. */
  readonly #payloadSums: Float64Array;

  constructor(payload: Uint8Array) {
    this.#payload = payload;
    this.#payloadSums = new Float64Array(payload.length + 1);
    let sum = 0;
    for (let n = 1; n <= payload.length; n++) {
      sum += n % 2 === 1 ? payload[n - 1]! << 8 : payload[n - 1]!;
      this.#payloadSums[n] = sum;
    }
  }

  /** Writes the frame at `at`, its payload as far as `snapBytes` reach; returns the bytes of the whole frame. */
  write(p: PacketSpec, bytes: Uint8Array, view: DataView, at: number, snapBytes: number): number {
    writeEthernet(p, view, at);
    const isTcp = p.l4proto === PROTO_TCP;
    const optionBytes = isTcp && (p.flags & FLAG_SYN) !== 0 ? SYN_OPTION_BYTES : 0;
    const l4Bytes = (isTcp ? 20 + optionBytes : 8) + p.payloadBytes;
    const l3 = at + ETHERNET_BYTES;
    const l4 = p.family === 4 ? writeIpv4(p, view, l3, l4Bytes) : writeIpv6(p, view, l3, l4Bytes);
    const partial = this.#payloadSums[p.payloadBytes]!;
    if (isTcp) writeTcp(p, view, l4, optionBytes, partial + pseudoSum(p, l4Bytes));
    else if (p.l4proto === PROTO_ICMP) writeEcho(p, view, l4, p.isFromClient ? 8 : 0, partial);
    else if (p.l4proto === PROTO_ICMPV6) {
      writeEcho(p, view, l4, p.isFromClient ? 128 : 129, partial + pseudoSum(p, l4Bytes));
    } else writeUdp(p, view, l4, l4Bytes, partial + pseudoSum(p, l4Bytes));
    const begin = l4 + l4Bytes - p.payloadBytes;
    const end = l4 + l4Bytes;
    const wanted = Math.min(p.payloadBytes, at + snapBytes - begin);
    if (wanted === this.#payload.length) bytes.set(this.#payload, begin);
    else if (wanted > 0) bytes.set(this.#payload.subarray(0, wanted), begin);
    if (end - at >= MIN_FRAME_BYTES) return end - at;
    for (let k = end; k < at + MIN_FRAME_BYTES; k++) bytes[k] = 0;
    return MIN_FRAME_BYTES;
  }
}

const ROUTER_MAC_HIGH = macHigh(ROUTER_MAC);
const ROUTER_MAC_LOW = macLow(ROUTER_MAC);

function macHigh(mac: readonly number[]): number {
  return (mac[0]! << 24) | (mac[1]! << 16) | (mac[2]! << 8) | mac[3]!;
}

function macLow(mac: readonly number[]): number {
  return (mac[4]! << 8) | mac[5]!;
}

function writeEthernet(p: PacketSpec, view: DataView, at: number): void {
  const other = p.isFromClient === p.isSentOn ? SERVER_SIDE_MAC : CLIENT_SIDE_MAC;
  const [router, neighbour] = p.isSentOn ? [at + 6, at] : [at, at + 6];
  view.setInt32(router, ROUTER_MAC_HIGH);
  view.setUint16(router + 4, ROUTER_MAC_LOW);
  view.setInt32(neighbour, macHigh(other));
  view.setUint16(neighbour + 4, macLow(other));
  view.setUint16(at + 12, p.family === 4 ? 0x0800 : 0x86dd);
}

function timeToLive(p: PacketSpec): number {
  return (p.isFromClient ? TTL_FROM_CLIENT : TTL_FROM_SERVER) - (p.isSentOn ? 1 : 0);
}

/** Returns where the transport header begins. */
function writeIpv4(p: PacketSpec, view: DataView, at: number, l4Bytes: number): number {
  const ttlAndProto = (timeToLive(p) << 8) | p.l4proto;
  const sum = 0x4500 + (20 + l4Bytes) + p.ipId + 0x4000 + ttlAndProto + halves(p.client) + halves(p.server);
  view.setUint32(at, 0x45000000 | (20 + l4Bytes));
  view.setInt32(at + 4, (p.ipId << 16) | 0x4000);
  view.setUint32(at + 8, ((ttlAndProto << 16) | checksum(sum)) >>> 0);
  view.setInt32(at + 12, p.isFromClient ? p.client : p.server);
  view.setInt32(at + 16, p.isFromClient ? p.server : p.client);
  return at + 20;
}

function writeIpv6(p: PacketSpec, view: DataView, at: number, l4Bytes: number): number {
  const hopLimit = timeToLive(p);
  view.setUint32(at, 0x60000000);
  view.setUint32(at + 4, ((l4Bytes << 16) | (p.l4proto << 8) | hopLimit) >>> 0);
  writeAddress6(
    view,
    at + 8,
    p.isFromClient ? CLIENT_NET6 : SERVER_NET6,
    p.isFromClient ? p.client : p.server,
  );
  writeAddress6(
    view,
    at + 24,
    p.isFromClient ? SERVER_NET6 : CLIENT_NET6,
    p.isFromClient ? p.server : p.client,
  );
  return at + 40;
}

function writeAddress6(view: DataView, at: number, net: readonly number[], last: number): void {
  view.setInt32(at, net[0]!);
  view.setInt32(at + 4, net[1]!);
  view.setInt32(at + 8, net[2]!);
  view.setInt32(at + 12, last);
}

function writeTcp(p: PacketSpec, view: DataView, at: number, optionBytes: number, partial: number): void {
  const offsetAndFlags = ((20 + optionBytes) << 10) | p.flags;
  const sport = p.isFromClient ? p.clientPort : p.serverPort;
  const dport = p.isFromClient ? p.serverPort : p.clientPort;
  let sum = partial + sport + dport + halves(p.seq) + halves(p.ack) + offsetAndFlags + WINDOW;
  if (optionBytes > 0) {
    for (let i = 0; i < SYN_OPTIONS.length; i++) {
      view.setInt32(at + 20 + 4 * i, SYN_OPTIONS[i]!);
      sum += halves(SYN_OPTIONS[i]!);
    }
  }
  view.setUint32(at, ((sport << 16) | dport) >>> 0);
  view.setInt32(at + 4, p.seq);
  view.setInt32(at + 8, p.ack);
  view.setUint32(at + 12, ((offsetAndFlags << 16) | WINDOW) >>> 0);
  view.setUint32(at + 16, (checksum(sum) << 16) >>> 0);
}

function writeUdp(p: PacketSpec, view: DataView, at: number, l4Bytes: number, partial: number): void {
  const sport = p.isFromClient ? p.clientPort : p.serverPort;
  const dport = p.isFromClient ? p.serverPort : p.clientPort;
  view.setUint32(at, ((sport << 16) | dport) >>> 0);
  view.setUint16(at + 4, l4Bytes);
  // 0 says that there is none (RFC 768).
  view.setUint16(at + 6, checksum(partial + sport + dport + l4Bytes) || 0xffff);
}

function writeEcho(p: PacketSpec, view: DataView, at: number, type: number, partial: number): void {
  view.setUint16(at, type << 8);
  view.setUint16(at + 2, checksum(partial + (type << 8) + p.clientPort + (p.seq & 0xffff)));
  view.setUint16(at + 4, p.clientPort);
  view.setUint16(at + 6, p.seq);
}

function pseudoSum(p: PacketSpec, l4Bytes: number): number {
  const sum = p.l4proto + l4Bytes + halves(p.client) + halves(p.server);
  return p.family === 4 ? sum : sum + NET6_SUM;
}

function halves(word: number): number {
  return (word >>> 16) + (word & 0xffff);
}

const NET6_SUM = [...CLIENT_NET6, ...SERVER_NET6].reduce((sum: number, word) => sum + halves(word), 0);

/** One's complement of the one's complement sum. */
function checksum(sum: number): number {
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 65536);
  return ~sum & 0xffff;
}
