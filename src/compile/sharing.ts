import {
  R_CHECKSUM,
  R_CTMARK,
  R_CTSTATUS,
  R_DECODE_FLAGS,
  R_FRAG_OFFSET,
  R_IP_ID,
  R_LENGTH,
  R_PKT_TYPE,
  R_TCP_ACK,
  R_TCP_FLAGS,
  R_TCP_SEQ,
  R_TCP_WINDOW,
  R_TOS,
  R_TRACE,
  R_TTL,
  REGISTER_BY_NAME,
  type RegisterName,
} from '../packet/registers.ts';

/**
 * Which packets of a connection may share a path.
 *
 * Packets of one connection, direction and state have the same addresses, ports, protocol and interfaces. What
 * they may differ in is small: TCP flags, length, TOS, TTL, fragment offset, packet type, the marks and status of
 * their connection. A ruleset looks at few of these, and seldom closely: `--syn` tells SYN packets from all
 * others. So the values of each such register are put into classes that no rule can tell apart, and a packet's
 * *signature* is the tuple of its classes, as one number (mixed radix). Same connection, direction, state and
 * signature: same path.
 *
 * TOS and TTL are kept whole when they are looked at at all: targets and forwarding change them on the way, so a
 * rule may test another value than the one that arrived. Registers that can be told apart in too many ways
 * (sequence numbers, identification) are not in the signature: a rule that tests one makes the path of that packet
 * its own (OP_UNSHARE).
 */

/** Registers that have classes, with the size of their domain (values from -1 on). */
const CLASSED: ReadonlyMap<number, number> = new Map([
  [R_TCP_FLAGS, 257],
  [R_TOS, 257],
  [R_TTL, 257],
  [R_PKT_TYPE, 9],
  [R_DECODE_FLAGS, 4097],
]);
/** Registers that are put into classes by the bounds of the ranges they are tested against. */
const RANGED: ReadonlySet<number> = new Set([R_LENGTH, R_FRAG_OFFSET]);
/** Changed between arrival and test: kept whole. */
const WHOLE: ReadonlySet<number> = new Set([R_TOS, R_TTL, R_PKT_TYPE]);
const UNSHARED: ReadonlySet<number> = new Set([
  R_IP_ID,
  R_TCP_SEQ,
  R_TCP_ACK,
  R_TCP_WINDOW,
  R_CHECKSUM,
  R_TRACE,
]);

interface Test {
  readonly mask: number;
  readonly value: number;
}

/** One digit of a signature: the class of one register's value. */
export interface SharingDigit {
  readonly register: number;
  /** Classes there are. */
  readonly radix: number;
  /** Class of the value v at [v + 1]; empty where `bounds` tell. */
  readonly lut: Int32Array;
  /** The class is how many of these ascending bounds are not above the value. */
  readonly bounds: Int32Array;
}

/** Collects what a family's rules look at, then gives signatures. */
export class Sharing {
  readonly #tests = new Map<number, Test[]>();
  readonly #bounds = new Map<number, Set<number>>();
  readonly #whole = new Set<number>();
  /** Rules look at the connection mark (or restore it): it is part of the key. */
  readsCtmark = false;
  readsCtstatus = false;
  #registers = new Int32Array(0);
  #radix = new Int32Array(0);
  #luts: Int32Array[] = [];
  #rangeBounds: Int32Array[] = [];

  /** Notes a masked test; false when a rule with it cannot share its packets' paths. */
  masked(register: number, mask: number, value: number): boolean {
    this.#note(register);
    if (UNSHARED.has(register) || RANGED.has(register)) {
      if (RANGED.has(register) && mask === -1) return this.range(register, value, value);
      return false;
    }
    if (WHOLE.has(register)) this.#whole.add(register);
    else if (CLASSED.has(register)) this.#list(register).push({ mask, value });
    return true;
  }

