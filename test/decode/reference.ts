/**
 * The decoder once more, the slow and obvious way: one packet, byte by byte, an object of what the columns should
 * hold. Ethernet (with VLAN tags) and raw IP only. Written from the kernel's functions, not from src/decode.
 */
export interface Reference {
  family: number;
  reason: string;
  length: number;
  l3CapLen: number;
  l4proto: number;
  fragOffset: number;
  isFragment: boolean;
  /** From the packet's first byte, or undefined. */
  l4Offset: number | undefined;
  sport: number;
  dport: number;
  tcpFlags: number;
  badChain: boolean;
}

const HAS_PORTS = [6, 17, 33, 132, 136];
const QUERIES: Record<number, number[]> = { 1: [0, 8, 13, 14, 15, 16, 17, 18], 58: [128, 129, 139, 140] };

export function decodeSlowly(data: Uint8Array, origLen: number, linktype: number): Reference {
  const result: Reference = {
    family: 0,
    reason: '',
    length: 0,
    l3CapLen: 0,
    l4proto: 0,
    fragOffset: 0,
    isFragment: false,
    l4Offset: undefined,
    sport: 0,
    dport: 0,
    tcpFlags: 0,
    badChain: false,
  };
  let l3 = 0;
  if (linktype === 1) {
    if (data.length < 14) return result;
    let type = data[12]! * 256 + data[13]!;
    l3 = 14;
    while (type === 0x8100 || type === 0x88a8) {
      if (data.length < l3 + 4) return result;
      type = data[l3 + 2]! * 256 + data[l3 + 3]!;
      l3 += 4;
    }
    if (type === 0x0800) result.family = 4;
    if (type === 0x86dd) result.family = 6;
    // A PPPoE session is not this function's affair.
  } else if (data.length > 0) {
    if (data[0]! >> 4 === 4) result.family = 4;
    if (data[0]! >> 4 === 6) result.family = 6;
  }
  if (result.family === 0) return result;
  const ip = data.slice(l3);
  const wire = origLen - l3;
  if (result.family === 4) ipv4(ip, wire, l3, result);
  else ipv6(ip, wire, l3, result);
  return result;
}

const u16 = (b: Uint8Array, at: number): number => b[at]! * 256 + b[at + 1]!;

function ipv4(ip: Uint8Array, wire: number, l3: number, r: Reference): void {
  r.length = wire;
  r.l3CapLen = ip.length;
  if (wire < 20) r.reason = 'ipv4-short';
  else if (ip.length < 20) r.reason = 'header-cut';
  else if (ip[0]! >> 4 !== 4) r.reason = 'ipv4-version';
  else if ((ip[0]! & 15) < 5 || (ip[0]! & 15) * 4 > wire) r.reason = 'ipv4-header-length';
  if (r.reason !== '') return;
  const header = (ip[0]! & 15) * 4;
  let total = u16(ip, 2);
  if (total === 0 && ip[9] === 6 && wire > 1500) total = wire;
  let sum = 0;
  for (let i = 0; i < header && i + 1 < ip.length; i += 2) sum += u16(ip, i);
  while (sum > 0xffff) sum = (sum % 65536) + Math.floor(sum / 65536);
  if (ip.length >= header && sum !== 0xffff) r.reason = 'ipv4-checksum';
  else if (wire < total) r.reason = 'ipv4-truncated';
  else if (total < header) r.reason = 'ipv4-total-length';
  r.length = Math.min(wire, Math.max(total, header));
  r.l3CapLen = Math.min(ip.length, r.length);
  r.l4proto = ip[9]!;
  r.fragOffset = (u16(ip, 6) % 8192) * 8;
  r.isFragment = r.fragOffset > 0 || (u16(ip, 6) & 0x2000) !== 0;
  if (r.fragOffset > 0 || r.l3CapLen < header) return;
  transport(ip.slice(header, r.l3CapLen), r);
  r.l4Offset = l3 + header;
}

