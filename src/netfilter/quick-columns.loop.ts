import type { Arena } from '../base/arena.ts';
import type { Batch, Columns } from '../batch/batch.ts';
import {
  CHECKSUM_BAD,
  CHECKSUM_PARTIAL,
  PKT_HOST,
  PLAIN_ECHO4,
  PLAIN_ECHO6,
  PLAIN_TCP4,
  PLAIN_TCP6,
  PLAIN_UDP4,
  PLAIN_UDP6,
} from '../batch/layout.ts';
import type { Sharing, SharingDigit } from '../compile/sharing.ts';
import { DIRECTION_IN } from '../direction/director.ts';
import {
  R_DECODE_FLAGS,
  R_FRAG_OFFSET,
  R_LENGTH,
  R_PKT_TYPE,
  R_TCP_FLAGS,
  R_TOS,
  R_TTL,
} from '../packet/registers.ts';
import type { MtuClasses } from './mtu-classes.ts';
import { QuickNumbers } from './quick-numbers.ts';
import { entranceOf } from './quick-way.loop.ts';
import type { Ways } from './ways.ts';

/**
 * Works out, for all packets of a sorted batch at once, what the quick way has to know of a packet before it looks
 * at its connection: whether the packet may go that way, and of the path's key what the packet itself tells. Nothing
 * here depends on another packet, so it can be done by whoever decodes; the ordered stage then reads a few columns
 * where it would have read twenty. A pass a column: each is a short loop over arrays of one kind.
 */
export class QuickColumns {
  /** By PLAIN_*: 1 when packets of that kind may go the quick way. */
  readonly #open = new Uint8Array(8);
  readonly #digits: readonly (readonly SharingDigit[])[];
  readonly #mtus: MtuClasses;
  readonly #ways: Ways;
  readonly #checksums: number;
  readonly #numbers: QuickNumbers | undefined;

  /** Arguments as QuickWay has them. */
  constructor(
    mtus: MtuClasses,
    ways: Ways,
    sharing4: Sharing | undefined,
    sharing6: Sharing | undefined,
    checksum: 'auto' | 'verify' | 'trust',
    arena?: Arena,
  ) {
    this.#mtus = mtus;
    this.#ways = ways;
    this.#digits = [sharing4?.digits ?? [], sharing6?.digits ?? []];
    for (const plain of [PLAIN_TCP4, PLAIN_UDP4, PLAIN_ECHO4])
      this.#open[plain] = sharing4 === undefined ? 0 : 1;
    for (const plain of [PLAIN_TCP6, PLAIN_UDP6, PLAIN_ECHO6])
      this.#open[plain] = sharing6 === undefined ? 0 : 1;
    // Trackers ask only whether a checksum is bad; what the option makes of it is for the long way.
    this.#checksums = ~((1 << CHECKSUM_BAD) | (checksum === 'verify' ? 1 << CHECKSUM_PARTIAL : 0));
    this.#numbers = QuickNumbers.in(arena, this.#open, this.#checksums, mtus.smallest);
  }

  /** Writes the "quick" columns of all rows; reads those of decode and direction. */
  fill(batch: Batch): void {
    const c = batch.columns;
    const { count } = batch;
    const signs = this.#digits.some((digits) => digits.length > 0);
    if (signs) {
      c.signature.fill(0, 0, count);
      for (let k = 0; k < 2; k++) for (const digit of this.#digits[k]!) addDigit(c, count, digit, 4 + 2 * k);
    }
    const numbers = this.#numbers;
    if (numbers?.takes(batch) !== true) {
      this.#number(c, 0, count, signs);
      return;
    }
    for (let i = 0; i < count; i++) {
      i = numbers.number(batch, i, signs);
      if (i < count) this.#number(c, i, i + 1, signs);
    }
  }

  /** Which of rows [begin, end) are quick, and the numbers of their ways in. */
  #number(c: Columns, begin: number, end: number, signs: boolean): void {
    const open = this.#open;
    const checksums = this.#checksums;
    const mtus = this.#mtus;
    const ways = this.#ways;
    const { smallest } = mtus;
    const { plain, direction, skbPktType, checksum, portId, ifaceId, tos, ttl, length, decodeFlags } = c;
    const { quick, signature, way } = c;
    for (let i = begin; i < end; i++) {
      const kind = plain[i]!;
      if (
        (open[kind]! & (checksums >> checksum[i]!)) !== 1 ||
        direction[i] !== DIRECTION_IN ||
        skbPktType[i] !== PKT_HOST
      ) {
        quick[i] = 0;
        continue;
      }
      quick[i] = kind;
      const port = portId[i]!;
      const entrance = entranceOf(port === 0 ? ifaceId[i]! : port, DIRECTION_IN, tos[i]!, PKT_HOST, ttl[i]!);
      const mtuClass = length[i]! <= smallest ? 0 : mtus.classOf(length[i]!, decodeFlags[i]!);
      const sign = signs ? signature[i]! : 0;
      way[i] = ways.idOf(sign, entrance, mtuClass);
      if (mtuClass === 0) this.#numbers?.learn(sign, entrance, way[i]!);
    }
  }
}

