/** Connections step by step: the state after every packet of TCP, UDP, ICMP, SCTP, DCCP, GRE and others, and their timeouts. */

import type { Case } from '../judge.ts';
import {
  dccp,
  esp,
  filler,
  gre,
  icmp,
  icmpError,
  icmpv6,
  icmpv6Error,
  ip,
  ipv4,
  type Layer,
  SCTP,
  sctp,
  sctpInit,
  tcp,
  tcpOption,
  udp,
  udplite,
} from '../packets.ts';
import { addresses, type Family, onRouter, table } from './build.ts';
import { ROUTER } from './hosts.ts';
import { tcpSession, throughRouter } from './match-state.ts';

type Way = 'out' | 'back';
type Steps = readonly (readonly [Way, Layer])[];

const STATES = table(
  'filter',
  ...['NEW', 'ESTABLISHED', 'RELATED', 'INVALID', 'UNTRACKED'].map(
    (state) => `FORWARD -m conntrack --ctstate ${state}`,
  ),
  'FORWARD -m conntrack --ctstatus SEEN_REPLY',
  'FORWARD -m conntrack --ctstatus ASSURED',
  'FORWARD -m conntrack --ctdir REPLY',
);

/** The state is listed after every packet. */
function flow(
  id: string,
  family: Family,
  steps: Steps,
  more: Partial<Case> = {},
  at?: readonly number[],
): Case {
  const packets = throughRouter(family, steps, at);
  return onRouter(`${id}/${family}`, family === 4 ? { v4: STATES } : { v6: STATES }, packets, {
    between: packets.map((_, i) => i),
    ...more,
  });
}

interface Tcp {
  flags: string;
  seq?: number;
  ack?: number;
  size?: number;
  window?: number;
  options?: Uint8Array;
  checksum?: 'bad';
}

/** Segments as [way, flags, seq, ack, payload]: 'out' goes from port 40000 to 80. */
function segments(...list: readonly (readonly [Way, Tcp])[]): Steps {
  return list.map(([way, { flags, seq = 0, ack = 0, size = 0, window = 10000, options, checksum }]) => [
    way,
    tcp({
      sport: way === 'out' ? 40000 : 80,
      dport: way === 'out' ? 80 : 40000,
      flags,
      seq: seq >>> 0,
      ack: ack >>> 0,
      window,
      payload: filler(size),
      ...(options === undefined ? {} : { options }),
      ...(checksum === undefined ? {} : { checksum }),
    }),
  ]);
}

const OPEN: readonly (readonly [Way, Tcp])[] = [
  ['out', { flags: 'S', seq: 1000 }],
  ['back', { flags: 'SA', seq: 5000, ack: 1001 }],
  ['out', { flags: 'A', seq: 1001, ack: 5001 }],
];