function ipv6(ip: Uint8Array, wire: number, l3: number, r: Reference): void {
  r.length = wire;
  r.l3CapLen = ip.length;
  if (wire < 40) r.reason = 'ipv6-short';
  else if (ip.length < 40) r.reason = 'header-cut';
  else if (ip[0]! >> 4 !== 6) r.reason = 'ipv6-version';
  if (r.reason !== '') return;
  if (ip[24] === 255 && (ip[25]! & 15) === 0) r.reason = 'ipv6-scope-reserved';
  else if (ip[8] === 255) r.reason = 'ipv6-source-multicast';
  const payload = u16(ip, 4);
  let next = ip[6]!;
  if (payload > wire - 40) r.reason ||= 'ipv6-truncated';
  else if (payload > 0 || (next !== 0 && !(next === 6 && wire - 40 > 65535))) r.length = 40 + payload;
  if (next === 0 && r.reason === '') {
    const jumbo = hopByHop(ip, r, payload);
    if (jumbo !== undefined) r.length = 40 + jumbo;
  }
  r.l3CapLen = Math.min(ip.length, r.length);
  let at = 40;
  r.l4proto = next;
  while ([0, 43, 44, 51, 60].includes(next)) {
    const needed = next === 43 || next === 44 ? 4 : 2;
    if (at + needed > r.length) {
      r.badChain = true;
      return;
    }
    if (at + needed > r.l3CapLen) return;
    let size = 8 * (ip[at + 1]! + 1);
    if (next === 51) size = 4 * (ip[at + 1]! + 2);
    if (next === 44) {
      size = 8;
      r.isFragment = true;
      r.fragOffset = u16(ip, at + 2) - (u16(ip, at + 2) % 8);
      if (r.fragOffset > 0) {
        r.badChain = [0, 43, 44, 51, 60].includes(ip[at]!);
        if (!r.badChain) r.l4proto = ip[at]!;
        return;
      }
    }
    next = ip[at]!;
    at += size;
    r.l4proto = next;
  }
  if (at > r.length || at > r.l3CapLen) return;
  transport(ip.slice(at, r.l3CapLen), r);
  r.l4Offset = l3 + at;
}

/** ipv6_parse_hopopts(); returns the jumbo payload length when a good one is there. */
function hopByHop(ip: Uint8Array, r: Reference, payload: number): number | undefined {
  let jumbo: number | undefined;
  const bad = (reason: string): undefined => {
    r.reason = reason;
  };
  let limit = r.length;
  if (limit < 48) return bad('ipv6-hop-by-hop');
  if (ip.length < 42) return undefined;
  const end = 48 + 8 * ip[41]!;
  if (end > limit) return bad('ipv6-hop-by-hop');
  let padding = 0;
  let count = 0;
  let at = 42;
  while (at < end) {
    if (at >= ip.length || at >= limit) return jumbo;
    if (ip[at] === 0) {
      padding++;
      at++;
      if (padding > 7) {
        bad('ipv6-hop-by-hop');
        return jumbo;
      }
      continue;
    }
    if (at + 1 === end) {
      bad('ipv6-hop-by-hop');
      return jumbo;
    }
    if (at + 1 >= ip.length) return jumbo;
    const size = ip[at + 1]! + 2;
    if (at + size > end) {
      bad('ipv6-hop-by-hop');
      return jumbo;
    }
    if (at + size > ip.length) return jumbo;
    const value = ip.slice(at + 2, at + size);
    let reason = '';
    if (ip[at] === 1) {
      padding += size;
      if (padding > 7 || value.some((byte) => byte !== 0)) reason = 'ipv6-hop-by-hop';
    } else {
      padding = 0;
      count++;
      if (count > 8) reason = 'ipv6-hop-by-hop';
      else if (ip[at] === 5) reason = value.length === 2 ? '' : 'ipv6-hop-by-hop';
      else if (ip[at] === 7)
        reason = value.length >= 8 && value[4]! * 4 + 8 <= value.length ? '' : 'ipv6-hop-by-hop';
      else if (ip[at] === 49) reason = at % 4 === 0 ? '' : 'ipv6-hop-by-hop';
      else if (ip[at] === 194) {
        const length = value.length === 4 ? u16(value, 0) * 65536 + u16(value, 2) : 0;
        if (value.length !== 4 || at % 4 !== 2 || length < 65536 || payload !== 0) reason = 'ipv6-jumbo';
        else if (length > limit - 40) reason = 'ipv6-truncated';
        else {
          jumbo = length;
          limit = 40 + length;
        }
      } else if (ip[at]! >= 64) reason = 'ipv6-hop-by-hop-unknown';
    }
    if (reason !== '') {
      bad(reason);
      return jumbo;
    }
    at += size;
  }
  return jumbo;
}

function transport(l4: Uint8Array, r: Reference): void {
  if (HAS_PORTS.includes(r.l4proto) && l4.length >= 4) {
    r.sport = u16(l4, 0);
    r.dport = u16(l4, 2);
  }
  if (r.l4proto === 6 && l4.length >= 14) r.tcpFlags = l4[13]!;
  const queries = QUERIES[r.l4proto];
  if (queries !== undefined && l4.length >= 2) {
    r.dport = u16(l4, 0);
    if (queries.includes(l4[0]!) && l4.length >= 6) r.sport = u16(l4, 4);
  }
  if (r.l4proto === 47 && l4.length >= 8 && (l4[1]! & 7) === 1 && u16(l4, 2) === 0x880b) r.dport = u16(l4, 6);
}
