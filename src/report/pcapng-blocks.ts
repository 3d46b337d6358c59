import type { CaptureSource } from '../capture/source.ts';

/** Blocks of pcapng (draft-ietf-opsawg-pcapng), little-endian. */
const SECTION_TYPE = 0x0a0d0d0a;
const INTERFACE_TYPE = 1;
const BYTE_ORDER_MAGIC = 0x1a2b3c4d;

const OPT_END = 0;
const OPT_COMMENT = 1;
const SHB_USERAPPL = 4;
const IF_NAME = 2;
const IF_TSRESOL = 9;
const EPB_FLAGS = 2;
const EPB_INBOUND = 1;
const EPB_OUTBOUND = 2;

/** An option holds at most 65,535 bytes. */
const MAX_OPTION_BYTES = 0xffff;

export function sectionHeader(): Uint8Array {
  const body = Buffer.alloc(16);
  body.writeUInt32LE(BYTE_ORDER_MAGIC, 0);
  body.writeUInt16LE(1, 4);
  // Section length: not stated.
  body.fill(0xff, 8, 16);
  return block(
    SECTION_TYPE,
    Buffer.concat([body, option(SHB_USERAPPL, Buffer.from('iptables-replay')), end()]),
  );
}

export interface InterfaceBlock {
  readonly bytes: Uint8Array;
  /** Units of the time stamps that belong to it. */
  readonly unitsPerSecond: number;
}

/** The interface block of a source, in the source's own time resolution (nanoseconds where that is finer). */
export function interfaceBlock(source: CaptureSource): InterfaceBlock {
  const body = Buffer.alloc(8);
  body.writeUInt16LE(source.linktype, 0);
  body.writeUInt32LE(source.snaplen, 4);
  const parts: Uint8Array[] = [body];
  if (source.ifaceName !== undefined) parts.push(option(IF_NAME, Buffer.from(source.ifaceName)));
  const resolution = timeResolution(source.unitsPerSecond);
  parts.push(option(IF_TSRESOL, Buffer.of(resolution.code)), end());
  return { bytes: block(INTERFACE_TYPE, Buffer.concat(parts)), unitsPerSecond: resolution.unitsPerSecond };
}

/** if_tsresol: a power of ten, or of two with the high bit set. */
function timeResolution(unitsPerSecond: bigint): { code: number; unitsPerSecond: number } {
  for (let power = 0; power <= 9; power++) {
    if (unitsPerSecond === 10n ** BigInt(power)) return { code: power, unitsPerSecond: 10 ** power };
  }
  for (let power = 0; power <= 29; power++) {
    if (unitsPerSecond === 1n << BigInt(power)) return { code: 0x80 | power, unitsPerSecond: 2 ** power };
  }
  return { code: 9, unitsPerSecond: 1e9 };
}

/** Options of an enhanced packet block. */
export function enhancedPacketOptions(comment: string, isInbound: boolean): Uint8Array {
  const flags = Buffer.alloc(4);
  flags.writeUInt32LE(isInbound ? EPB_INBOUND : EPB_OUTBOUND);
  return Buffer.concat([option(OPT_COMMENT, Buffer.from(comment)), option(EPB_FLAGS, flags), end()]);
}

function option(code: number, value: Buffer): Buffer {
  const length = Math.min(value.length, MAX_OPTION_BYTES);
  const bytes = Buffer.alloc(4 + Math.ceil(length / 4) * 4);
  bytes.writeUInt16LE(code, 0);
  bytes.writeUInt16LE(length, 2);
  value.copy(bytes, 4, 0, length);
  return bytes;
}

function end(): Buffer {
  return option(OPT_END, Buffer.alloc(0));
}

function block(type: number, body: Uint8Array): Uint8Array {
  const bytes = Buffer.alloc(12 + body.length);
  bytes.writeUInt32LE(type, 0);
  bytes.writeUInt32LE(bytes.length, 4);
  bytes.set(body, 8);
  bytes.writeUInt32LE(bytes.length, 8 + body.length);
  return bytes;
}
