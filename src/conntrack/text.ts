import { type Finding, FindingsError } from '../base/errors.ts';
import { type Family, formatIpv4, formatIpv6, parseIpv4, parseIpv6 } from '../base/inet.ts';
import { linkSource } from '../nat/source-index.ts';
import {
  IPS_ASSURED,
  IPS_CONFIRMED,
  IPS_DST_NAT,
  IPS_DST_NAT_DONE,
  IPS_SEEN_REPLY,
  IPS_SRC_NAT,
  IPS_SRC_NAT_DONE,
  TUPLE_DADDR,
  TUPLE_DPORT,
  TUPLE_PROTO,
  TUPLE_SADDR,
  TUPLE_SPORT,
  TUPLE_WORDS,
} from '../packet/conntrack-access.ts';
import {
  IPPROTO_DCCP,
  IPPROTO_GRE,
  IPPROTO_ICMP,
  IPPROTO_ICMPV6,
  IPPROTO_SCTP,
  IPPROTO_TCP,
  IPPROTO_UDP,
  IPPROTO_UDPLITE,
} from '../packet/packet.ts';
import type { ConntrackCore } from './core.ts';
import {
  ACCOUNT_ELEMENTS,
  C_HELPER,
  C_LABELS,
  C_MARK,
  C_MASTER,
  C_REPLY,
  C_STATE,
  C_STATUS,
  C_TCP_LAST,
  C_TCP_SEEN,
  C_TIMEOUT,
  C_UDP_STREAM,
  RECORD_SHIFT,
  REPLY_STRIDE,
  SEEN_FLAGS,
  TCP_SEEN_WORDS,
  TUPLE_ZONE,
} from './layout.ts';
import { findOwnTuple } from './lookup.ts';
import { SCTP_STATE_NAMES } from './sctp.ts';
import { FLAG_BE_LIBERAL, FLAG_CLOSE_INIT, FLAG_SACK_PERM } from './tcp-options.ts';
import { TCP_CLOSE, TCP_FIN_WAIT, TCP_NONE_SET, TCP_STATE_NAMES } from './tcp-states.ts';
import { SECOND_NS } from './timeouts.ts';
import { invertTuple, protoWord } from './tuple.ts';

/**
 * Connections as `conntrack -L -o extended` writes them (libnetfilter_conntrack's default form), read and written:
 *
 *   ipv4     2 tcp      6 431999 ESTABLISHED src=… dst=… sport=… dport=… src=… dst=… sport=… dport=… [ASSURED] mark=0 use=1
 *
 * What such a line cannot say is not known of a seeded connection: TCP's windows and scales (its ends are allowed
 * everything, as of one that was picked up in the middle), SCTP's tags, by which interface it left. Labels are the one
thing that is written beyond `-o extended`, behind the rest and only where there are any.
 */

/** What `text.ts` needs of Conntrack. */
export interface Listing {
  readonly core: ConntrackCore;
  readonly helperNames: readonly string[];
  seedHelper(ct: number, name: string): void;
  live(nowNs: number): Iterable<number>;
}

/** Names that conntrack(8) knows; every other protocol is `unknown`. */
const PROTOCOL_NAMES = new Map<number, string>([
  [IPPROTO_TCP, 'tcp'],
  [IPPROTO_UDP, 'udp'],
  [IPPROTO_UDPLITE, 'udplite'],
  [IPPROTO_ICMP, 'icmp'],
  [IPPROTO_ICMPV6, 'icmpv6'],
  [IPPROTO_SCTP, 'sctp'],
  [IPPROTO_GRE, 'gre'],
  [IPPROTO_DCCP, 'dccp'],
]);

export function dumpConnections(table: Listing, nowNs: number, family: Family | undefined): string[] {
  const lines: string[] = [];
  // Each expected connection holds a reference to its master.
  const children = new Map<number, number>();
  for (const ct of table.live(nowNs)) {
    const master = table.core.words[(ct << RECORD_SHIFT) + C_MASTER]! - 1;
    if (master >= 0) children.set(master, (children.get(master) ?? 0) + 1);
  }
  for (const ct of table.live(nowNs)) {
    if (family !== undefined && table.core.words[(ct << RECORD_SHIFT) + TUPLE_PROTO]! >> 8 !== family)
      continue;
    lines.push(formatConnection(table, ct, nowNs, 1 + (children.get(ct) ?? 0)));
  }
  return lines;
}

