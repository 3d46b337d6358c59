/**
 * Packets for tests, byte by byte: IPv4 and IPv6 with all their headers, the transports, ICMP errors, fragments,
 * Ethernet framing, and the capture files to put them in.
 *
 * A packet is built from the inside out: a `Layer` says which protocol number it has and gives its bytes once the
 * addresses around it are known, since the checksums of the transports cover them. Checksums and lengths are right
 * unless a test asks for others:
 *
 *     ipv4({ saddr: '192.0.2.9', daddr: '192.0.2.1' }, tcp({ sport: 1024, dport: 22, flags: 'S' }))
 *     ipv4({ saddr: '192.0.2.9', daddr: '192.0.2.1' }, udp({ sport: 53, dport: 53, checksum: 'bad' }))
 */

import { parseIpv4, parseIpv6 } from '../../src/base/inet.ts';

export type Bytes = Uint8Array;

/** What the checksum of a transport covers besides the transport: the addresses, 4 or 16 bytes each. */
export interface Surroundings {
  readonly saddr: Bytes;
  readonly daddr: Bytes;
}

export interface Layer {
  /** IP protocol number or IPv6 next header. */
  readonly protocol: number;
  build(around: Surroundings): Bytes;
}

/** A checksum: the right one when absent; 'bad': one bit off; a number: that. */
export type Checksum = number | 'bad' | undefined;

export const PROTOCOL = {
  hopByHop: 0,
  icmp: 1,
  igmp: 2,
  ipip: 4,
  tcp: 6,
  udp: 17,
  dccp: 33,
  ipv6: 41,
  routing: 43,
  fragment: 44,
  gre: 47,
  esp: 50,
  ah: 51,
  icmpv6: 58,
  none: 59,
  destinationOptions: 60,
  sctp: 132,
  mobility: 135,
  udplite: 136,
} as const;

export function concat(...parts: readonly Bytes[]): Bytes {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

export function text(words: string): Bytes {
  return new TextEncoder().encode(words);
}

/** `count` bytes that a wrong offset would show: 0, 1, 2, … 250, 0, … */
export function filler(count: number): Bytes {
  return Uint8Array.from({ length: count }, (_, i) => i % 251);
}

export function hex(bytes: Bytes): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex');
}

export function unhex(digits: string): Bytes {
  return Uint8Array.from(Buffer.from(digits, 'hex'));
}

/** A packet with single bytes replaced: `patch(packet, { 8: 0 })`. */
export function patch(packet: Bytes, bytes: Readonly<Record<number, number>>): Bytes {
  const copy = packet.slice();
  for (const [at, value] of Object.entries(bytes)) copy[Number(at)] = value;
  return copy;
}

export function address4(dotted: string): Bytes {
  const word = parseIpv4(dotted);
  if (word === undefined) throw new Error(`not an IPv4 address: ${dotted}`);
  return Uint8Array.of(word >>> 24, word >>> 16, word >>> 8, word);
}

export function address6(colons: string): Bytes {
  const words = parseIpv6(colons);
  if (words === undefined) throw new Error(`not an IPv6 address: ${colons}`);
  return concat(...Array.from(words, (word) => be32(word)));
}

export function be16(value: number): Bytes {
  return Uint8Array.of(value >>> 8, value);
}

export function be32(value: number): Bytes {
  return Uint8Array.of(value >>> 24, value >>> 16, value >>> 8, value);
}

/** The Internet checksum of the parts laid end to end (RFC 1071); only the last may have an odd length. */
export function internetChecksum(...parts: readonly Bytes[]): number {
  let sum = 0;
  for (const part of parts) {
    for (let i = 0; i < part.length; i += 2) sum += (part[i]! << 8) | (part[i + 1] ?? 0);
  }
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 65536);
  return ~sum & 0xffff;
}