const TCP_FLOWS: Readonly<Record<string, Steps>> = {
  session: tcpSession(),
  'syn-again': segments(
    ['out', { flags: 'S', seq: 1000 }],
    ['out', { flags: 'S', seq: 1000 }],
    ['out', { flags: 'S', seq: 9000 }],
  ),
  'syn-reset': segments(
    ['out', { flags: 'S', seq: 1000 }],
    ['back', { flags: 'RA', seq: 0, ack: 1001 }],
    ['out', { flags: 'S', seq: 3000 }],
  ),
  'syn-reset-wrong-ack': segments(
    ['out', { flags: 'S', seq: 1000 }],
    ['back', { flags: 'RA', seq: 0, ack: 77 }],
  ),
  'syn-ack-wrong-ack': segments(
    ['out', { flags: 'S', seq: 1000 }],
    ['back', { flags: 'SA', seq: 5000, ack: 77 }],
    ['out', { flags: 'R', seq: 77 }],
  ),
  'syn-ack-again': segments(
    ...OPEN.slice(0, 2),
    ['back', { flags: 'SA', seq: 5000, ack: 1001 }],
    ['out', { flags: 'A', seq: 1001, ack: 5001 }],
  ),
  'simultaneous-open': segments(
    ['out', { flags: 'S', seq: 1000 }],
    ['back', { flags: 'S', seq: 5000 }],
    ['out', { flags: 'SA', seq: 1000, ack: 5001 }],
    ['back', { flags: 'SA', seq: 5000, ack: 1001 }],
    ['out', { flags: 'A', seq: 1001, ack: 5001 }],
  ),
  'reset-in-window': segments(
    ...OPEN,
    ['back', { flags: 'R', seq: 5001 }],
    ['out', { flags: 'A', seq: 1001, ack: 5001 }],
  ),
  'reset-out-of-window': segments(
    ...OPEN,
    ['back', { flags: 'R', seq: 900000 }],
    ['out', { flags: 'A', seq: 1001, ack: 5001, size: 10 }],
  ),
  'reset-not-exact': segments(
    ...OPEN,
    ['back', { flags: 'R', seq: 5101 }],
    ['out', { flags: 'A', seq: 1001, ack: 5001, size: 10 }],
  ),
  'data-out-of-window': segments(
    ...OPEN,
    ['out', { flags: 'A', seq: 2000000, ack: 5001, size: 10 }],
    ['out', { flags: 'A', seq: 1001, ack: 5001, size: 10 }],
  ),
  'ack-of-unsent-data': segments(...OPEN, ['out', { flags: 'A', seq: 1001, ack: 900000 }]),
  'old-data': segments(
    ...OPEN,
    ['out', { flags: 'A', seq: 1001, ack: 5001, size: 5000 }],
    ['back', { flags: 'A', seq: 5001, ack: 6001 }],
    ['out', { flags: 'A', seq: 1001, ack: 5001, size: 10 }],
    ['out', { flags: 'A', seq: 1001 - 100000, ack: 5001, size: 10 }],
  ),
  'keep-alive': segments(
    ...OPEN,
    ['out', { flags: 'A', seq: 1000, ack: 5001 }],
    ['back', { flags: 'A', seq: 5001, ack: 1001 }],
  ),
  'sequence-wraps': segments(
    ['out', { flags: 'S', seq: -100 }],
    ['back', { flags: 'SA', seq: -50, ack: -99 }],
    ['out', { flags: 'A', seq: -99, ack: -49 }],
    ['out', { flags: 'A', seq: -99, ack: -49, size: 500 }],
    ['back', { flags: 'A', seq: -49, ack: 401, size: 200 }],
    ['out', { flags: 'A', seq: 401, ack: 151 }],
  ),
  'window-scale': segments(
    ['out', { flags: 'S', seq: 1000, options: tcpOption.windowScale(7) }],
    ['back', { flags: 'SA', seq: 5000, ack: 1001, options: tcpOption.windowScale(7) }],
    ['out', { flags: 'A', seq: 1001, ack: 5001, window: 1000 }],
    ['back', { flags: 'A', seq: 5001, ack: 1001, window: 1000, size: 1000 }],
    ['back', { flags: 'A', seq: 100000, ack: 1001, size: 100 }],
    ['back', { flags: 'A', seq: 200000, ack: 1001, size: 100 }],
  ),
  'window-scale-one-side': segments(
    ['out', { flags: 'S', seq: 1000, options: tcpOption.windowScale(7) }],
    ['back', { flags: 'SA', seq: 5000, ack: 1001 }],
    ['out', { flags: 'A', seq: 1001, ack: 5001, window: 1000 }],
    ['back', { flags: 'A', seq: 100000, ack: 1001, size: 100 }],
  ),
  'window-zero': segments(
    ...OPEN,
    ['back', { flags: 'A', seq: 5001, ack: 1001, window: 0 }],
    ['out', { flags: 'A', seq: 1001, ack: 5001, size: 1 }],
    ['out', { flags: 'A', seq: 30000, ack: 5001, size: 1 }],
  ),
  sack: segments(
    ['out', { flags: 'S', seq: 1000, options: tcpOption.sackPermitted() }],
    ['back', { flags: 'SA', seq: 5000, ack: 1001, options: tcpOption.sackPermitted() }],
    ['out', { flags: 'A', seq: 1001, ack: 5001 }],
    ['out', { flags: 'A', seq: 2001, ack: 5001, size: 1000 }],
    ['back', { flags: 'A', seq: 5001, ack: 1001, options: tcpOption.sack(2001, 3001) }],
    ['out', { flags: 'A', seq: 1001, ack: 5001, size: 1000 }],
  ),
  'close-by-server': segments(
    ...OPEN,
    ['back', { flags: 'FA', seq: 5001, ack: 1001 }],
    ['out', { flags: 'A', seq: 1001, ack: 5002 }],
    ['out', { flags: 'FA', seq: 1001, ack: 5002 }],
    ['back', { flags: 'A', seq: 5002, ack: 1002 }],
  ),
  'close-at-once': segments(
    ...OPEN,
    ['out', { flags: 'FA', seq: 1001, ack: 5001 }],
    ['back', { flags: 'FA', seq: 5001, ack: 1001 }],
    ['out', { flags: 'A', seq: 1002, ack: 5002 }],
    ['back', { flags: 'A', seq: 5002, ack: 1002 }],
  ),
  'half-closed': segments(
    ...OPEN,
    ['out', { flags: 'FA', seq: 1001, ack: 5001 }],
    ['back', { flags: 'A', seq: 5001, ack: 1002 }],
    ['back', { flags: 'A', seq: 5001, ack: 1002, size: 100 }],
    ['out', { flags: 'A', seq: 1002, ack: 5101 }],
  ),
  'reset-after-fin': segments(
    ...OPEN,
    ['out', { flags: 'FA', seq: 1001, ack: 5001 }],
    ['back', { flags: 'R', seq: 5001 }],
  ),
  'reopen-in-time-wait': segments(
    ...OPEN,
    ['out', { flags: 'FA', seq: 1001, ack: 5001 }],
    ['back', { flags: 'FA', seq: 5001, ack: 1002 }],
    ['out', { flags: 'A', seq: 1002, ack: 5002 }],
    ['out', { flags: 'S', seq: 90000 }],
    ['back', { flags: 'SA', seq: 70000, ack: 90001 }],
  ),
  'syn-in-established': segments(
    ...OPEN,
    ['out', { flags: 'S', seq: 90000 }],
    ['back', { flags: 'A', seq: 5001, ack: 1001 }],
    ['out', { flags: 'R', seq: 1001 }],
  ),
  'syn-ack-in-established': segments(...OPEN, ['back', { flags: 'SA', seq: 5000, ack: 1001 }]),
  'met-in-the-middle': segments(
    ['out', { flags: 'PA', seq: 1001, ack: 5001, size: 100 }],
    ['back', { flags: 'A', seq: 5001, ack: 1101 }],
    ['back', { flags: 'PA', seq: 5001, ack: 1101, size: 10 }],
    ['out', { flags: 'A', seq: 1101, ack: 5011 }],
    ['out', { flags: 'A', seq: 900000, ack: 5011, size: 10 }],
  ),
  'met-by-its-answer': segments(
    ['back', { flags: 'A', seq: 5001, ack: 1001 }],
    ['out', { flags: 'A', seq: 1001, ack: 5001 }],
    ['back', { flags: 'FA', seq: 5001, ack: 1001 }],
  ),
  'met-by-syn-ack': segments(
    ['back', { flags: 'SA', seq: 5000, ack: 1001 }],
    ['out', { flags: 'A', seq: 1001, ack: 5001 }],
    ['back', { flags: 'A', seq: 5001, ack: 1001 }],
  ),
  'met-by-fin': segments(
    ['out', { flags: 'FA', seq: 1001, ack: 5001 }],
    ['back', { flags: 'A', seq: 5001, ack: 1002 }],
  ),
  'met-by-reset': segments(['out', { flags: 'R', seq: 1001 }], ['out', { flags: 'RA', seq: 1001, ack: 1 }]),
  'impossible-flags': segments(
    ['out', { flags: 'SF', seq: 1 }],
    ['out', { flags: '', seq: 1 }],
    ['out', { flags: 'FPU', seq: 1 }],
    ['out', { flags: 'SR', seq: 1 }],
    ['out', { flags: 'FSRPAU', seq: 1 }],
    ['out', { flags: 'F', seq: 1 }],
    ['out', { flags: 'P', seq: 1 }],
    ['out', { flags: 'SP', seq: 1 }],
    ['out', { flags: 'SU', seq: 1 }],
    ['out', { flags: 'SEC', seq: 1 }],
  ),
  'bad-checksum-in-session': segments(
    ...OPEN,
    ['out', { flags: 'PA', seq: 1001, ack: 5001, size: 10, checksum: 'bad' }],
    ['out', { flags: 'PA', seq: 1001, ack: 5001, size: 10 }],
  ),
  'fast-open': segments(
    ['out', { flags: 'S', seq: 1000, size: 100 }],
    ['back', { flags: 'SA', seq: 5000, ack: 1101 }],
    ['out', { flags: 'A', seq: 1101, ack: 5001 }],
  ),
  retransmissions: segments(
    ...OPEN,
    ...Array.from({ length: 6 }, (): [Way, Tcp] => ['out', { flags: 'PA', seq: 1001, ack: 5001, size: 10 }]),
    ['back', { flags: 'A', seq: 5001, ack: 1011 }],
  ),
  urgent: segments(...OPEN, ['out', { flags: 'PAU', seq: 1001, ack: 5001, size: 1 }]),
  'challenge-ack': segments(
    ['out', { flags: 'S', seq: 1000 }],
    ['back', { flags: 'A', seq: 777, ack: 888 }],
    ['out', { flags: 'R', seq: 888 }],
    ['out', { flags: 'S', seq: 1000 }],
    ['back', { flags: 'SA', seq: 5000, ack: 1001 }],
  ),
};

