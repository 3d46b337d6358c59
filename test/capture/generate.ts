/**
 * Writes captures of every format and variant, byte by byte, independently of src/capture. Also the tests' own
 * plain view of what was written, to be compared with what is read back.
 */
export interface TestPacket {
  /** Nanoseconds since the epoch. */
  readonly timeNs: bigint;
  readonly data: Uint8Array;
  /** Bytes on the wire; data.length unless told. */
  readonly origLen?: number;
}

export class ByteWriter {
  readonly littleEndian: boolean;
  #bytes = new Uint8Array(1024);
  #view = new DataView(this.#bytes.buffer);
  length = 0;

  constructor(littleEndian: boolean) {
    this.littleEndian = littleEndian;
  }

  #room(bytes: number): number {
    const at = this.length;
    this.length += bytes;
    if (this.length > this.#bytes.length) {
      const bigger = new Uint8Array(2 * this.length);
      bigger.set(this.#bytes);
      this.#bytes = bigger;
      this.#view = new DataView(bigger.buffer);
    }
    return at;
  }

  u8(value: number): this {
    const at = this.#room(1);
    this.#view.setUint8(at, value);
    return this;
  }

  u16(value: number): this {
    const at = this.#room(2);
    this.#view.setUint16(at, value, this.littleEndian);
    return this;
  }

  u32(value: number): this {
    const at = this.#room(4);
    this.#view.setUint32(at, value, this.littleEndian);
    return this;
  }

  i64(value: bigint): this {
    const at = this.#room(8);
    this.#view.setBigInt64(at, value, this.littleEndian);
    return this;
  }

  bytes(value: Uint8Array): this {
    const at = this.#room(value.length);
    this.#bytes.set(value, at);
    return this;
  }

  pad(multiple: number): this {
    while (this.length % multiple !== 0) this.u8(0);
    return this;
  }

  done(): Uint8Array {
    return this.#bytes.slice(0, this.length);
  }
}

export interface PcapOptions {
  readonly littleEndian?: boolean;
  readonly nanoseconds?: boolean;
  readonly linktype?: number;
  readonly snaplen?: number;
  readonly magic?: number;
  readonly version?: readonly [number, number];
}

export function pcapHeader(options: PcapOptions = {}): ByteWriter {
  const {
    littleEndian = true,
    nanoseconds = false,
    linktype = 1,
    snaplen = 262144,
    version = [2, 4],
  } = options;
  const magic = options.magic ?? (nanoseconds ? 0xa1b23c4d : 0xa1b2c3d4);
  return new ByteWriter(littleEndian)
    .u32(magic)
    .u16(version[0])
    .u16(version[1])
    .u32(0)
    .u32(0)
    .u32(snaplen)
    .u32(linktype);
}

/** A classic pcap file. Times are cut to its resolution. */
export function pcap(packets: readonly TestPacket[], options: PcapOptions = {}): Uint8Array {
  const w = pcapHeader(options);
  const swapped = (options.version?.[1] ?? 4) < 3;
  for (const { timeNs, data, origLen = data.length } of packets) {
    w.u32(Number(timeNs / 1_000_000_000n));
    w.u32(Number(timeNs % 1_000_000_000n) / (options.nanoseconds === true ? 1 : 1000));
    if (swapped) w.u32(origLen).u32(data.length);
    else w.u32(data.length).u32(origLen);
    w.bytes(data);
  }
  return w.done();
}

export interface TestOption {
  readonly code: number;
  readonly value: Uint8Array;
}

/** Writes pcapng blocks one behind the other. */
export class PcapngWriter {
  readonly w: ByteWriter;

  constructor(littleEndian = true) {
    this.w = new ByteWriter(littleEndian);
  }

  block(type: number, body: (w: ByteWriter) => void, total?: { head?: number; tail?: number }): this {
    const inner = new ByteWriter(this.w.littleEndian);
    body(inner);
    inner.pad(4);
    const length = inner.length + 12;
    this.w
      .u32(type)
      .u32(total?.head ?? length)
      .bytes(inner.done())
      .u32(total?.tail ?? length);
    return this;
  }

  options(w: ByteWriter, options: readonly TestOption[]): void {
    if (options.length === 0) return;
    for (const { code, value } of options) w.u16(code).u16(value.length).bytes(value).pad(4);
    w.u32(0);
  }