/** CRC32c (Castagnoli), the checksum of SCTP. */
export function crc32c(bytes: Bytes): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f63b78 : 0);
  }
  return (crc ^ 0xffffffff) >>> 0;
}

function choose(asked: Checksum, right: number): number {
  if (asked === undefined) return right;
  return asked === 'bad' ? right ^ 1 : asked;
}

/** The pseudo-header that TCP, UDP and their relatives sum, in the form of either family: the sums are equal. */
function pseudoHeader(around: Surroundings, protocol: number, length: number): Bytes {
  return concat(around.saddr, around.daddr, be32(length), be32(protocol));
}

function put16(bytes: Bytes, at: number, value: number): void {
  bytes[at] = value >>> 8;
  bytes[at + 1] = value;
}

/** Bytes as they are, under a protocol number of your choice. */
export function raw(protocol: number, bytes: Bytes = new Uint8Array()): Layer {
  return { protocol, build: () => bytes };
}

// Internet layer

export interface Ipv4Fields {
  readonly saddr: string;
  readonly daddr: string;
  readonly ttl?: number;
  readonly tos?: number;
  readonly id?: number;
  readonly df?: boolean;
  readonly mf?: boolean;
  /** The reserved bit of the flags. */
  readonly evil?: boolean;
  /** In bytes: a multiple of 8. */
  readonly fragmentOffset?: number;
  /** Padded to a multiple of four bytes with end-of-options. */
  readonly options?: Bytes;
  readonly protocol?: number;
  readonly checksum?: Checksum;
  readonly totalLength?: number;
  readonly version?: number;
  /** Header length in 32-bit words, where it is to be a lie. */
  readonly headerWords?: number;
  /** Bytes after the end of the packet, as Ethernet pads short frames. */
  readonly trailer?: Bytes;
}

export function ipv4(fields: Ipv4Fields, payload: Layer): Bytes {
  const saddr = address4(fields.saddr);
  const daddr = address4(fields.daddr);
  const body = payload.build({ saddr, daddr });
  const options = padTo4(fields.options ?? new Uint8Array());
  const header = new Uint8Array(20 + options.length);
  header[0] = ((fields.version ?? 4) << 4) | (fields.headerWords ?? header.length / 4);
  header[1] = fields.tos ?? 0;
  put16(header, 2, fields.totalLength ?? header.length + body.length);
  // Never 0: the kernel gives a raw-socket packet with identification 0 one of its own.
  put16(header, 4, fields.id ?? 1);
  const flags = (fields.evil ? 0x8000 : 0) | (fields.df ? 0x4000 : 0) | (fields.mf ? 0x2000 : 0);
  put16(header, 6, flags | ((fields.fragmentOffset ?? 0) >>> 3));
  header[8] = fields.ttl ?? 64;
  header[9] = fields.protocol ?? payload.protocol;
  header.set(saddr, 12);
  header.set(daddr, 16);
  header.set(options, 20);
  put16(header, 10, choose(fields.checksum, internetChecksum(header)));
  return concat(header, body, fields.trailer ?? new Uint8Array());
}

function padTo4(options: Bytes): Bytes {
  return concat(options, new Uint8Array((4 - (options.length % 4)) % 4));
}

export interface Ipv6Fields {
  readonly saddr: string;
  readonly daddr: string;
  readonly hopLimit?: number;
  /** The eight bits that IPv4 calls TOS. */
  readonly trafficClass?: number;
  readonly flowLabel?: number;
  readonly nextHeader?: number;
  readonly payloadLength?: number;
  readonly version?: number;
  readonly trailer?: Bytes;
}

export function ipv6(fields: Ipv6Fields, payload: Layer): Bytes {
  const saddr = address6(fields.saddr);
  const daddr = address6(fields.daddr);
  const body = payload.build({ saddr, daddr });
  const first =
    ((fields.version ?? 6) << 28) | ((fields.trafficClass ?? 0) << 20) | ((fields.flowLabel ?? 0) & 0xfffff);
  return concat(
    be32(first),
    be16(fields.payloadLength ?? body.length),
    Uint8Array.of(fields.nextHeader ?? payload.protocol, fields.hopLimit ?? 64),
    saddr,
    daddr,
    body,
    fields.trailer ?? new Uint8Array(),
  );
}

