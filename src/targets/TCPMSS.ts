import { CHECKSUM_PARTIAL } from '../batch/layout.ts';
import { defineTarget, type RuleEnvironment } from '../extension/define.ts';
import { strtoui } from '../extension/numbers.ts';
import { defineSyntax, type KernelRule } from '../extension/syntax.ts';
import { custom, flag } from '../extension/values.ts';
import { ROUTE_LOCAL, ROUTE_UNICAST, type RouteResult } from '../host/types.ts';
import type { TcpOptions } from '../matches/tcp.ts';
import { IPPROTO_TCP, type Packet } from '../packet/packet.ts';
import { R_CHECKSUM, R_FAMILY, R_FRAG_OFFSET, R_LENGTH, R_OIF, R_SADDR } from '../packet/registers.ts';
import { currentBytes, replaceSum16, writableBytes } from '../packet/rewrite.ts';
import { VERDICT_CONTINUE, VERDICT_DROP } from '../packet/verdict.ts';

/** The size to set, or 'pmtu' for what the routes of both directions let through. */
type TcpmssOptions = number | 'pmtu';

interface TcpmssState {
  readonly host: RuleEnvironment['host'];
  readonly route: RouteResult;
  /** Addresses of the way back: source (any) and destination. */
  readonly words: Int32Array;
}

const TCP_HEADER_BYTES = 20;
const MAX_TCP_HEADER_BYTES = 60;
const OPTION_MSS = 2;
const OPTION_MSS_BYTES = 4;
/** What a host must assume that is told no size (RFC 1122, RFC 2460): an option that is added says no more. */
const DEFAULT_MSS = { 4: 536, 6: 1220 } as const;
/** IP and TCP headers without options. */
const HEADERS_BYTES = { 4: 40, 6: 60 } as const;
/** IP_MAX_MTU, IP6_MAX_MTU: no route has a larger one. */
const MAX_MTU = { 4: 0xffff, 6: 0xffff + 40 } as const;
const CLAMP_HOOKS = ['FORWARD', 'OUTPUT', 'POSTROUTING'];
const SYN = 2;

/**
 * `-j TCPMSS`: lowers the maximum segment size that a SYN announces, and adds one where there is none (the packet
 * grows by four bytes). Linux: net/netfilter/xt_TCPMSS.c, tcpmss_mangle_packet().
 */
export const tcpmssTarget = defineTarget<TcpmssOptions, TcpmssState>({
  name: 'TCPMSS',
  families: [4, 6],
  scope: 'packet',
  reads: ['saddr', 'oif', 'length', 'payload'],
  writes: ['length'],
  syntax: defineSyntax({
    protocol: IPPROTO_TCP,
    options: {
      '--set-mss': custom((text, call) => {
        const most = 0xffff - (HEADERS_BYTES[call.family] - TCP_HEADER_BYTES);
        return (
          strtoui(text, 0, most) ??
          call.fail(`TCPMSS: bad value for option "--set-mss", or out of range (0-${most}).`)
        );
      }),
      '--clamp-mss-to-pmtu': flag(),
    },
    finalCheck: (v, rule) => {
      if (Object.keys(v).length === 0) rule.fail('TCPMSS target: At least one parameter is required');
    },
    // Of both the later one holds.
    build: (v): TcpmssOptions =>
      Object.keys(v).at(-1) === '--clamp-mss-to-pmtu' ? 'pmtu' : v['--set-mss']!.value,
    save: (o) => (o === 'pmtu' ? ' --clamp-mss-to-pmtu' : ` --set-mss ${o}`),
    list: (o) => (o === 'pmtu' ? 'TCPMSS clamp to PMTU' : `TCPMSS set ${o}`),
    kernelCheck: (o, rule) => {
      if (o === 'pmtu' && rule.hooks.some((hook) => !CLAMP_HOOKS.includes(hook))) {
        return 'xt_TCPMSS: path-MTU clamping only supported in FORWARD, OUTPUT and POSTROUTING hooks';
      }
      return wantsSyn(rule) ? undefined : 'xt_TCPMSS: Only works on TCP SYN packets';
    },
  }),
  prepare: (_, environment): TcpmssState => ({
    host: environment.host,
    route: {
      kind: ROUTE_UNICAST,
      oif: 0,
      prefsrc: new Int32Array(4),
      hasPrefsrc: false,
      gateway: new Int32Array(4),
      hasGateway: false,
      realm: 0,
      reason: '',
    },
    words: new Int32Array(8),
  }),
  apply: (o, p, state) => {
    const { r } = p;
    if (r[R_FRAG_OFFSET] !== 0) return VERDICT_CONTINUE;
    if (p.l4Offset < 0) return VERDICT_DROP;
    const family = r[R_FAMILY] === 4 ? 4 : 6;
    const bytes = currentBytes(p);
    const l4 = p.l4Offset;
    const length = r[R_LENGTH]! - (l4 - p.l3Offset);
    if (length < TCP_HEADER_BYTES || l4 + TCP_HEADER_BYTES > p.l3End) return VERDICT_DROP;
    const headerBytes = (bytes[l4 + 12]! >>> 4) * 4;
    if (headerBytes < TCP_HEADER_BYTES || length < headerBytes) return VERDICT_DROP;
    let mss = o;
    if (mss === 'pmtu') {
      const mtu = pathMtu(p, state, family);
      if (mtu <= HEADERS_BYTES[family]) return VERDICT_DROP;
      mss = (mtu - HEADERS_BYTES[family]) & 0xffff;
    }
    // The options of a packet that the capture has cut short cannot be seen: it is left as it is.
    if (l4 + headerBytes > p.l3End) return VERDICT_CONTINUE;
    const at = findMss(bytes, l4 + TCP_HEADER_BYTES, l4 + headerBytes);
    if (at >= 0) lowerMss(p, at - l4, mss);
    else if (length === headerBytes && headerBytes < MAX_TCP_HEADER_BYTES) {
      addMss(p, headerBytes, Math.min(mss, DEFAULT_MSS[family]));
    }
    return VERDICT_CONTINUE;
  },
});