  section(major = 1, minor = 0, options: readonly TestOption[] = []): this {
    return this.block(0x0a0d0d0a, (w) => {
      w.u32(0x1a2b3c4d).u16(major).u16(minor).i64(-1n);
      this.options(w, options);
    });
  }

  interface(
    options: {
      linktype?: number;
      snaplen?: number;
      name?: string;
      resolution?: number;
      offsetSeconds?: bigint;
      more?: TestOption[];
    } = {},
  ): this {
    const list: TestOption[] = [];
    if (options.name !== undefined) list.push({ code: 2, value: new TextEncoder().encode(options.name) });
    if (options.resolution !== undefined) list.push({ code: 9, value: Uint8Array.of(options.resolution) });
    if (options.offsetSeconds !== undefined) {
      list.push({ code: 14, value: new ByteWriter(this.w.littleEndian).i64(options.offsetSeconds).done() });
    }
    list.push(...(options.more ?? []));
    return this.block(1, (w) => {
      w.u16(options.linktype ?? 1)
        .u16(0)
        .u32(options.snaplen ?? 0);
      this.options(w, list);
    });
  }

  enhanced(
    ticks: bigint,
    data: Uint8Array,
    options: { iface?: number; origLen?: number; capLen?: number; options?: TestOption[] } = {},
  ): this {
    return this.block(6, (w) => {
      w.u32(options.iface ?? 0)
        .u32(Number(ticks >> 32n))
        .u32(Number(ticks & 0xffffffffn));
      w.u32(options.capLen ?? data.length)
        .u32(options.origLen ?? data.length)
        .bytes(data)
        .pad(4);
      this.options(w, options.options ?? []);
    });
  }

  simple(data: Uint8Array, origLen = data.length): this {
    return this.block(3, (w) => w.u32(origLen).bytes(data));
  }

  /** The obsolete Packet Block. */
  old(
    ticks: bigint,
    data: Uint8Array,
    iface = 0,
    origLen = data.length,
    options: readonly TestOption[] = [],
  ): this {
    return this.block(2, (w) => {
      w.u16(iface)
        .u16(0xffff)
        .u32(Number(ticks >> 32n))
        .u32(Number(ticks & 0xffffffffn));
      w.u32(data.length).u32(origLen).bytes(data).pad(4);
      this.options(w, options);
    });
  }

  flags(value: number): TestOption {
    return { code: 2, value: new ByteWriter(this.w.littleEndian).u32(value).done() };
  }

  done(): Uint8Array {
    return this.w.done();
  }
}

/** A pcapng file of one section and interface with nanosecond time stamps, and a block that nobody knows. */
export function pcapng(packets: readonly TestPacket[], littleEndian = true, resolution = 9): Uint8Array {
  const writer = new PcapngWriter(littleEndian).section().interface({ resolution, name: 'eth0' });
  const perSecond = (resolution & 0x80) === 0 ? 10n ** BigInt(resolution) : 2n ** BigInt(resolution & 0x7f);
  for (const { timeNs, data, origLen } of packets) {
    writer.enhanced((timeNs * perSecond) / 1_000_000_000n, data, origLen === undefined ? {} : { origLen });
    if (data.length % 5 === 0) writer.block(0x0bad, (w) => w.bytes(data));
  }
  return writer.done();
}

export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

/** A Zstandard frame (RFC 8878) of raw blocks, and of one RLE block when all bytes are equal. No checksum. */
export function zstdRaw(content: Uint8Array, blockBytes = 1000): Uint8Array {
  // Frame header: no content size, no checksum, window of 128 KiB (exponent 7).
  const w = new ByteWriter(true)
    .u32(0xfd2fb528)
    .u8(0)
    .u8(7 << 3);
  const block = (type: number, size: number, last: boolean): void => {
    const header = (size << 3) | (type << 1) | (last ? 1 : 0);
    w.u8(header & 255)
      .u8((header >>> 8) & 255)
      .u8(header >>> 16);
  };
  for (let at = 0; ; at += blockBytes) {
    const part = content.subarray(at, at + blockBytes);
    const last = at + blockBytes >= content.length;
    if (part.length > 1 && part.every((byte) => byte === part[0])) {
      block(1, part.length, last);
      w.u8(part[0]!);
    } else {
      block(0, part.length, last);
      w.bytes(part);
    }
    if (last) return w.done();
  }
}