/** Builds the packet of the family that the addresses are of: for tables of cases that serve both. */
export function ip(
  fields: { saddr: string; daddr: string; ttl?: number; tos?: number },
  payload: Layer,
): Bytes {
  if (!fields.saddr.includes(':')) return ipv4(fields, payload);
  const { saddr, daddr, ttl, tos } = fields;
  return ipv6(
    {
      saddr,
      daddr,
      ...(ttl === undefined ? {} : { hopLimit: ttl }),
      ...(tos === undefined ? {} : { trafficClass: tos }),
    },
    payload,
  );
}

// IPv6 extension headers

function extension(protocol: number, content: Bytes, next: Layer): Layer {
  return {
    protocol,
    build(around) {
      const unpadded = 2 + content.length;
      const padding = (8 - (unpadded % 8)) % 8;
      // Pad1 for one byte, PadN for more (RFC 8200, 4.2): also what pads a routing header's addresses away.
      const pad =
        padding === 0
          ? new Uint8Array()
          : padding === 1
            ? Uint8Array.of(0)
            : concat(Uint8Array.of(1, padding - 2), new Uint8Array(padding - 2));
      const words = (unpadded + padding) / 8 - 1;
      return concat(Uint8Array.of(next.protocol, words), content, pad, next.build(around));
    },
  };
}

/** One option of a hop-by-hop or destination-options header. */
export function option6(type: number, data: Bytes = new Uint8Array()): Bytes {
  return type === 0 ? Uint8Array.of(0) : concat(Uint8Array.of(type, data.length), data);
}

export function hopByHop(next: Layer, ...options: readonly Bytes[]): Layer {
  return extension(PROTOCOL.hopByHop, concat(...options), next);
}

export function destinationOptions(next: Layer, ...options: readonly Bytes[]): Layer {
  return extension(PROTOCOL.destinationOptions, concat(...options), next);
}

export function routing(
  next: Layer,
  fields: { type?: number; segmentsLeft?: number; addresses?: readonly string[]; data?: Bytes } = {},
): Layer {
  const content = concat(
    Uint8Array.of(fields.type ?? 0, fields.segmentsLeft ?? 0),
    fields.data ?? concat(new Uint8Array(4), ...(fields.addresses ?? []).map(address6)),
  );
  return extension(PROTOCOL.routing, content, next);
}

/** A fragment header in place; `fragment6` cuts a whole packet into such. Offset in bytes. */
export function fragmentHeader(
  next: Layer,
  fields: { id?: number; offset?: number; more?: boolean; reserved?: number } = {},
): Layer {
  return {
    protocol: PROTOCOL.fragment,
    build: (around) =>
      concat(
        Uint8Array.of(next.protocol, fields.reserved ?? 0),
        be16(((fields.offset ?? 0) & 0xfff8) | (fields.more ? 1 : 0)),
        be32(fields.id ?? 1),
        next.build(around),
      ),
  };
}

/** Authentication header, of either family. The integrity value is 12 bytes, as of HMAC-SHA1-96. */
export function ah(
  next: Layer,
  fields: { spi?: number; seq?: number; reserved?: number; icvLength?: number; words?: number } = {},
): Layer {
  const icvLength = fields.icvLength ?? 12;
  return {
    protocol: PROTOCOL.ah,
    build: (around) =>
      concat(
        Uint8Array.of(next.protocol, fields.words ?? (12 + icvLength) / 4 - 2),
        be16(fields.reserved ?? 0),
        be32(fields.spi ?? 0x100),
        be32(fields.seq ?? 1),
        filler(icvLength),
        next.build(around),
      ),
  };
}