/** signature = signature * radix + class of the register's value, of the rows of one family. */
function addDigit(c: Columns, count: number, digit: SharingDigit, family: number): void {
  const { signature } = c;
  const { register, lut, bounds, radix } = digit;
  switch (register) {
    case R_TCP_FLAGS:
      addTcpFlags(c, count, lut, radix, family);
      return;
    case R_TOS:
      addBytes(signature, c.tos, count, lut, radix, c.family, family);
      return;
    case R_TTL:
      addBytes(signature, c.ttl, count, lut, radix, c.family, family);
      return;
    case R_PKT_TYPE:
      addBytes(signature, c.skbPktType, count, lut, radix, c.family, family);
      return;
    case R_DECODE_FLAGS:
      addWords(signature, c.decodeFlags, count, lut, radix, c.family, family);
      return;
    case R_LENGTH:
      addRanges(signature, c.length, count, bounds, radix, c.family, family);
      return;
    case R_FRAG_OFFSET:
      // No fragment goes the quick way.
      addConstant(signature, count, classOf(0, bounds), radix, c.family, family);
      return;
    default:
      throw new Error(`no column for register ${register} of a signature`);
  }
}

function addTcpFlags(c: Columns, count: number, lut: Int32Array, radix: number, family: number): void {
  const { plain, tcpFlags, signature, family: families } = c;
  const tcp = family === 4 ? PLAIN_TCP4 : PLAIN_TCP6;
  for (let i = 0; i < count; i++) {
    if (families[i] !== family) continue;
    signature[i] = signature[i]! * radix + lut[plain[i] === tcp ? tcpFlags[i]! + 1 : 0]!;
  }
}

function addBytes(
  signature: Int32Array,
  column: Uint8Array,
  count: number,
  lut: Int32Array,
  radix: number,
  families: Uint8Array,
  family: number,
): void {
  for (let i = 0; i < count; i++) {
    if (families[i] === family) signature[i] = signature[i]! * radix + lut[column[i]! + 1]!;
  }
}

function addWords(
  signature: Int32Array,
  column: Uint16Array,
  count: number,
  lut: Int32Array,
  radix: number,
  families: Uint8Array,
  family: number,
): void {
  for (let i = 0; i < count; i++) {
    if (families[i] === family) signature[i] = signature[i]! * radix + lut[column[i]! + 1]!;
  }
}

function addRanges(
  signature: Int32Array,
  column: Uint32Array,
  count: number,
  bounds: Int32Array,
  radix: number,
  families: Uint8Array,
  family: number,
): void {
  for (let i = 0; i < count; i++) {
    if (families[i] === family) signature[i] = signature[i]! * radix + classOf(column[i]!, bounds);
  }
}

function addConstant(
  signature: Int32Array,
  count: number,
  one: number,
  radix: number,
  families: Uint8Array,
  family: number,
): void {
  for (let i = 0; i < count; i++) if (families[i] === family) signature[i] = signature[i]! * radix + one;
}

function classOf(value: number, bounds: Int32Array): number {
  let one = 0;
  while (one < bounds.length && bounds[one]! <= value) one++;
  return one;
}