export const tcpFlowCases = (): Case[] => [
  ...Object.entries(TCP_FLOWS).flatMap(([name, steps]) => [
    flow(`tcp-flow/${name}`, 4, steps),
    ...(name === 'session' || name === 'met-in-the-middle' ? [flow(`tcp-flow/${name}`, 6, steps)] : []),
  ]),
  ...['met-in-the-middle', 'met-by-its-answer', 'met-by-syn-ack', 'met-by-fin', 'session'].map((name) =>
    flow(`tcp-flow-strict/${name}`, 4, TCP_FLOWS[name]!, {
      host: { ...ROUTER, sysctls: { 'net.netfilter.nf_conntrack_tcp_loose': 0 } },
    }),
  ),
  ...['data-out-of-window', 'reset-out-of-window', 'ack-of-unsent-data', 'old-data', 'reset-not-exact'].map(
    (name) =>
      flow(`tcp-flow-liberal/${name}`, 4, TCP_FLOWS[name]!, {
        host: { ...ROUTER, sysctls: { 'net.netfilter.nf_conntrack_tcp_be_liberal': 1 } },
      }),
  ),
  ...['reset-out-of-window', 'reset-not-exact'].map((name) =>
    flow(`tcp-flow-ignore-rst/${name}`, 4, TCP_FLOWS[name]!, {
      host: { ...ROUTER, sysctls: { 'net.netfilter.nf_conntrack_tcp_ignore_invalid_rst': 1 } },
    }),
  ),
  flow('tcp-flow-unchecked/bad-checksum-in-session', 4, TCP_FLOWS['bad-checksum-in-session']!, {
    host: { ...ROUTER, sysctls: { 'net.netfilter.nf_conntrack_checksum': 0 } },
  }),
];