export function esp(fields: { spi?: number; seq?: number; payload?: Bytes } = {}): Layer {
  return raw(
    PROTOCOL.esp,
    concat(be32(fields.spi ?? 0x100), be32(fields.seq ?? 1), fields.payload ?? filler(24)),
  );
}

// Transports

/** Flags of TCP as tcpdump's letters, plus E (ECE) and C (CWR): 'S', 'SA', 'FPU'. A number gives all eight bits. */
export type TcpFlags = string | number;

const TCP_FLAG_LETTERS = 'FSRPAUEC';

export interface TcpFields {
  readonly sport: number;
  readonly dport: number;
  readonly flags?: TcpFlags;
  readonly seq?: number;
  readonly ack?: number;
  readonly window?: number;
  readonly urgent?: number;
  /** Padded to a multiple of four with zero bytes. */
  readonly options?: Bytes;
  readonly payload?: Bytes;
  readonly checksum?: Checksum;
  /** Header length in 32-bit words, where it is to be a lie. */
  readonly headerWords?: number;
  /** The four bits beside the header length. */
  readonly reserved?: number;
  /** Cut the segment to this many bytes, header and all. */
  readonly cut?: number;
}

export function tcpFlagBits(flags: TcpFlags): number {
  if (typeof flags === 'number') return flags;
  let bits = 0;
  for (const letter of flags) {
    const bit = TCP_FLAG_LETTERS.indexOf(letter);
    if (bit < 0) throw new Error(`not a TCP flag: ${letter}`);
    bits |= 1 << bit;
  }
  return bits;
}

export function tcp(fields: TcpFields): Layer {
  return {
    protocol: PROTOCOL.tcp,
    build(around) {
      const options = padTo4(fields.options ?? new Uint8Array());
      const segment = concat(
        be16(fields.sport),
        be16(fields.dport),
        be32(fields.seq ?? 0),
        be32(fields.ack ?? 0),
        Uint8Array.of(
          ((fields.headerWords ?? 5 + options.length / 4) << 4) | (fields.reserved ?? 0),
          tcpFlagBits(fields.flags ?? 'A'),
        ),
        be16(fields.window ?? 64240),
        be16(0),
        be16(fields.urgent ?? 0),
        options,
        fields.payload ?? new Uint8Array(),
      ).slice(0, fields.cut);
      if (segment.length >= 18) {
        const pseudo = pseudoHeader(around, PROTOCOL.tcp, segment.length);
        put16(segment, 16, choose(fields.checksum, internetChecksum(pseudo, segment)));
      }
      return segment;
    },
  };
}

/** TCP options by name, to lay end to end. */
export const tcpOption = {
  end: () => Uint8Array.of(0),
  nop: () => Uint8Array.of(1),
  mss: (value: number) => concat(Uint8Array.of(2, 4), be16(value)),
  windowScale: (shift: number) => Uint8Array.of(3, 3, shift),
  sackPermitted: () => Uint8Array.of(4, 2),
  sack: (...edges: readonly number[]) =>
    concat(Uint8Array.of(5, 2 + 4 * edges.length), ...edges.map((edge) => be32(edge))),
  timestamps: (value: number, echo: number) => concat(Uint8Array.of(8, 10), be32(value), be32(echo)),
  of: (kind: number, data: Bytes = new Uint8Array()) => concat(Uint8Array.of(kind, data.length + 2), data),
};

export interface UdpFields {
  readonly sport: number;
  readonly dport: number;
  readonly payload?: Bytes;
  /** 0 says "no checksum". */
  readonly checksum?: Checksum;
  readonly length?: number;
}