/** `use` is how many refer to the entry, the table among them. */
export function formatConnection(table: Listing, ct: number, nowNs: number, use: number): string {
  const { core } = table;
  const w = core.words;
  const at = ct << RECORD_SHIFT;
  const status = w[at + C_STATUS]!;
  const l4proto = w[at + TUPLE_PROTO]! & 255;
  const isIpv4 = w[at + TUPLE_PROTO]! >> 8 === 4;
  const name = PROTOCOL_NAMES.get(l4proto) ?? 'unknown';
  let line = `${isIpv4 ? 'ipv4     2' : 'ipv6     10'} ${name.padEnd(8)} ${l4proto} ${core.expiresSeconds(ct, nowNs)}`;
  if (l4proto === IPPROTO_TCP) line += ` ${TCP_STATE_NAMES[w[at + C_STATE]!]}`;
  if (l4proto === IPPROTO_SCTP) line += ` ${SCTP_STATE_NAMES[w[at + C_STATE]!]}`;
  const zones = [w[at + TUPLE_ZONE]!, w[at + REPLY_STRIDE + TUPLE_ZONE]!];
  for (let dir = 0; dir < 2; dir++) {
    line += formatTuple(w, at + dir * REPLY_STRIDE);
    if (zones[0] !== zones[1] && zones[dir] !== 0)
      line += ` ${dir === 0 ? 'zone-orig' : 'zone-reply'}=${zones[dir]}`;
    if (core.acct) {
      const counters = ct * ACCOUNT_ELEMENTS + 2 * dir;
      line += ` packets=${core.table.accounts[counters]} bytes=${core.table.accounts[counters + 1]}`;
    }
    if (dir === 0 && (status & IPS_SEEN_REPLY) === 0) line += ' [UNREPLIED]';
  }
  if ((status & IPS_ASSURED) !== 0) line += ' [ASSURED]';
  line += ` mark=${w[at + C_MARK]! >>> 0}`;
  if (zones[0] === zones[1] && zones[0] !== 0) line += ` zone=${zones[0]}`;
  const helper = w[at + C_HELPER]!;
  if (helper !== 0) line += ` helper=${table.helperNames[helper - 1]}`;
  line += ` use=${use}`;
  const labels = labelsOf(w, at);
  return labels === '' ? line : `${line} labels=${labels}`;
}

const LABELS = 128;

/** Numbers of the labels that are set. conntrack(8) prints their names, with `-o labels`, and only of those that have one. */
function labelsOf(w: Int32Array, at: number): string {
  const labels: number[] = [];
  for (let bit = 0; bit < LABELS; bit++) {
    if ((w[at + C_LABELS + (bit >> 5)]! & (1 << (bit & 31))) !== 0) labels.push(bit);
  }
  return labels.join(',');
}

function formatTuple(w: Int32Array, t: number): string {
  const isIpv4 = w[t + TUPLE_PROTO]! >> 8 === 4;
  const format = (at: number) => (isIpv4 ? formatIpv4(w[at]!) : formatIpv6(w, at));
  const addresses = ` src=${format(t + TUPLE_SADDR)} dst=${format(t + TUPLE_DADDR)}`;
  const sport = w[t + TUPLE_SPORT]!;
  const dport = w[t + TUPLE_DPORT]!;
  switch (w[t + TUPLE_PROTO]! & 255) {
    case IPPROTO_TCP:
    case IPPROTO_UDP:
    case IPPROTO_UDPLITE:
    case IPPROTO_SCTP:
    case IPPROTO_DCCP:
      return `${addresses} sport=${sport} dport=${dport}`;
    case IPPROTO_ICMP:
    case IPPROTO_ICMPV6:
      return `${addresses} type=${dport >> 8} code=${dport & 255} id=${sport}`;
    case IPPROTO_GRE:
      return `${addresses} srckey=0x${sport.toString(16)} dstkey=0x${dport.toString(16)}`;
    default:
      return addresses;
  }
}