const both = (
  id: string,
  steps: (family: Family) => Steps,
  more: Partial<Case> = {},
  at?: readonly number[],
) => ([4, 6] as const).map((family) => flow(id, family, steps(family), more, at));

const echo = (family: Family, reply: boolean, id = 7, seq = 1) =>
  family === 4 ? icmp({ type: reply ? 0 : 8, id, seq }) : icmpv6({ type: reply ? 129 : 128, id, seq });

const chunk = (
  type: number,
  tag: number,
  value: Uint8Array = new Uint8Array(),
  way: Way = 'out',
  flags = 0,
): readonly [Way, Layer] => [
  way,
  sctp({
    sport: way === 'out' ? 5000 : 5060,
    dport: way === 'out' ? 5060 : 5000,
    vtag: tag,
    chunks: [{ type, value, flags }],
  }),
];

export const otherFlowCases = (): Case[] => [
  ...both('udp-flow/query', () => [
    ['out', udp({ sport: 5000, dport: 53 })],
    ['back', udp({ sport: 53, dport: 5000 })],
    ['out', udp({ sport: 5000, dport: 53 })],
    ['back', udp({ sport: 53, dport: 5000 })],
  ]),
  // Assured, and with the longer timeout, only when it has lived for more than two seconds.
  ...both(
    'udp-flow/stream',
    () => [
      ['out', udp({ sport: 5000, dport: 53 })],
      ['back', udp({ sport: 53, dport: 5000 })],
      ['out', udp({ sport: 5000, dport: 53 })],
      ['back', udp({ sport: 53, dport: 5000 })],
    ],
    {},
    [0, 0.05, 2.4, 2.45],
  ),
  ...both('udplite-flow', () => [
    ['out', udplite({ sport: 5000, dport: 53, payload: filler(8) })],
    ['back', udplite({ sport: 53, dport: 5000, payload: filler(8) })],
    ['out', udplite({ sport: 5000, dport: 53, payload: filler(8), coverage: 8 })],
    ['out', udplite({ sport: 5001, dport: 53, payload: filler(8), coverage: 4 })],
    ['out', udplite({ sport: 5002, dport: 53, payload: filler(8), coverage: 99 })],
    ['out', udplite({ sport: 5003, dport: 53, checksum: 0 })],
  ]),
  // Conntrack sums UDP-Lite with the protocol number of UDP: what is right by RFC 3828 is INVALID to it.
  ...both('udplite-flow/summed-as-udp', () => [
    ['out', udplite({ sport: 5000, dport: 53, payload: filler(8), summedAs: 17 })],
    ['back', udplite({ sport: 53, dport: 5000, payload: filler(8), summedAs: 17 })],
    ['out', udplite({ sport: 5000, dport: 53, payload: filler(8), coverage: 8, summedAs: 17 })],
    ['out', udplite({ sport: 5001, dport: 53, payload: filler(8), coverage: 7, summedAs: 17 })],
    ['out', udplite({ sport: 5002, dport: 53, payload: filler(8), coverage: 12, summedAs: 17 })],
    ['out', udplite({ sport: 5003, dport: 53, payload: filler(8), coverage: 17, summedAs: 17 })],
  ]),
  ...both('udp-flow/malformed', () => [
    ['out', udp({ sport: 5001, dport: 53, checksum: 'bad' })],
    ['out', udp({ sport: 5002, dport: 53, length: 100 })],
    ['out', udp({ sport: 5003, dport: 53, length: 7 })],
    ['out', udp({ sport: 0, dport: 0 })],
    ['out', udp({ sport: 5004, dport: 53, checksum: 0 })],
  ]),
  ...both('icmp-flow/echo', (family) => [
    ['out', echo(family, false)],
    ['back', echo(family, true)],
    ['out', echo(family, false, 7, 2)],
    ['back', echo(family, true, 7, 2)],
    ['back', echo(family, true, 8)],
    ['out', echo(family, false, 9)],
    ['back', echo(family, false, 9)],
  ]),
  flow('icmp-flow/timestamp-address-info', 4, [
    ['out', icmp({ type: 13, id: 1, payload: filler(12) })],
    ['back', icmp({ type: 14, id: 1, payload: filler(12) })],
    ['out', icmp({ type: 17, id: 2, payload: filler(4) })],
    ['back', icmp({ type: 18, id: 2, payload: filler(4) })],
    ['out', icmp({ type: 15, id: 3 })],
    ['back', icmp({ type: 16, id: 3 })],
    ['out', icmp({ type: 9 })],
    ['out', icmp({ type: 10 })],
    ['out', icmp({ type: 42 })],
  ]),
  flow('icmp-flow/neighbours-and-others', 6, [
    ['out', icmpv6({ type: 133 })],
    ['out', icmpv6({ type: 134, payload: filler(8) })],
    ['out', icmpv6({ type: 135, payload: filler(16) })],
    ['out', icmpv6({ type: 136, payload: filler(16) })],
    ['out', icmpv6({ type: 137, payload: filler(32) })],
    ['out', icmpv6({ type: 130, payload: filler(16) })],
    ['out', icmpv6({ type: 143 })],
    ['out', icmpv6({ type: 139 })],
    ['out', icmpv6({ type: 140 })],
    ['out', icmpv6({ type: 200 })],
  ]),
  ...errorCases(),
  ...both('sctp-flow/association', () => [
    chunk(SCTP.INIT, 0, sctpInit(11)),
    chunk(SCTP.INIT_ACK, 11, sctpInit(22), 'back'),
    chunk(SCTP.COOKIE_ECHO, 22, filler(8)),
    chunk(SCTP.COOKIE_ACK, 11, new Uint8Array(), 'back'),
    chunk(SCTP.DATA, 22, filler(16)),
    chunk(SCTP.SACK, 11, filler(12), 'back'),
    chunk(SCTP.HEARTBEAT, 22, filler(8)),
    chunk(SCTP.HEARTBEAT_ACK, 11, filler(8), 'back'),
    chunk(SCTP.SHUTDOWN, 22, filler(4)),
    chunk(SCTP.SHUTDOWN_ACK, 11, new Uint8Array(), 'back'),
    chunk(SCTP.SHUTDOWN_COMPLETE, 22),
  ]),
  ...both('sctp-flow/oddities', () => [
    chunk(SCTP.DATA, 5, filler(16)),
    chunk(SCTP.INIT, 5, sctpInit(11)),
    chunk(SCTP.INIT, 0, sctpInit(11)),
    chunk(SCTP.INIT_ACK, 99, sctpInit(22), 'back'),
    chunk(SCTP.INIT_ACK, 11, sctpInit(22), 'back'),
    chunk(SCTP.COOKIE_ECHO, 98, filler(8)),
    chunk(SCTP.ABORT, 22, new Uint8Array()),
    chunk(SCTP.HEARTBEAT, 7, filler(8)),
    chunk(SCTP.ABORT, 1),
    chunk(SCTP.SHUTDOWN_COMPLETE, 1),
    chunk(SCTP.SHUTDOWN_ACK, 1),
  ]),
  ...both('dccp-flow', () => [
    ['out', dccp({ sport: 5000, dport: 80, type: 'REQUEST' })],
    ['back', dccp({ sport: 80, dport: 5000, type: 'RESPONSE' })],
    ['out', dccp({ sport: 5000, dport: 80, type: 'ACK' })],
    ['out', dccp({ sport: 5001, dport: 80, type: 'DATA' })],
  ]),
  ...both('gre-flow', () => [
    ['out', gre({ key: 5 })],
    ['back', gre({ key: 5 })],
    ['out', gre({ key: 6 })],
    ['out', gre()],
    ['out', gre({ callId: 7 })],
    ['back', gre({ callId: 8 })],
  ]),
  ...both('esp-flow', () => [
    ['out', esp({ spi: 1 })],
    ['back', esp({ spi: 2 })],
    ['out', esp({ spi: 3 })],
  ]),
  // What is too short for its header is nobody's connection.
  ...both('short-headers', () => [
    ['out', { protocol: 6, build: () => filler(8) }],
    ['out', { protocol: 17, build: () => filler(4) }],
    ['out', { protocol: 132, build: () => filler(8) }],
    ['out', { protocol: 1, build: () => filler(4) }],
    ['out', { protocol: 58, build: () => filler(4) }],
    ['out', { protocol: 47, build: () => filler(2) }],
    ['out', { protocol: 33, build: () => filler(8) }],
    ['out', { protocol: 136, build: () => filler(4) }],
    ['out', { protocol: 99, build: () => filler(1) }],
  ]),
  ...timeoutCases(),
];

