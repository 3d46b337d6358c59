/**
 * SNMP messages as BER, as far as the kernel's grammar for them goes (net/ipv4/netfilter/nf_nat_snmp_basic.asn1): versions
 * 1 and 2c, and of their PDUs all but the trap of version 1.
 *
 *   SEQUENCE { version INTEGER, community OCTET STRING, [PDU] { INTEGER, INTEGER, INTEGER, SEQUENCE OF
 *     SEQUENCE { name OBJECT IDENTIFIER, value } } }
 *
 * Lengths have to fit exactly. The indefinite form, which no SNMP agent writes, is not read.
 */

const INTEGER = 0x02;
const OCTET_STRING = 0x04;
const NULL = 0x05;
const OBJECT_IDENTIFIER = 0x06;
const SEQUENCE = 0x30;
const IP_ADDRESS = 0x40;

/** get, get-next, response, set; get-bulk, inform, trap of version 2, report. [4] is the trap of version 1. */
const PDUS = new Set([0xa0, 0xa1, 0xa2, 0xa3, 0xa5, 0xa6, 0xa7, 0xa8]);

/** Values besides addresses: simple ones, counters and the like, and the three exceptions. */
const VALUES = new Set([
  INTEGER,
  OCTET_STRING,
  NULL,
  OBJECT_IDENTIFIER,
  0x41,
  0x42,
  0x43,
  0x44,
  0x46,
  0x80,
  0x81,
  0x82,
]);

/** Offsets of the IPv4 addresses among the values of the message [at, end); undefined when it cannot be read. */
export function findAddresses(bytes: Uint8Array, at: number, end: number): number[] | undefined {
  const reader = new Reader(bytes, at, end);
  if (!reader.enter(SEQUENCE)) return undefined;
  if (!reader.next(INTEGER, 1) || bytes[reader.value]! > 1) return undefined;
  if (!reader.next(OCTET_STRING) || !PDUS.has(reader.tag()) || !reader.enter(reader.tag())) return undefined;
  for (let i = 0; i < 3; i++) if (!reader.next(INTEGER)) return undefined;
  const message = reader.outerEnds[0]!;
  const pdu = reader.end;
  if (!reader.enter(SEQUENCE) || reader.end !== pdu || pdu !== message) return undefined;
  const addresses: number[] = [];
  // The kernel's decoder wants one value at least.
  do {
    if (!reader.enter(SEQUENCE) || !reader.next(OBJECT_IDENTIFIER)) return undefined;
    const tag = reader.tag();
    if (tag !== IP_ADDRESS && !VALUES.has(tag)) return undefined;
    if (!reader.next(tag, tag === IP_ADDRESS ? 4 : undefined) || reader.at !== reader.end) return undefined;
    if (tag === IP_ADDRESS) addresses.push(reader.value);
    reader.end = pdu;
  } while (reader.at < pdu);
  return addresses;
}

/** Goes through the elements of BER, one behind the other. */
class Reader {
  readonly bytes: Uint8Array;
  at: number;
  /** Of the constructed element that is being read. */
  end: number;
  /** Of those around it, from the outermost on. */
  readonly outerEnds: number[] = [];
  /** Place and length of the value read last. */
  value = 0;
  private length = 0;

  constructor(bytes: Uint8Array, at: number, end: number) {
    this.bytes = bytes;
    this.at = at;
    this.end = end;
  }

  /** Tag of the next element, -1 when there is none. */
  tag(): number {
    return this.at < this.end ? this.bytes[this.at]! : -1;
  }

  /** Reads an element of this tag, and of this many bytes where they are given; false when it is not there or not whole. */
  next(tag: number, bytes?: number): boolean {
    if (!this.header(tag) || (bytes !== undefined && this.length !== bytes)) return false;
    this.at = this.value + this.length;
    return true;
  }

  /** Goes into a constructed element of this tag. */
  enter(tag: number): boolean {
    if (!this.header(tag)) return false;
    this.at = this.value;
    this.end = this.value + this.length;
    this.outerEnds.push(this.end);
    return true;
  }

  private header(tag: number): boolean {
    const { bytes, at, end } = this;
    if (at + 2 > end || bytes[at] !== tag) return false;
    const first = bytes[at + 1]!;
    let value = at + 2;
    let length = first;
    if (first >= 0x80) {
      const count = first - 0x80;
      if (count === 0 || count > 2 || value + count > end) return false;
      length = 0;
      for (let i = 0; i < count; i++) length = (length << 8) | bytes[value++]!;
    }
    if (value + length > end) return false;
    this.value = value;
    this.length = length;
    return true;
  }
}