export function udp(fields: UdpFields): Layer {
  return {
    protocol: PROTOCOL.udp,
    build(around) {
      const payload = fields.payload ?? new Uint8Array();
      const length = fields.length ?? 8 + payload.length;
      const datagram = concat(be16(fields.sport), be16(fields.dport), be16(length), be16(0), payload);
      const sum = internetChecksum(pseudoHeader(around, PROTOCOL.udp, datagram.length), datagram);
      put16(datagram, 6, choose(fields.checksum, sum === 0 ? 0xffff : sum));
      return datagram;
    },
  };
}

/** `coverage` 0 covers the whole datagram (RFC 3828). */
export function udplite(fields: {
  sport: number;
  dport: number;
  payload?: Bytes;
  coverage?: number;
  checksum?: Checksum;
  /** The protocol number in the pseudo-header: Linux conntrack (6.18) verifies UDP-Lite as if it were 17. */
  summedAs?: number;
}): Layer {
  return {
    protocol: PROTOCOL.udplite,
    build(around) {
      const coverage = fields.coverage ?? 0;
      const datagram = concat(
        be16(fields.sport),
        be16(fields.dport),
        be16(coverage),
        be16(0),
        fields.payload ?? new Uint8Array(),
      );
      const covered = datagram.subarray(0, coverage === 0 ? datagram.length : coverage);
      const sum = internetChecksum(
        pseudoHeader(around, fields.summedAs ?? PROTOCOL.udplite, datagram.length),
        covered,
      );
      put16(datagram, 6, choose(fields.checksum, sum === 0 ? 0xffff : sum));
      return datagram;
    },
  };
}

export interface IcmpFields {
  readonly type: number;
  readonly code?: number;
  /** Bytes 4..7: identifier and sequence number of echoes, or `rest` whole. */
  readonly id?: number;
  readonly seq?: number;
  readonly rest?: Bytes;
  readonly payload?: Bytes;
  readonly checksum?: Checksum;
  /** Cut the message to this many bytes. */
  readonly cut?: number;
}

function icmpMessage(fields: IcmpFields): Bytes {
  return concat(
    Uint8Array.of(fields.type, fields.code ?? 0, 0, 0),
    fields.rest ?? concat(be16(fields.id ?? 0), be16(fields.seq ?? 0)),
    fields.payload ?? new Uint8Array(),
  ).slice(0, fields.cut);
}

export function icmp(fields: IcmpFields): Layer {
  return {
    protocol: PROTOCOL.icmp,
    build() {
      const message = icmpMessage(fields);
      if (message.length >= 4) put16(message, 2, choose(fields.checksum, internetChecksum(message)));
      return message;
    },
  };
}

export function icmpv6(fields: IcmpFields): Layer {
  return {
    protocol: PROTOCOL.icmpv6,
    build(around) {
      const message = icmpMessage(fields);
      if (message.length >= 4) {
        const pseudo = pseudoHeader(around, PROTOCOL.icmpv6, message.length);
        put16(message, 2, choose(fields.checksum, internetChecksum(pseudo, message)));
      }
      return message;
    },
  };
}

/** An ICMP error about `inner`, a whole IPv4 packet, of which the header and `keep` more bytes are quoted. */
export function icmpError(
  fields: { type: number; code?: number; mtu?: number; checksum?: Checksum },
  inner: Bytes,
  keep = 1000,
): Layer {
  const { type, code, mtu, checksum } = fields;
  const quoted = inner.slice(0, (inner[0]! & 15) * 4 + keep);
  return icmp({
    type,
    code: code ?? 0,
    rest: be32(mtu ?? 0),
    payload: quoted,
    ...(checksum === undefined ? {} : { checksum }),
  });
}

/** As icmpError, about an IPv6 packet. */
export function icmpv6Error(
  fields: { type: number; code?: number; mtu?: number; checksum?: Checksum },
  inner: Bytes,
  keep = 1200,
): Layer {
  const { type, code, mtu, checksum } = fields;
  return icmpv6({
    type,
    code: code ?? 0,
    rest: be32(mtu ?? 0),
    payload: inner.slice(0, 40 + keep),
    ...(checksum === undefined ? {} : { checksum }),
  });
}

