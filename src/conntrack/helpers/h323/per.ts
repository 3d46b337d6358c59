import type { Component, Syntax, Width } from './syntax.ts';

/**
 * What was read of a message: of a sequence the components that are there, of a choice the one that was chosen, of a
 * string its offset from the beginning of the data.
 */
export type Value = number | Value[] | { readonly [name: string]: Value };

/** The part of a value that `path` leads to, or undefined where it is not there. */
export function part(value: Value | undefined, ...path: readonly string[]): Value | undefined {
  let at = value;
  for (const name of path) {
    if (at === undefined || typeof at === 'number' || Array.isArray(at)) return undefined;
    at = at[name];
  }
  return at;
}

/** The items of a sequence-of. */
export function items(value: Value | undefined): readonly Value[] {
  return Array.isArray(value) ? value : [];
}

class Unreadable extends Error {}

/**
 * Reads aligned PER as net/netfilter/nf_conntrack_h323_asn1.c does, its slips included: they decide which messages are
 * understood. Undefined when the bytes (`bytes` from `at` to `end`) are not what `syntax` says. Offsets in the value
 * count from `base`.
 */
export function readPer(
  bytes: Uint8Array,
  base: number,
  at: number,
  end: number,
  syntax: Syntax,
): Value | undefined {
  const reader = new PerReader(bytes, base, at, end);
  try {
    return reader.component({ name: '', syntax, fate: 'read', isOptional: false, isOpen: false }, true);
  } catch (error) {
    if (error instanceof Unreadable) return undefined;
    throw error;
  }
}

/** A component of this kind is there, and nothing is to be known of it. */
const PRESENT: Value = {};

class PerReader {
  private readonly bytes: Uint8Array;
  private readonly base: number;
  private readonly end: number;
  private at: number;
  private bit = 0;

  constructor(bytes: Uint8Array, base: number, at: number, end: number) {
    this.bytes = bytes;
    this.base = base;
    this.at = at;
    this.end = end;
  }

  /** `isRead`: what it stands in is read. */
  component({ syntax, fate }: Component, isRead: boolean): Value {
    const wanted = isRead && fate === 'read';
    switch (syntax.kind) {
      case 'nothing':
        return PRESENT;
      case 'bool':
        this.skipBits(1);
        break;
      case 'oid':
        this.align();
        this.need(1, 0);
        this.pass(this.byte());
        break;
      case 'int':
        return this.int(syntax.width, syntax.least, wanted);
      case 'bits': {
        this.align();
        const count = this.count(syntax.width, syntax.least);
        this.at += count >> 3;
        this.bit = count & 7;
        break;
      }
      case 'octets':
        return this.octets(syntax.width, syntax.least, wanted);
      case 'wide':
        this.pass(this.count(syntax.width, syntax.least) << 1);
        break;
      case 'digits': {
        const count = this.count(syntax.width, syntax.least);
        this.skipBits(count << 2);
        break;
      }
      case 'sequence':
        return this.sequence(syntax, wanted);
      case 'sequenceOf':
        return this.sequenceOf(syntax, wanted);
      case 'choice':
        return this.choice(syntax, wanted);
    }
    this.need(0, 0);
    return PRESENT;
  }

  private int(width: Width, least: number, wanted: boolean): Value {
    let value: Value = PRESENT;
    switch (width) {
      case 'byte':
        this.align();
        this.at += 1;
        break;
      case 'word':
        this.align();
        this.at += 2;
        break;
      case 'counted': {
        this.need(0, 2);
        const length = this.bits(2) + 1;
        this.need(length, 0);
        this.align();
        if (wanted) {
          let sum = 0;
          for (let i = 0; i < length; i++) sum = sum * 256 + this.byte();
          value = (sum + least) >>> 0;
        }
        // A number that is read is passed twice.
        this.at += length;
        break;
      }
      case 'unbounded':
        this.align();
        this.need(2, 0);
        this.pass(this.length());
        break;
      default:
        this.skipBits(width as number);
    }
    this.need(0, 0);
    return value;
  }

  private octets(width: Width, least: number, wanted: boolean): Value {
    let value: Value = PRESENT;
    if (width === 'fixed') {
      if (least > 2) {
        this.align();
        if (wanted) value = this.at - this.base;
      }
      this.at += least;
    } else this.pass(this.count(width, least));
    this.need(0, 0);
    return value;
  }

