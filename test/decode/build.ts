/** Builds packets byte by byte, independently of src/decode. Numbers are big endian. */
export const bytes = (...values: readonly number[]): Uint8Array => Uint8Array.from(values);
export const be16 = (value: number): number[] => [(value >>> 8) & 255, value & 255];
export const be32 = (value: number): number[] => [...be16(value >>> 16), ...be16(value & 0xffff)];
export const join = (...parts: readonly (Uint8Array | readonly number[])[]): Uint8Array =>
  Uint8Array.from(parts.flatMap((part) => [...part]));

/** RFC 1071, the obvious way. */
export function checksum(data: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < data.length; i += 2) {
    sum += data[i]! * 256 + (data[i + 1] ?? 0);
    if (sum > 0xffff) sum -= 0xffff;
  }
  return ~sum & 0xffff;
}

/** CRC-32C bit by bit. */
export function crc32cSlowly(data: ArrayLike<number>): number {
  let crc = 0xffffffff;
  for (let i = 0; i < data.length; i++) {
    crc ^= data[i]!;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ ((crc & 1) === 0 ? 0 : 0x82f63b78);
  }
  return ~crc >>> 0;
}

export const MAC_A = [0x02, 0, 0, 0, 0, 0x0a];
export const MAC_B = [0x02, 0, 0, 0, 0, 0x0b];
export const ethernet = (etherType: number, payload: Uint8Array, to: readonly number[] = MAC_B): Uint8Array =>
  join(to, MAC_A, be16(etherType), payload);
export const vlan = (id: number, etherType: number, payload: Uint8Array): Uint8Array =>
  join(be16(0xa000 | id), be16(etherType), payload);

export interface Ipv4Fields {
  readonly proto: number;
  readonly saddr?: number;
  readonly daddr?: number;
  readonly tos?: number;
  readonly id?: number;
  /** Flags and offset as they stand in the header. */
  readonly fragment?: number;
  readonly ttl?: number;
  /** Padded to four bytes with zeros. */
  readonly options?: readonly number[];
  readonly totalLength?: number;
  readonly versionAndLength?: number;
  readonly headerChecksum?: number;
}

export const SADDR = 0x0a000001;
export const DADDR = 0xc0000202;

export function ipv4(fields: Ipv4Fields, payload: Uint8Array): Uint8Array {
  const options = [...(fields.options ?? [])];
  while (options.length % 4 !== 0) options.push(0);
  const headerBytes = 20 + options.length;
  const header = join(
    [fields.versionAndLength ?? 0x40 | (headerBytes / 4), fields.tos ?? 0],
    be16(fields.totalLength ?? headerBytes + payload.length),
    be16(fields.id ?? 0x1234),
    be16(fields.fragment ?? 0x4000),
    [fields.ttl ?? 64, fields.proto, 0, 0],
    be32(fields.saddr ?? SADDR),
    be32(fields.daddr ?? DADDR),
    options,
  );
  header.set(be16(fields.headerChecksum ?? checksum(header)), 10);
  return join(header, payload);
}

export const SADDR6 = [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
export const DADDR6 = [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2];

export interface Ipv6Fields {
  readonly nextHeader: number;
  readonly saddr?: readonly number[];
  readonly daddr?: readonly number[];
  readonly payloadLength?: number;
  readonly hopLimit?: number;
  /** Version, traffic class and flow label. */
  readonly first?: number;
}

export const ipv6 = (fields: Ipv6Fields, payload: Uint8Array): Uint8Array =>
  join(
    be32(fields.first ?? 0x60000000),
    be16(fields.payloadLength ?? payload.length),
    [fields.nextHeader, fields.hopLimit ?? 64],
    fields.saddr ?? SADDR6,
    fields.daddr ?? DADDR6,
    payload,
  );

/** An extension header of type and length in its first two bytes; `body` fills it up to a multiple of 8. */
export function extension(nextHeader: number, body: readonly number[]): Uint8Array {
  const all = [nextHeader, 0, ...body];
  while (all.length % 8 !== 0) all.push(0);
  all[1] = all.length / 8 - 1;
  return Uint8Array.from(all);
}

export const fragmentHeader = (nextHeader: number, offset: number, more: boolean, id: number): Uint8Array =>
  bytes(nextHeader, 0, ...be16(offset | (more ? 1 : 0)), ...be32(id));

/** Writes the checksum of `segment` at `at`, over the pseudo header of these addresses. */
export function sealed(
  segment: Uint8Array,
  at: number,
  proto: number,
  saddr: readonly number[],
  daddr: readonly number[],
): Uint8Array {
  const sum = checksum(join(saddr, daddr, be32(segment.length), be32(proto), segment));
  segment.set(be16(sum), at);
  return segment;
}

/** The sum of the pseudo header alone, as transmit offload leaves it in the checksum field. */
export const pseudoSum = (
  proto: number,
  length: number,
  saddr: readonly number[],
  daddr: readonly number[],
): number => ~checksum(join(saddr, daddr, be32(length), be32(proto))) & 0xffff;

export interface TcpFields {
  readonly sport?: number;
  readonly dport?: number;
  readonly seq?: number;
  readonly ack?: number;
  readonly flags?: number;
  readonly window?: number;
  readonly options?: readonly number[];
}

export function tcp(fields: TcpFields = {}, payload: Uint8Array = bytes()): Uint8Array {
  const options = [...(fields.options ?? [])];
  while (options.length % 4 !== 0) options.push(0);
  return join(
    be16(fields.sport ?? 40000),
    be16(fields.dport ?? 443),
    be32(fields.seq ?? 0x01020304),
    be32(fields.ack ?? 0x0a0b0c0d),
    [(5 + options.length / 4) << 4, fields.flags ?? 0x18],
    be16(fields.window ?? 502),
    [0, 0, 0, 0],
    options,
    payload,
  );
}

export const udp = (payload: Uint8Array = bytes(), sport = 5353, dport = 53): Uint8Array =>
  join(be16(sport), be16(dport), be16(8 + payload.length), [0, 0], payload);

export const tcp4 = (
  fields: TcpFields = {},
  payload: Uint8Array = bytes(),
  ip: Partial<Ipv4Fields> = {},
): Uint8Array =>
  ipv4(
    { proto: 6, ...ip },
    sealed(tcp(fields, payload), 16, 6, be32(ip.saddr ?? SADDR), be32(ip.daddr ?? DADDR)),
  );
export const udp4 = (payload: Uint8Array = bytes(), ip: Partial<Ipv4Fields> = {}): Uint8Array =>
  ipv4({ proto: 17, ...ip }, sealed(udp(payload), 6, 17, be32(ip.saddr ?? SADDR), be32(ip.daddr ?? DADDR)));
export const tcp6 = (fields: TcpFields = {}, payload: Uint8Array = bytes()): Uint8Array =>
  ipv6({ nextHeader: 6 }, sealed(tcp(fields, payload), 16, 6, SADDR6, DADDR6));
export const udp6 = (payload: Uint8Array = bytes()): Uint8Array =>
  ipv6({ nextHeader: 17 }, sealed(udp(payload), 6, 17, SADDR6, DADDR6));
