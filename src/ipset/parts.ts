import type { Family } from '../base/inet.ts';
import type { Packet } from '../packet/packet.ts';
import { R_DADDR, R_IIF, R_MARK, R_OIF, R_SADDR, type RegisterName } from '../packet/registers.ts';
import { currentBytes } from '../packet/rewrite.ts';
import type { InterfaceNames } from './interface-names.ts';
import { NO_PORT, packetPort } from './packet-port.ts';
import type { SetOptions } from './types.ts';

/**
 * What the elements of hash types are made of. A part takes a few words of an element:
 *
 *   ip    1 word (IPv4) or 4 words (IPv6)
 *   net   the same, and one word with the prefix length
 *   port  protocol << 16 | port
 *   iface number of the interface's name, | PHYSDEV for `physdev:name`
 *   mac   2 words: the first 4 bytes of the address, and the last 2
 *   mark  1 word
 */
export type PartKind = 'ip' | 'net' | 'port' | 'iface' | 'mac' | 'mark';

/** Bit of an iface word: the name is that of a bridge port. */
export const PHYSDEV = 1 << 30;

export function partWords(kind: PartKind, family: Family | 0): number {
  if (kind === 'mac') return 2;
  const address = family === 6 ? 4 : 1;
  if (kind === 'ip') return address;
  return kind === 'net' ? address + 1 : 1;
}

/**
 * Writes the words of a part of the packet at `at`. False when the packet has no such thing: the kernel's kadt
 * functions give -EINVAL. The prefix length of a net is left to the caller.
 */
export function readPart(
  kind: PartKind,
  p: Packet,
  isSource: boolean,
  options: SetOptions,
  interfaces: InterfaceNames,
  key: Int32Array,
  at: number,
): boolean {
  switch (kind) {
    case 'ip':
    case 'net': {
      const from = isSource ? R_SADDR : R_DADDR;
      const words = options.family === 6 ? 4 : 1;
      const { mask } = options;
      for (let k = 0; k < words; k++) {
        key[at + k] = mask === undefined ? p.r[from + k]! : p.r[from + k]! & mask[k]!;
      }
      return true;
    }
    case 'port': {
      const port = packetPort(p, isSource);
      key[at] = port;
      return port !== NO_PORT;
    }
    case 'iface': {
      // `src` is the interface that the packet came in by. Without one there is no name to look up.
      const id = p.r[isSource ? R_IIF : R_OIF]!;
      if (id === 0) return false;
      key[at] = interfaces.numberOfId(id);
      return true;
    }
    case 'mac':
      // An address of zeros, as loopback packets have it, is no element (-EINVAL).
      return readMac(p, isSource, key, at) && (key[at] !== 0 || key[at + 1] !== 0);
    case 'mark':
      key[at] = p.r[R_MARK]! & options.markmask;
      return true;
  }
}

const MAC_BYTES = 6;

/** Ethernet address of the packet; false when it came over no Ethernet. */
export function readMac(p: Packet, isSource: boolean, key: Int32Array, at: number): boolean {
  if (p.macOffset < 0) return false;
  const bytes = currentBytes(p);
  // The header begins with the destination.
  const from = p.macOffset + (isSource ? MAC_BYTES : 0);
  key[at] = (bytes[from]! << 24) | (bytes[from + 1]! << 16) | (bytes[from + 2]! << 8) | bytes[from + 3]!;
  key[at + 1] = (bytes[from + 4]! << 8) | bytes[from + 5]!;
  return true;
}

/** Registers that a part depends on. */
export function partReads(kind: PartKind, isSource: boolean): readonly (RegisterName | 'payload')[] {
  switch (kind) {
    case 'ip':
    case 'net':
      return [isSource ? 'saddr' : 'daddr'];
    case 'port':
      return [isSource ? 'sport' : 'dport', 'l4proto', 'icmpType', 'icmpCode', 'fragOffset'];
    case 'iface':
      return [isSource ? 'iif' : 'oif'];
    case 'mac':
      return ['payload'];
    case 'mark':
      return ['mark'];
  }
}