/** Enters the connections of a listing; gives how many. Throws all that cannot be read at once. */
export function seedConnections(table: Listing, text: string, nowNs: number, file: string): number {
  const findings: Finding[] = [];
  let count = 0;
  for (const [index, line] of text.split('\n').entries()) {
    // conntrack(8) says on its last line how many there were.
    if (line.trim() === '' || line.startsWith('#') || line.startsWith('conntrack v')) continue;
    const message = seedLine(table, line, nowNs);
    if (message === undefined) {
      count++;
      continue;
    }
    const position = { file, line: index + 1, column: 1, text: line, lengthChars: line.length };
    const hint = 'the form is that of `conntrack -L -o extended`';
    findings.push({ severity: 'error', message, position, hint });
  }
  if (findings.length > 0) throw new FindingsError(findings);
  return count;
}

interface TupleFields {
  src?: string;
  dst?: string;
  sport: number;
  dport: number;
  zone: number;
  packets: number;
  bytes: number;
}

const OFFLOADED_SECONDS = 86400;

/** Enters one connection; what is wrong with the line, or undefined. */
function seedLine(table: Listing, line: string, nowNs: number): string | undefined {
  const words = line.trim().split(/\s+/);
  const family = words[0] === 'ipv4' ? 4 : words[0] === 'ipv6' ? 6 : undefined;
  if (family === undefined) return "a connection begins with 'ipv4' or 'ipv6' (conntrack -o extended)";
  const l4proto = Number(words[3]);
  if (!Number.isInteger(l4proto) || l4proto < 0 || l4proto > 255)
    return `'${words[3]}' is no protocol number`;
  let next = 4;
  const timeout = /^\d+$/.test(words[next] ?? '') ? Number(words[next++]) : 0;
  let state = 0;
  const names =
    l4proto === IPPROTO_TCP ? TCP_STATE_NAMES : l4proto === IPPROTO_SCTP ? SCTP_STATE_NAMES : undefined;
  if (names !== undefined && /^[A-Z]/.test(words[next] ?? '')) {
    state = names.indexOf(words[next]!);
    if (state < 0) return `'${words[next]}' is no state of protocol ${l4proto}`;
    next++;
  }
  const tuples: TupleFields[] = [];
  let status = IPS_CONFIRMED | IPS_SEEN_REPLY;
  let mark = 0;
  let zone = 0;
  let helper: string | undefined;
  let labels: number[] = [];
  let isOffloaded = false;
  for (const word of words.slice(next)) {
    if (word === '[UNREPLIED]') status &= ~IPS_SEEN_REPLY;
    if (word === '[ASSURED]') status |= IPS_ASSURED;
    if (word === '[OFFLOAD]' || word === '[HW_OFFLOAD]') isOffloaded = true;
    const equals = word.indexOf('=');
    if (equals < 0) continue;
    const key = word.slice(0, equals);
    const value = word.slice(equals + 1);
    if (key === 'src') tuples.push({ sport: 0, dport: 0, zone: 0, packets: 0, bytes: 0 });
    const tuple = tuples.at(-1);
    switch (key) {
      case 'mark':
        mark = Number(value) | 0;
        break;
      case 'zone':
        zone = Number(value);
        break;
      case 'helper':
        helper = value;
        break;
      case 'labels':
        labels = value.split(',').map(Number);
        if (!labels.every((bit) => Number.isInteger(bit) && bit >= 0 && bit < LABELS))
          return `'${value}': labels are numbers from 0 to ${LABELS - 1} here`;
        break;
      default:
        if (tuple !== undefined) readField(tuple, key, value);
    }
  }
  const [original, reply] = tuples;
  if (original === undefined || reply === undefined) return 'a connection has two tuples, src= … and src= …';
  const core = table.core;
  const ct = core.table.allocateRecord();
  if (ct < 0) return `more than ${core.table.capacity} connections`;
  const at = ct << RECORD_SHIFT;
  const w = core.words;
  for (const [dir, fields] of [original, reply].entries()) {
    const t = at + dir * REPLY_STRIDE;
    const wrong = writeTuple(w, t, fields, family, l4proto);
    if (wrong !== undefined) {
      core.table.freeRecord(ct);
      return wrong;
    }
    w[t + TUPLE_ZONE] = zone === 0 ? fields.zone : zone;
    core.table.hasAccounts = true;
    core.table.accounts[ct * ACCOUNT_ELEMENTS + 2 * dir] = fields.packets;
    core.table.accounts[ct * ACCOUNT_ELEMENTS + 2 * dir + 1] = fields.bytes;
  }
  for (const dir of [0, 1] as const) {
    if (findOwnTuple(core, ct, dir, core.table.hashOf(ct, dir)) < 0) continue;
    core.table.freeRecord(ct);
    return 'the same connection stands here twice';
  }
  w[at + C_MARK] = mark;
  for (const bit of labels) w[at + C_LABELS + (bit >> 5)]! |= 1 << (bit & 31);
  status |= translationStatus(w, at);
  w[at + C_STATUS] = status;
  if (helper !== undefined) table.seedHelper(ct, helper);
  // A flow table keeps what it has taken over alive; how long that is, is not listed (NF_CT_DAY).
  const seconds = isOffloaded ? Math.max(timeout, OFFLOADED_SECONDS) : timeout;
  core.floats[(at + C_TIMEOUT) >> 1] = nowNs + seconds * SECOND_NS;
  w[at + C_STATE] = state;
  if (l4proto === IPPROTO_TCP) {
    w[at + C_TCP_LAST] = TCP_NONE_SET;
    // A connection on its way out has seen a FIN, which the line does not say: it lets a SYN begin it anew.
    const closes = state >= TCP_FIN_WAIT && state <= TCP_CLOSE ? FLAG_CLOSE_INIT : 0;
    w[at + C_TCP_SEEN + SEEN_FLAGS] = FLAG_SACK_PERM | FLAG_BE_LIBERAL | closes;
    w[at + C_TCP_SEEN + TCP_SEEN_WORDS + SEEN_FLAGS] = FLAG_SACK_PERM | FLAG_BE_LIBERAL | closes;
  } else if (l4proto === IPPROTO_UDP) {
    core.floats[(at + C_UDP_STREAM) >> 1] = nowNs;
  }
  core.table.insert(ct);
  linkSource(core, ct);
  return undefined;
}

