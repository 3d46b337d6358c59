import { maxCapturedBytes } from './limits.ts';

const OPTION_END = 0;
const OPTION_IF_NAME = 2;
const OPTION_IF_TSRESOL = 9;
const OPTION_IF_TSOFFSET = 14;

/** Block type, total length, link type, reserved, snap length. */
const INTERFACE_HEADER_BYTES = 16;

/** What an Interface Description Block says. */
export interface InterfaceDescription {
  readonly linktype: number;
  readonly snaplen: number;
  readonly name: string | undefined;
  readonly unitsPerSecond: bigint;
  /** Seconds to be added to every time stamp. */
  readonly offsetSeconds: bigint;
}

/** Reads the block data[at, end) (without its trailing length); a string says what is wrong with it. */
export function readInterfaceDescription(
  view: DataView,
  at: number,
  end: number,
  littleEndian: boolean,
): InterfaceDescription | string {
  if (end - at < INTERFACE_HEADER_BYTES) return 'an interface block is too short';
  const linktype = view.getUint16(at + 8, littleEndian);
  const snaplen = view.getUint32(at + 12, littleEndian);
  let name: string | undefined;
  let unitsPerSecond = 1_000_000n;
  let offsetSeconds = 0n;
  let option = at + INTERFACE_HEADER_BYTES;
  while (end - option >= 4) {
    const code = view.getUint16(option, littleEndian);
    const bytes = view.getUint16(option + 2, littleEndian);
    const value = option + 4;
    if (code === OPTION_END) break;
    if (bytes > end - value) return `option ${code} of an interface block is longer than the block`;
    if (code === OPTION_IF_NAME) {
      name ??= textAt(view, value, bytes);
    } else if (code === OPTION_IF_TSRESOL) {
      if (bytes !== 1) return `if_tsresol has ${bytes} bytes instead of 1`;
      unitsPerSecond = unitsOf(view.getUint8(value));
    } else if (code === OPTION_IF_TSOFFSET) {
      if (bytes !== 8) return `if_tsoffset has ${bytes} bytes instead of 8`;
      offsetSeconds = view.getBigInt64(value, littleEndian);
    }
    option = value + ((bytes + 3) & ~3);
  }
  return { linktype, snaplen, name: name === '' ? undefined : name, unitsPerSecond, offsetSeconds };
}

/** if_tsresol: a power of 2 when the upper bit is set, else of 10. */
function unitsOf(resolution: number): bigint {
  const exponent = BigInt(resolution & 0x7f);
  return (resolution & 0x80) === 0 ? 10n ** exponent : 2n ** exponent;
}

/** UTF-8 text; some writers end it with a NUL, which the format does not ask for. */
function textAt(view: DataView, at: number, bytes: number): string {
  const copy = new Uint8Array(bytes);
  for (let i = 0; i < bytes; i++) copy[i] = view.getUint8(at + i);
  const text = new TextDecoder().decode(copy);
  const nul = text.indexOf('\0');
  return nul < 0 ? text : text.slice(0, nul);
}

const NS_PER_SECOND = 1_000_000_000n;

/**
 * The interfaces of one section as columns for the hot loop. Where a tick is a whole number of nanoseconds, time
 * stamps are turned into nanoseconds with doubles from a base in ticks; else (picoseconds, powers of two)
 * `nsPerTick` is 0 and `ticksToNs` does it with BigInt.
 */
export class InterfaceColumns {
  count = 0;
  source = new Uint16Array(8);
  linktype = new Uint16Array(8);
  maxBytes = new Uint32Array(8);
  nsPerTick = new Float64Array(8);
  baseHigh = new Float64Array(8);
  baseLow = new Float64Array(8);
  offsetNs = new Float64Array(8);
  readonly descriptions: InterfaceDescription[] = [];
  /** Nanoseconds that are added to an interface's time stamps. */
  readonly #skews: bigint[] = [];

  clear(): void {
    this.count = 0;
    this.descriptions.length = 0;
    this.#skews.length = 0;
  }

  add(
    description: InterfaceDescription,
    source: number,
    supported: boolean,
    clockNs: bigint,
    skewNs: bigint,
  ): void {
    if (this.count === this.source.length) this.#grow();
    const id = this.count++;
    this.descriptions.push(description);
    this.#skews.push(skewNs);
    this.source[id] = source;
    this.linktype[id] = description.linktype;
    // A packet of a link type that cannot be replayed leaves the hot loop by its length, and is then refused.
    this.maxBytes[id] = supported ? maxCapturedBytes(description.snaplen) : 0;
    this.#setBase(id, supported, clockNs);
  }

  setClock(clockNs: bigint): void {
    for (let id = 0; id < this.count; id++) this.#setBase(id, this.maxBytes[id] !== 0, clockNs);
  }

  /** Exact nanoseconds since the epoch of a time stamp, rounded down. */
  ticksToNs(id: number, high: number, low: number): bigint {
    const { unitsPerSecond, offsetSeconds } = this.descriptions[id]!;
    const ticks = (BigInt(high) << 32n) | BigInt(low);
    return (ticks * NS_PER_SECOND) / unitsPerSecond + offsetSeconds * NS_PER_SECOND + this.#skews[id]!;
  }

  #setBase(id: number, supported: boolean, clockNs: bigint): void {
    const { unitsPerSecond, offsetSeconds } = this.descriptions[id]!;
    const exact = supported && NS_PER_SECOND % unitsPerSecond === 0n;
    const nsPerTick = exact ? NS_PER_SECOND / unitsPerSecond : 0n;
    this.nsPerTick[id] = Number(nsPerTick);
    if (!exact) return;
    const shiftNs = offsetSeconds * NS_PER_SECOND + this.#skews[id]!;
    const baseTicks = (clockNs - shiftNs) / nsPerTick;
    this.baseHigh[id] = Number(baseTicks >> 32n);
    this.baseLow[id] = Number(baseTicks & 0xffffffffn);
    this.offsetNs[id] = Number(baseTicks * nsPerTick + shiftNs - clockNs);
  }

  #grow(): void {
    const length = 2 * this.source.length;
    const grow = <T extends Uint16Array | Uint32Array | Float64Array>(old: T, fresh: T): T => {
      fresh.set(old);
      return fresh;
    };
    this.source = grow(this.source, new Uint16Array(length));
    this.linktype = grow(this.linktype, new Uint16Array(length));
    this.maxBytes = grow(this.maxBytes, new Uint32Array(length));
    this.nsPerTick = grow(this.nsPerTick, new Float64Array(length));
    this.baseHigh = grow(this.baseHigh, new Float64Array(length));
    this.baseLow = grow(this.baseLow, new Float64Array(length));
    this.offsetNs = grow(this.offsetNs, new Float64Array(length));
  }
}