export interface SctpChunk {
  readonly type: number;
  readonly flags?: number;
  readonly value?: Bytes;
  readonly length?: number;
}

/** SCTP chunk types by the names that `-m sctp --chunk-types` uses. */
export const SCTP = {
  DATA: 0,
  INIT: 1,
  INIT_ACK: 2,
  SACK: 3,
  HEARTBEAT: 4,
  HEARTBEAT_ACK: 5,
  ABORT: 6,
  SHUTDOWN: 7,
  SHUTDOWN_ACK: 8,
  ERROR: 9,
  COOKIE_ECHO: 10,
  COOKIE_ACK: 11,
  ECN_ECNE: 12,
  ECN_CWR: 13,
  SHUTDOWN_COMPLETE: 14,
  I_DATA: 64,
  ASCONF_ACK: 128,
  RE_CONFIG: 130,
  PAD: 132,
  ASCONF: 193,
  FORWARD_TSN: 192,
} as const;

/** The value of an INIT or INIT_ACK chunk: only the initiate tag matters to anybody here. */
export function sctpInit(tag: number): Bytes {
  return concat(be32(tag), be32(65536), be16(10), be16(10), be32(1));
}

export function sctp(fields: {
  sport: number;
  dport: number;
  vtag?: number;
  chunks?: readonly SctpChunk[];
  checksum?: Checksum;
}): Layer {
  return {
    protocol: PROTOCOL.sctp,
    build() {
      const chunks = (fields.chunks ?? []).map((chunk) => {
        const value = chunk.value ?? new Uint8Array();
        return concat(
          Uint8Array.of(chunk.type, chunk.flags ?? 0),
          be16(chunk.length ?? 4 + value.length),
          value,
          new Uint8Array((4 - (value.length % 4)) % 4),
        );
      });
      const packet = concat(
        be16(fields.sport),
        be16(fields.dport),
        be32(fields.vtag ?? 0),
        be32(0),
        ...chunks,
      );
      // The CRC stands in the packet with its least significant byte first (RFC 9260, appendix A).
      const crc = choose(fields.checksum, crc32c(packet));
      packet.set([crc, crc >>> 8, crc >>> 16, crc >>> 24], 8);
      return packet;
    },
  };
}

/** DCCP packet types in their order: REQUEST is 0. */
export const DCCP_TYPES = [
  'REQUEST',
  'RESPONSE',
  'DATA',
  'ACK',
  'DATAACK',
  'CLOSEREQ',
  'CLOSE',
  'RESET',
  'SYNC',
  'SYNCACK',
] as const;

export function dccp(fields: {
  sport: number;
  dport: number;
  type: (typeof DCCP_TYPES)[number] | number;
  seq?: number;
  ack?: number;
  service?: number;
  options?: Bytes;
  payload?: Bytes;
  checksum?: Checksum;
}): Layer {
  return {
    protocol: PROTOCOL.dccp,
    build(around) {
      const type = typeof fields.type === 'number' ? fields.type : DCCP_TYPES.indexOf(fields.type);
      const long = (value: number) => concat(be16(0), be16(0), be32(value));
      const extra =
        type === 0
          ? be32(fields.service ?? 0)
          : type === 1 || type === 7
            ? concat(long(fields.ack ?? 0), be32(fields.service ?? 0))
            : type === 2
              ? new Uint8Array()
              : long(fields.ack ?? 0);
      const options = padTo4(fields.options ?? new Uint8Array());
      const packet = concat(
        be16(fields.sport),
        be16(fields.dport),
        Uint8Array.of((16 + extra.length + options.length) / 4, 0, 0, 0),
        // Type in bits 1..4, X (48-bit sequence numbers) in bit 0.
        Uint8Array.of((type << 1) | 1, 0, 0, 0),
        be32(fields.seq ?? 1),
        extra,
        options,
        fields.payload ?? new Uint8Array(),
      );
      const pseudo = pseudoHeader(around, PROTOCOL.dccp, packet.length);
      put16(packet, 6, choose(fields.checksum, internetChecksum(pseudo, packet)));
      return packet;
    },
  };
}