function readField(tuple: TupleFields, key: string, value: string): void {
  switch (key) {
    case 'src':
      tuple.src = value;
      break;
    case 'dst':
      tuple.dst = value;
      break;
    case 'sport':
    case 'srckey':
    case 'id':
      tuple.sport = Number(value);
      break;
    case 'dport':
    case 'dstkey':
      tuple.dport = Number(value);
      break;
    case 'type':
      tuple.dport |= Number(value) << 8;
      break;
    case 'code':
      tuple.dport |= Number(value);
      break;
    case 'zone-orig':
    case 'zone-reply':
      tuple.zone = Number(value);
      break;
    case 'packets':
      tuple.packets = Number(value);
      break;
    case 'bytes':
      tuple.bytes = Number(value);
      break;
  }
}

function writeTuple(
  w: Int32Array,
  t: number,
  fields: TupleFields,
  family: Family,
  l4proto: number,
): string | undefined {
  for (const [offset, text] of [
    [TUPLE_SADDR, fields.src],
    [TUPLE_DADDR, fields.dst],
  ] as const) {
    const address = family === 4 ? parseIpv4(text ?? '') : parseIpv6(text ?? '');
    if (address === undefined) return `'${text ?? ''}' is no IPv${family} address`;
    if (typeof address === 'number') w[t + offset] = address;
    else w.set(address, t + offset);
  }
  w[t + TUPLE_SPORT] = fields.sport;
  w[t + TUPLE_DPORT] = fields.dport;
  w[t + TUPLE_PROTO] = protoWord(l4proto, family);
  return undefined;
}

const inverse = new Int32Array(TUPLE_WORDS);

/** What the two tuples say of the translation: where the reply's is not simply the inverse, it is one. */
function translationStatus(w: Int32Array, at: number): number {
  let status = IPS_SRC_NAT_DONE | IPS_DST_NAT_DONE;
  if (!invertTuple(inverse, 0, w, at)) return status;
  const differs = (offset: number, words: number): boolean => {
    for (let i = 0; i < words; i++) if (inverse[offset + i] !== w[at + C_REPLY + offset + i]) return true;
    return false;
  };
  const isIcmp =
    (w[at + TUPLE_PROTO]! & 255) === IPPROTO_ICMP || (w[at + TUPLE_PROTO]! & 255) === IPPROTO_ICMPV6;
  if (differs(TUPLE_SADDR, 4) || (!isIcmp && differs(TUPLE_SPORT, 1))) status |= IPS_DST_NAT;
  if (differs(TUPLE_DADDR, 4) || differs(isIcmp ? TUPLE_SPORT : TUPLE_DPORT, 1)) status |= IPS_SRC_NAT;
  return status;
}
