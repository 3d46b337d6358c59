/**
 * SCTP, state by state: every way into a state, then every chunk from either side with every verification tag, every
 * two chunks in one packet, and every pair of packets. Each step's state and line in `conntrack -L` is the kernel's.
 */
import { describe, expect, test } from 'vitest';
import { type Cell, compareTable, SPREAD_TIMEOUTS } from './cells.ts';
import { sctpScript } from './sctp-script.ts';

const UP = 'c:INIT s:INIT_ACK c:COOKIE_ECHO s:COOKIE_ACK';

/** Ways into every state; where the way there matters afterwards, several. */
const WAYS: readonly string[] = [
  // NONE
  '',
  // CLOSED: refused, and after an end
  'c:INIT s:ABORT',
  `${UP} c:ABORT`,
  `${UP} s:SHUTDOWN c:SHUTDOWN_ACK s:SHUTDOWN_COMPLETE`,
  // COOKIE_WAIT
  'c:INIT',
  'c:INIT c:INIT',
  'c:INIT c:INIT(renew)',
  'c:INIT s:INIT_ACK',
  // COOKIE_WAIT, from both sides at once
  'c:INIT s:INIT',
  'c:INIT s:INIT c:INIT_ACK',
  'c:INIT s:INIT c:INIT_ACK s:INIT_ACK',
  // COOKIE_ECHOED
  'c:INIT s:INIT_ACK c:COOKIE_ECHO',
  'c:INIT s:INIT_ACK c:COOKIE_ECHO s:ERROR',
  // ESTABLISHED: as it is, begun again, by heartbeats alone (another path of a multihomed association)
  UP,
  `${UP} c:INIT(renew)`,
  `${UP} c:INIT(renew) s:INIT_ACK(renew)`,
  `${UP} c:HEARTBEAT(tag=wrong)`,
  `${UP} s:HEARTBEAT(tag=wrong)`,
  'c:HEARTBEAT s:HEARTBEAT_ACK',
  'c:HEARTBEAT s:HEARTBEAT_ACK s:HEARTBEAT',
  // HEARTBEAT_SENT
  'c:HEARTBEAT',
  // SHUTDOWN_SENT, SHUTDOWN_RECD, SHUTDOWN_ACK_SENT
  `${UP} c:SHUTDOWN`,
  `${UP} s:SHUTDOWN`,
  `${UP} s:SHUTDOWN c:SHUTDOWN_ACK`,
  `${UP} c:SHUTDOWN s:SHUTDOWN_ACK`,
  'c:SHUTDOWN_ACK',
];

const CHUNKS = [
  'DATA',
  'INIT',
  'INIT_ACK',
  'SACK',
  'HEARTBEAT',
  'HEARTBEAT_ACK',
  'ABORT',
  'SHUTDOWN',
  'SHUTDOWN_ACK',
  'ERROR',
  'COOKIE_ECHO',
  'COOKIE_ACK',
  'ECN_ECNE',
  'SHUTDOWN_COMPLETE',
  'ASCONF',
  '77',
];
/** Those that move an association. */
const MOVING = [
  'INIT',
  'INIT_ACK',
  'HEARTBEAT',
  'HEARTBEAT_ACK',
  'ABORT',
  'SHUTDOWN',
  'SHUTDOWN_ACK',
  'COOKIE_ECHO',
  'COOKIE_ACK',
];
const HOW = ['', '(tag=right)', '(tag=own)', '(tag=zero)', '(tag=wrong)', '(T)', '(T,tag=right)', '(renew)'];
const SIDES = ['c', 's'] as const;

const join = (...words: readonly string[]) => words.filter((word) => word !== '').join(' ');
const perSide = (steps: readonly string[], ways = WAYS): string[] =>
  ways.flatMap((way) => SIDES.flatMap((side) => steps.map((step) => join(way, `${side}:${step}`))));

const SINGLE = perSide(CHUNKS.flatMap((chunk) => HOW.map((how) => chunk + how)));
const BUNDLES = perSide(
  CHUNKS.flatMap((first) => CHUNKS.map((second) => `${first}+${second}`)),
  ['', 'c:INIT', 'c:INIT s:INIT_ACK', 'c:INIT s:INIT_ACK c:COOKIE_ECHO', UP, `${UP} c:SHUTDOWN`],
);
const PAIRS = perSide(MOVING, perSide(MOVING)).filter((_, i) => i % 2 === 0);

const cells = (scripts: readonly string[]): Cell[] =>
  [...new Set(scripts)].map((script) => ({ name: script, segments: (port) => sctpScript(script, port) }));

describe('SCTP, state by state', () => {
  test.each([
    ['chunks and tags', SINGLE],
    ['two chunks', BUNDLES],
    ['pairs of packets', PAIRS],
  ] as const)(
    '%s',
    async (name, scripts) => {
      const table = { name: `sctp ${name}`, sysctls: SPREAD_TIMEOUTS, cells: cells(scripts) };
      expect(table.cells.length).toBeGreaterThan(1000);
      expect(await compareTable(table)).toEqual([]);
    },
    300_000,
  );
});