/** GRE: version 0 (RFC 2890) with an optional key, or version 1 as PPTP uses it when a call id is given. */
export function gre(
  fields: { protocol?: number; key?: number; callId?: number; seq?: number; payload?: Bytes } = {},
): Layer {
  const payload = fields.payload ?? filler(8);
  if (fields.callId !== undefined) {
    return raw(
      PROTOCOL.gre,
      concat(
        Uint8Array.of(0x30, 0x01),
        be16(fields.protocol ?? 0x880b),
        be16(payload.length),
        be16(fields.callId),
        be32(fields.seq ?? 1),
        payload,
      ),
    );
  }
  const flags = fields.key === undefined ? 0 : 0x20;
  return raw(
    PROTOCOL.gre,
    concat(
      Uint8Array.of(flags, 0),
      be16(fields.protocol ?? 0x0800),
      fields.key === undefined ? new Uint8Array() : be32(fields.key),
      payload,
    ),
  );
}

export function igmp(fields: {
  type: number;
  group?: string;
  maxResponse?: number;
  checksum?: Checksum;
}): Layer {
  const message = concat(
    Uint8Array.of(fields.type, fields.maxResponse ?? 0, 0, 0),
    address4(fields.group ?? '0.0.0.0'),
  );
  put16(message, 2, choose(fields.checksum, internetChecksum(message)));
  return raw(PROTOCOL.igmp, message);
}

// Fragments

/** Cuts an IPv4 packet at these payload offsets (multiples of 8); options stay in the first fragment only. */
export function fragment4(packet: Bytes, ...cuts: readonly number[]): Bytes[] {
  const headerLength = (packet[0]! & 15) * 4;
  const payload = packet.subarray(headerLength);
  const edges = [0, ...cuts, payload.length];
  const base = (((packet[6]! & 0x1f) << 8) | packet[7]!) * 8;
  const hadMore = (packet[6]! & 0x20) !== 0;
  return edges.slice(0, -1).map((from, i) => {
    const to = edges[i + 1]!;
    const header = packet.slice(0, i === 0 ? headerLength : 20);
    header[0] = 0x40 | (header.length / 4);
    put16(header, 2, header.length + to - from);
    const more = i < edges.length - 2 || hadMore ? 0x2000 : 0;
    put16(header, 6, more | ((base + from) >>> 3));
    put16(header, 10, 0);
    put16(header, 10, internetChecksum(header));
    return concat(header, payload.subarray(from, to));
  });
}

/**
 * Cuts an IPv6 packet at these offsets (multiples of 8) into what follows its first `unfragmentable` bytes: the
 * plain header of 40 unless headers for every hop are to stay in front.
 */
export function fragment6(packet: Bytes, id: number, cuts: readonly number[], unfragmentable = 40): Bytes[] {
  const head = packet.subarray(0, unfragmentable);
  const payload = packet.subarray(unfragmentable);
  const nextAt = unfragmentable === 40 ? 6 : 40;
  const edges = [0, ...cuts, payload.length];
  return edges.slice(0, -1).map((from, i) => {
    const to = edges[i + 1]!;
    const more = i < edges.length - 2;
    const header = concat(
      Uint8Array.of(packet[nextAt]!, 0),
      be16((from & 0xfff8) | (more ? 1 : 0)),
      be32(id),
    );
    const fragment = concat(head, header, payload.subarray(from, to));
    fragment[nextAt] = PROTOCOL.fragment;
    put16(fragment, 4, fragment.length - 40);
    return fragment;
  });
}

// Link layer