  /** Notes a range test, as `masked`. */
  range(register: number, lo: number, hi: number): boolean {
    this.#note(register);
    if (UNSHARED.has(register)) return false;
    if (RANGED.has(register)) {
      let bounds = this.#bounds.get(register);
      if (bounds === undefined) {
        bounds = new Set();
        this.#bounds.set(register, bounds);
      }
      bounds.add(lo).add(hi + 1);
    } else if (CLASSED.has(register)) this.#whole.add(register);
    return true;
  }

  /** Notes that a match reads these without saying how; false as above. */
  reads(names: readonly (RegisterName | 'payload' | 'time')[]): boolean {
    let sharable = true;
    for (const name of names) {
      if (name === 'payload' || name === 'time') {
        sharable = false;
        continue;
      }
      const register = REGISTER_BY_NAME[name];
      this.#note(register);
      if (UNSHARED.has(register) || RANGED.has(register)) sharable = false;
      else if (CLASSED.has(register)) this.#whole.add(register);
    }
    return sharable;
  }

  #note(register: number): void {
    if (register === R_CTMARK) this.readsCtmark = true;
    if (register === R_CTSTATUS) this.readsCtstatus = true;
  }

  #list(register: number): Test[] {
    let list = this.#tests.get(register);
    if (list === undefined) {
      list = [];
      this.#tests.set(register, list);
    }
    return list;
  }

  /** To be called once all rules are noted. False when there are too many classes for a number: nothing is shared then. */
  seal(): boolean {
    const registers: number[] = [];
    const radix: number[] = [];
    for (const [register, domain] of CLASSED) {
      const lut = this.#classes(register, domain);
      if (lut === undefined) continue;
      registers.push(register);
      this.#luts.push(lut);
      this.#rangeBounds.push(EMPTY);
      radix.push(1 + lut.reduce((most, one) => Math.max(most, one), 0));
    }
    for (const [register, bounds] of this.#bounds) {
      const sorted = Int32Array.from(bounds).sort();
      registers.push(register);
      this.#luts.push(EMPTY);
      this.#rangeBounds.push(sorted);
      radix.push(sorted.length + 1);
    }
    this.#registers = Int32Array.from(registers);
    this.#radix = Int32Array.from(radix);
    return radix.reduce((product, n) => product * n, 1) < 2 ** 31;
  }

  /** Class of each value of the domain, or undefined when no rule looks at the register. */
  #classes(register: number, domain: number): Int32Array | undefined {
    const tests = this.#tests.get(register);
    const whole = this.#whole.has(register);
    if (tests === undefined && !whole) return undefined;
    const lut = new Int32Array(domain);
    const seen = new Map<string, number>();
    for (let i = 0; i < domain; i++) {
      const value = i - 1;
      const key = whole
        ? `${i}`
        : tests!.map((test) => ((value & test.mask) === test.value ? '1' : '0')).join('');
      let one = seen.get(key);
      if (one === undefined) {
        one = seen.size;
        seen.set(key, one);
      }
      lut[i] = one;
    }
    return lut;
  }

  /** The digits of a signature, the most significant first: for whoever works signatures out for many packets at once. */
  get digits(): SharingDigit[] {
    return Array.from(this.#registers, (register, k) => ({
      register,
      radix: this.#radix[k]!,
      lut: this.#luts[k]!,
      bounds: this.#rangeBounds[k]!,
    }));
  }

  /** Rules look at something that packets of a connection may differ in: else all signatures are 0. */
  get looks(): boolean {
    return this.#registers.length > 0;
  }

  /** The signature of the packet whose registers are `r`: a number from 0 to 2^31 - 1. */
  signature(r: Int32Array): number {
    let signature = 0;
    for (let k = 0; k < this.#registers.length; k++) {
      const word = r[this.#registers[k]!]!;
      const bounds = this.#rangeBounds[k]!;
      let one: number;
      if (bounds.length === 0) one = this.#luts[k]![word + 1]!;
      else {
        one = 0;
        while (one < bounds.length && bounds[one]! <= word) one++;
      }
      signature = signature * this.#radix[k]! + one;
    }
    return signature;
  }
}

const EMPTY = new Int32Array(0);
