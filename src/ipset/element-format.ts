import { type Family, formatIpv4, formatIpv6 } from '../base/inet.ts';
import { protocolName } from '../extension/protocols.ts';
import { HZ, jiffiesAt } from '../matches/jiffies.ts';
import { IPPROTO_ICMP, IPPROTO_ICMPV6 } from '../packet/packet.ts';
import { type ElementTable, PERMANENT } from './element-table.ts';
import { icmpName } from './icmp-names.ts';
import type { InterfaceNames } from './interface-names.ts';
import { type PartKind, PHYSDEV } from './parts.ts';
import type { SetOptions } from './types.ts';

/** One part of an element as `ipset save` writes it. */
export function formatPart(
  kind: PartKind,
  words: Int32Array,
  at: number,
  family: Family | 0,
  interfaces: InterfaceNames,
): string {
  const address = () => (family === 6 ? formatIpv6(words, at) : formatIpv4(words[at]!));
  switch (kind) {
    case 'ip':
      return address();
    case 'net': {
      const [width, most] = family === 6 ? [4, 128] : [1, 32];
      const length = words[at + width]!;
      return length === most ? address() : `${address()}/${length}`;
    }
    case 'port':
      return formatPort(words[at]!);
    case 'iface': {
      const name = interfaces.nameOf(words[at]! & ~PHYSDEV);
      return (words[at]! & PHYSDEV) !== 0 ? `physdev:${name}` : name;
    }
    case 'mac':
      return formatMac(words, at);
    case 'mark':
      return `0x${hex8(words[at]!)}`;
  }
}

function formatPort(word: number): string {
  const l4proto = word >>> 16;
  const port = word & 0xffff;
  const name = protocolName(l4proto) ?? `${l4proto}`;
  if (l4proto !== IPPROTO_ICMP && l4proto !== IPPROTO_ICMPV6) return `${name}:${port}`;
  const known = icmpName(port, l4proto === IPPROTO_ICMP ? 'icmp' : 'icmpv6');
  return `${name}:${known ?? `${port >> 8}/${port & 255}`}`;
}

export function formatMac(words: Int32Array, at: number): string {
  const digits = hex8(words[at]!) + (words[at + 1]! >>> 0).toString(16).padStart(4, '0');
  return digits.toUpperCase().match(/../g)!.join(':');
}

const hex8 = (word: number): string => (word >>> 0).toString(16).padStart(8, '0');
const hex = (word: number): string => (word >>> 0).toString(16);

/** Timeout, `nomatch`, counters and skbinfo, each with a blank before it. */
export function formatExtensions(
  table: ElementTable,
  place: number,
  options: SetOptions,
  timeNs: number,
  knowsNomatch: boolean,
): string {
  let text = '';
  if (options.timeoutSeconds !== undefined)
    text += ` timeout ${secondsLeft(table.timeoutAt[place]!, timeNs)}`;
  if (knowsNomatch && table.nomatch[place] === 1) text += ' nomatch';
  if (options.counters) text += ` packets ${table.packets[place]} bytes ${table.bytes[place]}`;
  if (options.skbinfo) {
    const mask = table.skbmarkmask[place]!;
    const mark = table.skbmark[place]!;
    const prio = table.skbprio[place]!;
    if (mark !== 0 || mask !== 0) text += ` skbmark 0x${hex(mark)}${mask === -1 ? '' : `/0x${hex(mask)}`}`;
    if (prio !== 0) text += ` skbprio ${hex(prio >>> 16)}:${hex(prio & 0xffff)}`;
    if (table.skbqueue[place] !== 0) text += ` skbqueue ${table.skbqueue[place]}`;
  }
  return text;
}

/** ip_set_timeout_get(): whole seconds; less than one is said as one, since 0 would mean for ever. */
function secondsLeft(timeoutAt: number, timeNs: number): number {
  if (timeoutAt === PERMANENT) return 0;
  return Math.max(1, Math.floor((timeoutAt - jiffiesAt(timeNs)) / HZ));
}