/** find_syn_match(): `-m tcp` with SYN among the flags that must be set. */
function wantsSyn(rule: KernelRule): boolean {
  return rule.matches.some(({ definition, options }) => {
    if (definition.name !== 'tcp') return false;
    const { flags } = options as TcpOptions;
    return (flags.compare & SYN) !== 0 && !flags.inverted;
  });
}

/** The smaller of the MTUs of the packet's route and of the route to its source: tcpmss_reverse_mtu(). */
function pathMtu(p: Packet, { host, route, words }: TcpmssState, family: 4 | 6): number {
  const oif = p.r[R_OIF]!;
  let mtu = oif === 0 ? MAX_MTU[family] : Math.min(host.interfaces[oif]!.mtu, MAX_MTU[family]);
  for (let i = 0; i < 4; i++) words[4 + i] = p.r[R_SADDR + i]!;
  host.routeOutput(family, words, 0, 4, 0, 0, 0, 0, 0, 0, route);
  if ((route.kind === ROUTE_UNICAST || route.kind === ROUTE_LOCAL) && route.oif !== 0) {
    mtu = Math.min(mtu, host.interfaces[route.oif]!.mtu);
  }
  return mtu;
}

/** Offset of the option, or -1. */
function findMss(bytes: Uint8Array, begin: number, end: number): number {
  for (let i = begin; i <= end - OPTION_MSS_BYTES; ) {
    const kind = bytes[i]!;
    const size = bytes[i + 1]!;
    if (kind === OPTION_MSS && size === OPTION_MSS_BYTES) return i;
    // A length of zero would never end: optlen().
    i += kind <= 1 || size === 0 ? 1 : size;
  }
  return -1;
}

/** Never raises it: hosts rely on what they were told. `at` is from the TCP header on. */
function lowerMss(p: Packet, at: number, mss: number): void {
  const old = p.view.getUint16(p.l4Offset + at + 2);
  if (old <= mss) return;
  writableBytes(p);
  put16(p, p.l4Offset + at + 2, old, mss);
}

/** Moves the options by four bytes and puts the new one before them. */
function addMss(p: Packet, headerBytes: number, mss: number): void {
  const { r } = p;
  const old = writableBytes(p);
  const at = p.l4Offset + TCP_HEADER_BYTES;
  const bytes = new Uint8Array(old.length + OPTION_MSS_BYTES);
  bytes.set(old.subarray(0, at));
  bytes.set(old.subarray(at), at + OPTION_MSS_BYTES);
  p.bytes = bytes;
  p.view = new DataView(bytes.buffer);
  p.l3End += OPTION_MSS_BYTES;
  put16(p, at, 0, (OPTION_MSS << 8) | OPTION_MSS_BYTES);
  put16(p, at + 2, 0, mss);
  const dataOffset = p.view.getUint16(p.l4Offset + 12);
  put16(p, p.l4Offset + 12, dataOffset, dataOffset + (OPTION_MSS_BYTES << 10));
  const ip = p.l3Offset;
  const lengthAt = r[R_FAMILY] === 4 ? ip + 2 : ip + 4;
  const ipLength = p.view.getUint16(lengthAt);
  p.view.setUint16(lengthAt, ipLength + OPTION_MSS_BYTES);
  if (r[R_FAMILY] === 4) replaceSum16(p, ip + 10, ipLength, ipLength + OPTION_MSS_BYTES);
  // The pseudo header has the length of the segment.
  if (!isPartial(p)) replaceSum16(p, p.l4Offset + 16, headerBytes, headerBytes + OPTION_MSS_BYTES);
  r[R_LENGTH] = r[R_LENGTH]! + OPTION_MSS_BYTES;
}

/** Writes a word of the TCP header and brings the checksum up to date; one left to the device does not know it. */
function put16(p: Packet, at: number, old: number, word: number): void {
  p.view.setUint16(at, word);
  if (!isPartial(p)) replaceSum16(p, p.l4Offset + 16, old, word);
}

function isPartial(p: Packet): boolean {
  return p.r[R_CHECKSUM] === CHECKSUM_PARTIAL;
}
