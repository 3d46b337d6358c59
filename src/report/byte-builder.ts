import { formatIpv6 } from '../base/inet.ts';

const DIGIT_0 = 0x30;
const DOT = 0x2e;

/** Text of each octet value. */
const OCTETS: readonly Uint8Array[] = Array.from({ length: 256 }, (_, octet) =>
  Buffer.from(String(octet), 'latin1'),
);

/** Bytes of text that grow: rows of packets are put together here without a string a cell. */
export class ByteBuilder {
  bytes: Buffer = Buffer.allocUnsafe(1 << 16);
  length = 0;

  clear(): void {
    this.length = 0;
  }

  /** What was put so far; valid until the next put. */
  view(): Uint8Array {
    return this.bytes.subarray(0, this.length);
  }

  put(bytes: Uint8Array): void {
    this.reserve(bytes.length);
    // Short pieces are copied faster by hand than by a call into the engine.
    if (bytes.length < 24) for (let i = 0; i < bytes.length; i++) this.bytes[this.length + i] = bytes[i]!;
    else this.bytes.set(bytes, this.length);
    this.length += bytes.length;
  }

  putByte(byte: number): void {
    this.reserve(1);
    this.bytes[this.length++] = byte;
  }

  /** A whole number below 2^53 in decimal. */
  putWhole(value: number): void {
    this.reserve(17);
    let digits = 1;
    for (let bound = 10; value >= bound; bound *= 10) digits++;
    let at = this.length + digits - 1;
    let rest = value;
    for (; rest > 0x7fffffff; at--) {
      const tens = Math.floor(rest / 10);
      this.bytes[at] = DIGIT_0 + (rest - 10 * tens);
      rest = tens;
    }
    this.putDigits(rest | 0, at);
    this.length += digits;
  }

  /** Exactly nine digits. */
  putNanoseconds(nanoseconds: number): void {
    this.reserve(9);
    this.putDigits(nanoseconds | 0, this.length + 8);
    this.length += 9;
  }

  /** Decimal digits of `rest`, the last at `last`, down to the end of what was put before. */
  private putDigits(rest: number, last: number): void {
    for (let at = last; at >= this.length; at--) {
      const tens = (rest / 10) | 0;
      this.bytes[at] = DIGIT_0 + (rest - 10 * tens);
      rest = tens;
    }
  }

  putIpv4(word: number): void {
    this.put(OCTETS[word >>> 24]!);
    this.putByte(DOT);
    this.put(OCTETS[(word >>> 16) & 255]!);
    this.putByte(DOT);
    this.put(OCTETS[(word >>> 8) & 255]!);
    this.putByte(DOT);
    this.put(OCTETS[word & 255]!);
  }

  putIpv6(words: Int32Array, offset: number): void {
    const text = formatIpv6(words, offset);
    this.reserve(text.length);
    this.length += this.bytes.write(text, this.length, 'latin1');
  }

  private reserve(bytes: number): void {
    if (this.length + bytes <= this.bytes.length) return;
    const grown = Buffer.allocUnsafe(Math.max(2 * this.bytes.length, this.length + bytes));
    this.bytes.copy(grown, 0, 0, this.length);
    this.bytes = grown;
  }
}