function errorCases(): Case[] {
  return ([4, 6] as const).flatMap((family) => {
    const a = addresses(family);
    const query = udp({ sport: 5000, dport: 53, payload: filler(20) });
    const sent = ip({ saddr: a.inside, daddr: a.far, ttl: 63 }, query);
    const answered = ip({ saddr: a.far, daddr: a.inside, ttl: 63 }, udp({ sport: 53, dport: 5000 }));
    const foreign = ip({ saddr: a.inside2, daddr: a.far }, query);
    const session = ip(
      { saddr: a.inside, daddr: a.far },
      tcp({ sport: 40000, dport: 80, flags: 'S', seq: 1000 }),
    );
    const error = (
      inner: Uint8Array,
      more: { type?: number; code?: number; keep?: number; checksum?: 'bad' } = {},
    ): Layer => {
      const checksum = more.checksum === undefined ? {} : { checksum: more.checksum };
      return family === 4
        ? icmpError({ type: more.type ?? 3, code: more.code ?? 3, ...checksum }, inner, more.keep ?? 1000)
        : icmpv6Error({ type: more.type ?? 1, code: more.code ?? 4, ...checksum }, inner, more.keep ?? 1000);
    };
    const flows: Record<string, Steps> = {
      unreachable: [
        ['out', query],
        ['back', error(sent)],
      ],
      'unreachable-8-bytes': [
        ['out', query],
        ['back', error(sent, { keep: 8 })],
      ],
      'unreachable-4-bytes': [
        ['out', query],
        ['back', error(sent, { keep: 4 })],
      ],
      'time-exceeded': [
        ['out', query],
        ['back', error(sent, { type: family === 4 ? 11 : 3, code: 0 })],
      ],
      'parameter-problem': [
        ['out', query],
        ['back', error(sent, { type: family === 4 ? 12 : 4, code: 0 })],
      ],
      'packet-too-big': [
        ['out', query],
        ['back', error(sent, { type: family === 4 ? 3 : 2, code: family === 4 ? 4 : 0 })],
      ],
      'source-quench-or-unknown': [
        ['out', query],
        ['back', error(sent, { type: family === 4 ? 4 : 100, code: 0 })],
      ],
      redirect: [
        ['out', query],
        ['back', error(sent, { type: family === 4 ? 5 : 137, code: 1 })],
      ],
      foreign: [
        ['out', query],
        ['back', error(foreign)],
      ],
      'bad-checksum': [
        ['out', query],
        ['back', error(sent, { checksum: 'bad' })],
      ],
      'about-the-answer': [
        ['out', query],
        ['back', udp({ sport: 53, dport: 5000 })],
        ['out', error(answered)],
      ],
      'wrong-direction': [
        ['out', query],
        ['out', error(sent)],
      ],
      'about-tcp': [
        ['out', tcp({ sport: 40000, dport: 80, flags: 'S', seq: 1000 })],
        ['back', error(session)],
        ['back', tcp({ sport: 80, dport: 40000, flags: 'SA', seq: 1, ack: 1001 })],
      ],
      'about-echo': [
        ['out', echo(family, false)],
        ['back', error(ip({ saddr: a.inside, daddr: a.far }, echo(family, false)))],
      ],
      'about-an-error': [
        ['out', query],
        ['back', error(sent)],
        ['out', error(ip({ saddr: a.far, daddr: a.inside }, error(sent)))],
      ],
      'inner-bad-checksum': [
        ['out', query],
        [
          'back',
          error(family === 4 ? ipv4({ saddr: a.inside, daddr: a.far, checksum: 'bad' }, query) : sent),
        ],
      ],
      'inner-fragment': [
        ['out', query],
        [
          'back',
          error(family === 4 ? ipv4({ saddr: a.inside, daddr: a.far, fragmentOffset: 8 }, query) : sent),
        ],
      ],
      'inner-empty': [
        ['out', query],
        ['back', error(new Uint8Array())],
      ],
    };
    return Object.entries(flows).map(([name, steps]) => flow(`icmp-error/${name}`, family, steps));
  });
}

