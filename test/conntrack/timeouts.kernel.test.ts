/**
 * How long an entry lives, by protocol and state: with the timeouts turned down, a packet comes a little before the end
 * and finds the entry, another cell's comes a little after it and finds none. (Which timeout a state has is told by the
 * listings of the state-by-state tables, where all are different.)
 */
import { expect, test } from 'vitest';
import {
  dccp,
  filler,
  gre,
  icmp,
  icmpv6,
  ipv4,
  ipv6,
  type Layer,
  raw,
  udp,
  udplite,
} from '../kernel/packets.ts';
import { type Cell, compareTable, isIpv6Cell, SPREAD_TIMEOUTS } from './cells.ts';
import { sctpScript } from './sctp-script.ts';
import type { Segment } from './tcp-conversations.ts';
import { tcpScript } from './tcp-script.ts';

/** Every timeout but those below, seconds. */
const LIFE = 2;
const SHORT = 1;
const UNACKNOWLEDGED = 3;
/** Distance from an end: several ticks, and what a machine may be late. */
const NEAR = 0.2;

const NAME = 'net.netfilter.nf_conntrack';
const SYSCTLS: Readonly<Record<string, number>> = {
  ...Object.fromEntries(Object.keys(SPREAD_TIMEOUTS).map((key) => [key, LIFE])),
  [`${NAME}_tcp_timeout_established`]: 432000,
  [`${NAME}_tcp_timeout_unacknowledged`]: UNACKNOWLEDGED,
  [`${NAME}_tcp_timeout_max_retrans`]: SHORT,
  [`${NAME}_udp_timeout`]: SHORT,
  [`${NAME}_gre_timeout`]: SHORT,
};

/** Two cells: the last step of a script comes a little before the end, and a little after it. */
type Timed = readonly [script: string, stepsAt: readonly number[], endsAt: number];

const OPEN = 'c:S s:SA c:A';

/** A script without its last word happens at once, or where it says; the last word comes at the end of the life. */
const TCP: readonly Timed[] = [
  ['c:S c:A', [0], LIFE],
  // A SYN sent again does not let it live longer; one from the other side does.
  ['c:S c:S(again) c:A', [0, 1.5], LIFE],
  ['c:S s:SA c:A', [0, 0.5], 0.5 + LIFE],
  ['c:S s:SA s:SA(again) c:A', [0, 0, 0.5], 0.5 + LIFE],
  [`${OPEN} c:A(data=10) c:A`, [0, 0, 0, 0.5], 0.5 + UNACKNOWLEDGED],
  [
    `${OPEN} c:A(data=10) c:A(again,data=10) c:A(again,data=10) c:A(again,data=10) c:A(again,data=10) c:A`,
    [0, 0, 0, 0.1, 0.2, 0.3, 0.4, 0.5],
    0.5 + SHORT,
  ],
  [`${OPEN} c:FA c:A`, [0, 0, 0, 0.3], 0.3 + LIFE],
  [`${OPEN} c:FA s:A c:A`, [0, 0, 0, 0, 0.3], 0.3 + LIFE],
  [`${OPEN} c:FA s:FA s:FA(again)`, [0, 0, 0, 0, 0.3], 0.3 + LIFE],
  [`${OPEN} c:FA s:FA c:A s:FA(again)`, [0, 0, 0, 0, 0, 0.3], 0.3 + LIFE],
  [`${OPEN} c:R c:A`, [0, 0, 0, 0.3], 0.3 + LIFE],
  // An RST that is not exact leaves it ESTABLISHED, but not for long.
  [`${OPEN} c:A s:R(seq+50) c:A`, [0, 0, 0, 0, 0.3], 0.3 + LIFE],
  // FIN and RST out of the window from both sides shorten the life; from one side they do not.
  [`${OPEN} c:A s:A c:FA(seq+9000) s:RA(seq+9000) c:A`, [0, 0, 0, 0, 0, 0.2, 0.4], 0.4 + UNACKNOWLEDGED],
  [`${OPEN} c:A s:A c:FA(seq+9000) c:RA(seq+9000) c:A`, [0, 0, 0, 0, 0, 0.2, 0.4], 0.4 + UNACKNOWLEDGED],
  ['c:A c:A', [0], UNACKNOWLEDGED],
];

const UP = 'c:INIT s:INIT_ACK c:COOKIE_ECHO s:COOKIE_ACK';
const SCTP: readonly Timed[] = [
  ['c:INIT s:INIT_ACK', [0], LIFE],
  ['c:INIT c:INIT s:INIT_ACK', [0, 0.5], 0.5 + LIFE],
  ['c:INIT s:INIT_ACK c:COOKIE_ECHO', [0, 0.5], 0.5 + LIFE],
  ['c:INIT s:INIT_ACK c:COOKIE_ECHO s:COOKIE_ACK', [0, 0, 0.5], 0.5 + LIFE],
  [`${UP} c:DATA`, [0, 0, 0, 0.5], 0.5 + LIFE],
  [`${UP} c:DATA s:SACK`, [0, 0, 0, 0, 1], 1 + LIFE],
  [`${UP} s:HEARTBEAT(tag=wrong) s:SACK`, [0, 0, 0, 0, 1], LIFE],
  [`${UP} c:SHUTDOWN s:DATA`, [0, 0, 0, 0, 0.5], 0.5 + LIFE],
  [`${UP} s:SHUTDOWN c:DATA`, [0, 0, 0, 0, 0.5], 0.5 + LIFE],
  [`${UP} c:SHUTDOWN s:SHUTDOWN_ACK c:DATA`, [0, 0, 0, 0, 0, 0.5], 0.5 + LIFE],
  [`${UP} c:ABORT s:DATA`, [0, 0, 0, 0, 0.5], 0.5 + LIFE],
  ['c:HEARTBEAT c:HEARTBEAT', [0], LIFE],
  ['c:INIT s:INIT_ACK c:INIT c:INIT s:INIT_ACK', [0, 0, 0.5, 1], 1 + LIFE],
];