  private sequence(syntax: Extract<Syntax, { kind: 'sequence' }>, wanted: boolean): Value {
    const { root, additions, optionals } = syntax;
    const value: Record<string, Value> = {};
    this.need(0, 1);
    const isExtended = additions !== undefined && this.bits(1) === 1;
    this.need(0, optionals);
    const there = this.bitmap(optionals);
    let optional = 0;
    for (const one of root) {
      if (one.fate === 'ends') return value;
      if (one.isOptional && ((there << optional++) & 0x80000000) === 0) continue;
      const got = one.isOpen ? this.passOpen() : this.component(one, wanted);
      if (wanted) value[one.name] = got;
    }
    if (!isExtended) return value;
    this.need(0, 7);
    const count = this.bits(7) + 1;
    this.need(0, count);
    if (count > 32) throw new Unreadable();
    const added = this.bitmap(count);
    this.align();
    for (let i = 0; i < count; i++) {
      const one = additions[i];
      // A newer version's is taken to be there whether it is or not.
      if (one === undefined) this.passOpen();
      else if (one.fate === 'ends') return value;
      else if (((added << i) & 0x80000000) !== 0) {
        const got = this.open(one, wanted);
        if (wanted) value[one.name] = got;
      }
    }
    return value;
  }

  private sequenceOf(syntax: Extract<Syntax, { kind: 'sequenceOf' }>, wanted: boolean): Value {
    this.align();
    this.need(2, 0);
    const count = this.length();
    const values: Value[] = [];
    const { item, most } = syntax;
    for (let i = 0; i < count; i++) {
      const isRead = wanted && i < most;
      if (item.isOpen) this.align();
      const got = !item.isOpen
        ? this.component(item, isRead)
        : wanted
          ? this.open(item, isRead, true)
          : this.passOpen();
      if (isRead) values.push(got);
    }
    return values;
  }

  private choice(syntax: Extract<Syntax, { kind: 'choice' }>, wanted: boolean): Value {
    const { root, additions, indexBits } = syntax;
    this.need(0, 1);
    const isAddition = additions !== undefined && this.bits(1) === 1;
    this.need(0, isAddition ? 7 : indexBits);
    const index = this.bits(isAddition ? 7 : indexBits);
    const one = isAddition ? additions[index] : root[index];
    if (one === undefined) {
      if (!isAddition) throw new Unreadable();
      this.align();
      this.passOpen();
      return {};
    }
    if (one.fate === 'ends') return { [one.name]: PRESENT };
    if (!isAddition) return { [one.name]: this.component(one, wanted) };
    this.align();
    return { [one.name]: this.open(one, wanted) };
  }

  /** What has its length before it; `looks`: whatever comes of it, it is looked into. */
  private open(one: Component, wanted: boolean, looks = wanted && one.fate === 'read'): Value {
    if (!looks) return this.passOpen();
    this.need(2, 0);
    const length = this.length();
    this.need(length, 0);
    const begin = this.at;
    const value = this.component(one, wanted);
    this.at = begin + length;
    this.bit = 0;
    return value;
  }

  private passOpen(): Value {
    this.need(2, 0);
    const length = this.length();
    this.need(length, 0);
    this.at += length;
    return PRESENT;
  }

  /** The length of a string. */
  private count(width: Width, least: number): number {
    switch (width) {
      case 'fixed':
        return least;
      case 'byte':
        this.align();
        this.need(1, 0);
        return this.byte() + least;
      case 'word':
        this.align();
        this.need(2, 0);
        return this.byte() * 256 + this.byte() + least;
      case 'counted':
      case 'unbounded':
        this.align();
        this.need(2, 0);
        return this.length() + least;
      default: {
        this.need(0, width);
        const count = this.bits(width) + least;
        this.align();
        return count;
      }
    }
  }

  /** A length below 16384, which stands at a byte's beginning. */
  private length(): number {
    const first = this.byte();
    return first < 0x80 ? first : ((first & 0x3f) << 8) + this.byte();
  }

  private byte(): number {
    return this.bytes[this.at++] ?? 0;
  }

  /** At most eight bits. */
  private bits(count: number): number {
    let value = 0;
    for (let i = 0; i < count; i++) {
      value = value * 2 + (((this.bytes[this.at] ?? 0) >> (7 - this.bit)) & 1);
      this.skip(1);
    }
    return value;
  }

  /** Up to 32 bits, the first at the top. The kernel takes those that end with a fourth byte from where that began. */
  private bitmap(count: number): number {
    if (count === 0) return 0;
    const shift = this.bit + count === 32 ? this.bit : 0;
    this.bit -= shift;
    let value = 0;
    for (let i = 0; i < count; i++) {
      value |= (((this.bytes[this.at] ?? 0) >> (7 - this.bit)) & 1) << (31 - i);
      this.skip(1);
    }
    this.skip(shift);
    return value;
  }

  /** After its argument, which may move `at` itself. */
  private pass(bytes: number): void {
    this.at += bytes;
  }

  private skip(bits: number): void {
    this.bit += bits;
    this.at += this.bit >> 3;
    this.bit &= 7;
  }

  private skipBits(bits: number): void {
    this.skip(bits);
    this.need(0, 0);
  }

  private align(): void {
    if (this.bit !== 0) this.at++;
    this.bit = 0;
  }

  /** nf_h323_error_boundary(). */
  private need(bytes: number, bits: number): void {
    const all = bits + this.bit;
    if (this.at + bytes + (all >> 3) + ((all & 7) > 0 ? 1 : 0) > this.end) throw new Unreadable();
  }
}