/** With timeouts of a second, what is left after two. */
function timeoutCases(): Case[] {
  const second = (name: string) => ({
    host: { ...ROUTER, sysctls: { [`net.netfilter.nf_conntrack_${name}`]: 1 } },
  });
  const wait = [0, 0.05, 1.6, 1.65];
  return [
    flow(
      'timeout/udp',
      4,
      [
        ['out', udp({ sport: 1, dport: 2 })],
        ['out', udp({ sport: 1, dport: 2 })],
        ['out', udp({ sport: 1, dport: 2 })],
        ['back', udp({ sport: 2, dport: 1 })],
      ],
      second('udp_timeout'),
      wait,
    ),
    flow(
      'timeout/icmp',
      4,
      [
        ['out', echo(4, false)],
        ['out', echo(4, false, 7, 2)],
        ['back', echo(4, true)],
        ['back', echo(4, true, 7, 2)],
      ],
      second('icmp_timeout'),
      wait,
    ),
    flow(
      'timeout/icmpv6',
      6,
      [
        ['out', echo(6, false)],
        ['out', echo(6, false, 7, 2)],
        ['back', echo(6, true)],
        ['back', echo(6, true, 7, 2)],
      ],
      second('icmpv6_timeout'),
      wait,
    ),
    flow(
      'timeout/tcp-syn-sent',
      4,
      segments(
        ['out', { flags: 'S', seq: 1 }],
        ['out', { flags: 'S', seq: 1 }],
        ['back', { flags: 'SA', seq: 9, ack: 2 }],
        ['out', { flags: 'A', seq: 2, ack: 10 }],
      ),
      second('tcp_timeout_syn_sent'),
      wait,
    ),
    flow(
      'timeout/tcp-established',
      4,
      segments(...OPEN, ['out', { flags: 'PA', seq: 1001, ack: 5001, size: 5 }]),
      second('tcp_timeout_established'),
      [0, 0.02, 0.05, 1.6],
    ),
    flow(
      'timeout/generic',
      4,
      [
        ['out', esp()],
        ['back', esp()],
        ['back', esp()],
        ['out', esp()],
      ],
      second('generic_timeout'),
      wait,
    ),
    flow(
      'timeout/gre',
      4,
      [
        ['out', gre()],
        ['back', gre()],
        ['back', gre()],
        ['out', gre()],
      ],
      second('gre_timeout_stream'),
      wait,
    ),
    flow(
      'timeout/refreshed',
      4,
      [
        ['out', udp({ sport: 1, dport: 2 })],
        ['out', udp({ sport: 1, dport: 2 })],
        ['out', udp({ sport: 1, dport: 2 })],
        ['out', udp({ sport: 1, dport: 2 })],
      ],
      { host: { ...ROUTER, sysctls: { 'net.netfilter.nf_conntrack_udp_timeout': 2 } } },
      [0, 0.9, 1.8, 2.7],
    ),
  ];
}