export function mac(colons: string): Bytes {
  return Uint8Array.from(colons.split(':'), (part) => Number.parseInt(part, 16));
}

/** An Ethernet frame; `vlan` tags from the outermost in. Padded to 60 bytes where `pad` says so. */
export function ethernet(
  fields: { src: string; dst: string; type?: number; vlan?: readonly number[]; pad?: boolean },
  payload: Bytes,
): Bytes {
  const type = fields.type ?? (payload[0]! >> 4 === 6 ? 0x86dd : 0x0800);
  const tags = (fields.vlan ?? []).map((id) => concat(be16(0x8100), be16(id)));
  const frame = concat(mac(fields.dst), mac(fields.src), ...tags, be16(type), payload);
  return fields.pad && frame.length < 60 ? concat(frame, new Uint8Array(60 - frame.length)) : frame;
}

// Capture files

export const LINKTYPE = { ethernet: 1, raw: 101 } as const;

export interface Captured {
  /** Seconds since the epoch; microseconds are kept. */
  readonly time: number;
  readonly bytes: Bytes;
  /** Bytes on the wire, where the capture cut the packet short. */
  readonly origLen?: number;
  /** pcapng: number of the interface, and the direction of epb_flags. */
  readonly iface?: number;
  readonly direction?: 'in' | 'out';
}

function le16(value: number): Bytes {
  return Uint8Array.of(value, value >>> 8);
}

function le32(value: number): Bytes {
  return Uint8Array.of(value, value >>> 8, value >>> 16, value >>> 24);
}

/** A classic pcap file, little endian, microseconds. */
export function pcap(linktype: number, packets: readonly Captured[]): Bytes {
  const header = concat(le32(0xa1b2c3d4), le16(2), le16(4), le32(0), le32(0), le32(262144), le32(linktype));
  const records = packets.map(({ time, bytes, origLen }) => {
    const seconds = Math.floor(time);
    const micros = Math.round((time - seconds) * 1e6);
    return concat(
      le32(seconds + Math.floor(micros / 1e6)),
      le32(micros % 1e6),
      le32(bytes.length),
      le32(origLen ?? bytes.length),
      bytes,
    );
  });
  return concat(header, ...records);
}

function pcapngOption(code: number, value: Bytes): Bytes {
  return concat(le16(code), le16(value.length), value, new Uint8Array((4 - (value.length % 4)) % 4));
}

function pcapngBlock(type: number, body: Bytes): Bytes {
  const length = le32(12 + body.length);
  return concat(le32(type), length, body, length);
}

/** A pcapng file: the interfaces by name (if_name), each packet with its direction (epb_flags). Microseconds. */
export function pcapng(
  interfaces: readonly { readonly name: string; readonly linktype: number }[],
  packets: readonly Captured[],
): Bytes {
  const section = concat(le32(0x1a2b3c4d), le16(1), le16(0), le32(0xffffffff), le32(0xffffffff));
  const described = interfaces.map(({ name, linktype }) =>
    pcapngBlock(
      1,
      concat(le16(linktype), le16(0), le32(262144), pcapngOption(2, text(name)), pcapngOption(0, text(''))),
    ),
  );
  const records = packets.map(({ time, bytes, origLen, iface, direction }) => {
    const micros = Math.round(time * 1e6);
    const flags = direction === undefined ? 0 : direction === 'in' ? 1 : 2;
    return pcapngBlock(
      6,
      concat(
        le32(iface ?? 0),
        le32(Math.floor(micros / 0x100000000)),
        le32(micros % 0x100000000),
        le32(bytes.length),
        le32(origLen ?? bytes.length),
        bytes,
        new Uint8Array((4 - (bytes.length % 4)) % 4),
        flags === 0 ? new Uint8Array() : concat(pcapngOption(2, le32(flags)), pcapngOption(0, text(''))),
      ),
    );
  });
  return concat(pcapngBlock(0x0a0d0d0a, section), ...described, ...records);
}