type Sends = (port: number, fromClient: boolean) => Layer;

/** Protocols without states: `c` and `s` say who sends. */
const OTHERS: readonly (readonly [name: string, sends: Sends, timed: readonly Timed[]])[] = [
  ['udp', (port, fromClient) => udp(ports(port, fromClient)), stateless(SHORT, 2.3)],
  [
    'udplite',
    (port, fromClient) => udplite({ ...ports(port, fromClient), summedAs: 17 }),
    stateless(LIFE, 0),
  ],
  ['gre', () => gre(), stateless(SHORT, 0)],
  // DCCP has no tracker of its own any more: it is as any other protocol.
  ['dccp', (port, fromClient) => dccp({ ...ports(port, fromClient), type: 0 }), stateless(LIFE, Number.NaN)],
  ['esp', () => raw(50, filler(20)), stateless(LIFE, Number.NaN)],
];

function ports(port: number, fromClient: boolean): { sport: number; dport: number } {
  return fromClient ? { sport: port, dport: 53 } : { sport: 53, dport: port };
}

/**
 * Unanswered, refreshed, answered, and a stream: from `streamAfter` seconds on, NaN when the protocol knows none. Its
 * packets live `shortLife` until then, LIFE from then on.
 */
function stateless(shortLife: number, streamAfter: number): Timed[] {
  const answered: Timed = ['c s c', [0, 0.1], 0.1 + (streamAfter === 0 ? LIFE : shortLife)];
  const refreshed: Timed = ['c c c', [0, 0.6], 0.6 + shortLife];
  if (Number.isNaN(streamAfter) || streamAfter === 0) return [['c c', [0], shortLife], refreshed, answered];
  return [
    ['c c', [0], shortLife],
    refreshed,
    answered,
    // Old enough, but not answered since; then a packet of each side after the two seconds.
    ['c s c s c', [0, 0.7, 1.4, 1.8], 1.8 + shortLife],
    ['c s c s c', [0, 0.7, 1.4, streamAfter], streamAfter + LIFE],
  ];
}

function plain(sends: Sends): (script: string, port: number) => Segment[] {
  return (script, port) =>
    script.split(' ').map((word) => {
      const fromClient = word === 'c';
      const isIpv6 = isIpv6Cell(port);
      // Where there are no ports, the address makes the cell's connections its own.
      const host = 10 + (port % 240);
      const [near, far] = isIpv6 ? [`2001:db8:1::${host}`, '2001:db8:2::9'] : [`10.1.0.${host}`, '10.2.0.9'];
      const [saddr, daddr] = fromClient ? [near!, far!] : [far!, near!];
      const layer = sends(port, fromClient);
      return { fromClient, bytes: isIpv6 ? ipv6({ saddr, daddr }, layer) : ipv4({ saddr, daddr }, layer) };
    });
}

/** Queries are answered by what they ask for. */
function ping(script: string, port: number): Segment[] {
  return script.split(' ').map((word) => {
    const fromClient = word === 'c';
    const [saddr, daddr] = fromClient ? ['10.1.0.9', '10.2.0.9'] : ['10.2.0.9', '10.1.0.9'];
    return { fromClient, bytes: ipv4({ saddr, daddr }, icmp({ type: fromClient ? 8 : 0, id: port })) };
  });
}

function ping6(script: string, port: number): Segment[] {
  return script.split(' ').map((word) => {
    const fromClient = word === 'c';
    const near = '2001:db8:1::9';
    const far = '2001:db8:2::9';
    const [saddr, daddr] = fromClient ? [near, far] : [far, near];
    return { fromClient, bytes: ipv6({ saddr, daddr }, icmpv6({ type: fromClient ? 128 : 129, id: port })) };
  });
}

/** What finds an entry, or does not: an answer to nothing is INVALID, while a query would begin anew. */
const PINGS: readonly Timed[] = [
  ['c s', [0], LIFE],
  ['c c s', [0, 0.5], 0.5 + LIFE],
  ['c s s', [0, 0.5], 0.5 + LIFE],
];

function cellsOf(
  name: string,
  segments: (script: string, port: number) => Segment[],
  timed: readonly Timed[],
): Cell[] {
  return timed.flatMap(([script, given, end]) =>
    [end - NEAR, end + NEAR].map((last, late): Cell => {
      const words = script.split(' ').length;
      // Steps without a time of their own come with the first.
      const at = [
        ...given,
        ...new Array<number>(Math.max(0, words - 1 - given.length)).fill(given.at(-1)!),
        last,
      ];
      return {
        name: `${name} ${script}: ${late === 0 ? 'before' : 'after'} ${end} s`,
        segments: (port) => segments(script, port),
        at,
      };
    }),
  );
}

test('entries live as long as the kernel lets them', async () => {
  const cells = [
    ...cellsOf('tcp', tcpScript, TCP),
    ...cellsOf('sctp', sctpScript, SCTP),
    ...cellsOf('icmp', ping, PINGS),
    ...cellsOf('icmpv6', ping6, PINGS),
    ...OTHERS.flatMap(([name, sends, timed]) => cellsOf(name, plain(sends), timed)),
  ];
  expect(await compareTable({ name: 'timeouts', sysctls: SYSCTLS, cells })).toEqual([]);
}, 300_000);
