import { parseIpv6 } from '../base/inet.ts';
import { strtoui, uintPrefix } from '../extension/numbers.ts';
import { servicePort } from '../extension/services.ts';
import type { OptionCall, RuleContext } from '../extension/syntax.ts';
import { formatAddress } from '../extension/values.ts';
import {
  NAT_MAP_IPS,
  NAT_PROTO_OFFSET,
  NAT_PROTO_SPECIFIED,
  type NatRange,
} from '../packet/conntrack-access.ts';
import { IPPROTO_DCCP, IPPROTO_ICMP, IPPROTO_SCTP, IPPROTO_TCP, IPPROTO_UDP } from '../packet/packet.ts';

/**
 * What the NAT targets have in common: how they write addresses and ports (`192.0.2.1-192.0.2.9:80-90/8080`),
 * and the range that they hand to conntrack (extensions/libxt_NAT.c).
 */

export function emptyRange(): NatRange {
  return {
    flags: 0,
    minAddr: new Int32Array(4),
    maxAddr: new Int32Array(4),
    minPort: 0,
    maxPort: 0,
    basePort: 0,
  };
}

const PORT_PROTOCOLS = [IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP, IPPROTO_DCCP];

/** Ports (and identifiers of ICMP) need a protocol that has them, named before them. */
export function assertPorts(call: OptionCall): void {
  if (PORT_PROTOCOLS.includes(call.protocol)) return;
  if (call.family === 4 && call.protocol === IPPROTO_ICMP) return;
  call.fail(
    'Need TCP, UDP, SCTP or DCCP with port specification',
    'The protocol must stand before: -p tcp -j … .',
  );
}

/** `80`, `http`, `80-90`, `80-90/1000`: writes the ports and their flags into the range. */
export function parsePorts(text: string, range: NatRange, call: OptionCall): void {
  range.flags |= NAT_PROTO_SPECIFIED;
  const first = uintPrefix(text, 0, 0xffff);
  if (first === undefined) {
    // A name may have a dash in it: it is never half of a range.
    const port = servicePort(text) ?? call.fail(`Port \`${text}' not valid`);
    range.minPort = port;
    range.maxPort = port;
    return;
  }
  range.minPort = first.value;
  range.maxPort = first.value;
  const rest = text.slice(first.end);
  if (rest === '') return;
  if (rest[0] === ':') call.fail('Invalid port:port syntax - use dash');
  if (rest[0] !== '-') call.fail(`Garbage after port value: \`${rest}'`);
  const lastText = rest.slice(1);
  const last = uintPrefix(lastText, 0, 0xffff) ?? call.fail(`Port \`${lastText}' not valid`);
  if (last.value < first.value) call.fail(`Port range \`${lastText}' funky`);
  range.maxPort = last.value;
  const base = lastText.slice(last.end);
  if (base === '') return;
  if (base[0] !== '/') call.fail(`Garbage after port range: \`${base}'`);
  const baseText = base.slice(1);
  const port = strtoui(baseText, 1, 0xffff) ?? servicePort(baseText);
  range.basePort = port ?? call.fail(`Port \`${baseText}' not valid`);
  range.flags |= NAT_PROTO_OFFSET;
}

/** Four parts with dots, each 0 to 255 and with a prefix for hexadecimal or octal: xtables_numeric_to_ipaddr(). */
function parseDotted(text: string): Int32Array | undefined {
  const parts = text.split('.').map((part) => strtoui(part, 0, 255));
  if (parts.length !== 4 || parts.includes(undefined)) return undefined;
  return Int32Array.of((parts[0]! << 24) | (parts[1]! << 16) | (parts[2]! << 8) | parts[3]!, 0, 0, 0);
}

function parseAddress(text: string, call: OptionCall): Int32Array {
  return (call.family === 4 ? parseDotted(text) : parseIpv6(text)) ?? call.fail(`Bad IP address "${text}"`);
}

/** `address[-address][:ports]`, for IPv6 with the addresses in brackets where ports follow: parse_to(). */
export function parseDestination(text: string, call: OptionCall): NatRange {
  const range = emptyRange();
  let addresses = text;
  let portsAt: number;
  const bracket = text.indexOf('[');
  if (bracket < 0) {
    portsAt = text.indexOf(':');
    // With a second colon it is an IPv6 address.
    if (portsAt >= 0 && text.includes(':', portsAt + 1)) portsAt = -1;
    if (portsAt >= 0) addresses = text.slice(0, portsAt);
  } else {
    const end = text.indexOf(']', bracket + 1);
    if (end < 0 || call.family === 4) call.fail('Invalid address format');
    addresses = text.slice(bracket + 1, end);
    portsAt = text.indexOf(':', end + 1);
  }
  if (portsAt >= 0) {
    assertPorts(call);
    parsePorts(text.slice(portsAt + 1), range, call);
    if (addresses === '') return range;
  }
  range.flags |= NAT_MAP_IPS;
  const dash = addresses.indexOf('-');
  range.minAddr.set(parseAddress(dash < 0 ? addresses : addresses.slice(0, dash), call));
  range.maxAddr.set(dash < 0 ? range.minAddr : parseAddress(addresses.slice(dash + 1), call));
  return range;
}

export function formatPorts(range: NatRange): string {
  if ((range.flags & NAT_PROTO_SPECIFIED) === 0) return '';
  const base = (range.flags & NAT_PROTO_OFFSET) === 0 ? '' : `/${range.basePort}`;
  return `${range.minPort}${range.maxPort === range.minPort ? '' : `-${range.maxPort}`}${base}`;
}

export function formatDestination(range: NatRange, rule: RuleContext): string {
  const ports = formatPorts(range);
  let text = '';
  if ((range.flags & NAT_MAP_IPS) !== 0) {
    text = formatAddress(range.minAddr, rule.family);
    const last = formatAddress(range.maxAddr, rule.family);
    if (last !== text) text += `-${last}`;
    if (rule.family === 6 && ports !== '') text = `[${text}]`;
  }
  return ports === '' ? text : `${text}:${ports}`;
}

/** Flags as words behind `head`: ` --random` or ` random`. */
export function formatFlags(
  range: NatRange,
  words: readonly (readonly [string, number])[],
  head: string,
): string {
  return words.map(([word, flag]) => ((range.flags & flag) === 0 ? '' : `${head}${word}`)).join('');
}

/** A copy that a rule may write addresses into while it runs. */
export function copyRange(range: NatRange): NatRange {
  return { ...range, minAddr: range.minAddr.slice(), maxAddr: range.maxAddr.slice() };
}
