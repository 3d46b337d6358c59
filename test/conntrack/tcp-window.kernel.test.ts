/**
 * TCP's window, to the byte: where our record of a connection says that its edges are, a segment is put just inside,
 * on and just outside each of them, and what the other side answers to it shows what was remembered. The edges are
 * ours, the answers are the kernel's: an edge that lay elsewhere there would show on one of its two sides.
 */
import { describe, expect, test } from 'vitest';
import {
  C_TCP_SEEN,
  RECORD_SHIFT,
  SEEN_END,
  SEEN_MAXEND,
  SEEN_MAXWIN,
  TCP_SEEN_WORDS,
} from '../../src/conntrack/layout.ts';
import { type Cell, compareTable, SPREAD_TIMEOUTS } from './cells.ts';
import { Machine } from './harness.ts';
import { type Ends, tcpNumbers, tcpScript } from './tcp-script.ts';

const ENDS: Readonly<Record<string, Ends>> = {
  'no options': [
    { isn: 1000, window: 1000 },
    { isn: 50000, window: 2000 },
  ],
  'scaled with SACK': [
    { isn: 0xffffff00, window: 500, scale: 2, sack: true },
    { isn: 0x7fffff00, window: 300, scale: 7, sack: true },
  ],
  'one side scales': [
    { isn: 1, window: 4000, scale: 3 },
    { isn: 0xfffffff0, window: 70 },
  ],
  'as large as it gets': [
    { isn: 0x80000000, window: 65535, scale: 14 },
    { isn: 0, window: 65535, scale: 14, sack: true },
  ],
  closed: [
    { isn: 5, window: 0 },
    { isn: 6, window: 1 },
  ],
};

const OPEN = 'c:S s:SA c:A';
const WAYS: readonly string[] = [
  'c:S',
  'c:S s:SA',
  OPEN,
  `${OPEN} c:PA(data=300)`,
  `${OPEN} c:PA(data=300) s:A(win=400)`,
  `${OPEN} s:PA(data=700) s:PA(data=700) c:A`,
  `${OPEN} c:FA s:A`,
  `${OPEN} s:A(win=0) c:PA(data=1)`,
  // Of three segments the last two are acknowledged, so the window reaches further than the acknowledgement says.
  `${OPEN} c:A(data=500) c:A(data=500) c:A(data=500) s:A(ack-1500,sack=-1000/0)`,
];

const SIDES = ['c', 's'] as const;
const BESIDE = [-1, 0, 1];
/** MAXACKWINCONST of nf_conntrack_proto_tcp.c. */
const ACK_WINDOW = 66000;

interface Seen {
  readonly end: number;
  readonly maxend: number;
  readonly maxwin: number;
}

/** Both directions' windows after a way. */
function windowsAfter(machine: Machine, way: string, port: number, ends: Ends): Seen[] {
  const [first] = tcpScript(way, port, ends).map(({ bytes }) => machine.pass(bytes));
  const { words } = machine.conntrack.core;
  return [0, 1].map((dir) => {
    const at = (first!.ct << RECORD_SHIFT) + C_TCP_SEEN + dir * TCP_SEEN_WORDS;
    return {
      end: words[at + SEEN_END]!,
      maxend: words[at + SEEN_MAXEND]!,
      maxwin: words[at + SEEN_MAXWIN]! >>> 0,
    };
  });
}

/** Segments around every edge that `side` has after `way`. */
function probes(seen: readonly Seen[], way: string, side: 'c' | 's', ends: Ends): string[] {
  const from = side === 'c' ? 0 : 1;
  const peer = side === 'c' ? 's' : 'c';
  const own = seen[from]!;
  const other = seen[1 - from]!;
  const { received } = tcpNumbers(way, ends)[from]!;
  const near = (edge: number, probe: (number: number) => string[]): string[] =>
    BESIDE.flatMap((beside) => probe((edge + beside) >>> 0).map((word) => `${way} ${word}`));
  const found: string[] = [];
  for (const [flags, bytes] of [
    ['A', 0],
    ['PA', 100],
    ['FA', 0],
    ['RA', 0],
  ] as const) {
    const end = flags === 'FA' ? 1 : bytes;
    const data = bytes > 0 ? `,data=${bytes}` : '';
    for (const edge of [
      own.maxend, // the last byte that may begin a segment
      own.maxend - end, // and the last that may end one
      own.maxend + other.maxwin - end, // how far a sender may overrun it
      own.end - other.maxwin - end, // old, but not too old
      own.end - end, // sent again, and the first that is new
    ]) {
      // The answer acknowledges all of it, and one byte more: only what is remembered may be acknowledged.
      found.push(
        ...near(edge, (seq) => {
          const probe = `${side}:${flags}(seq=${seq}${data})`;
          if (flags === 'RA') return [probe];
          const reached = (seq + end) >>> 0;
          return [
            probe,
            `${probe} ${peer}:A(ack=${reached})`,
            `${probe} ${peer}:A(ack=${(reached + 1) >>> 0})`,
          ];
        }),
      );
    }
    for (const edge of [other.end, other.end - Math.max(own.maxwin, ACK_WINDOW), received]) {
      found.push(...near(edge, (ack) => [`${side}:${flags}(ack=${ack}${data})`]));
      // A SACK block counts for the acknowledgement. One that is older than it does not.
      found.push(...near(edge, (right) => [`${side}:${flags}(sack=-10/${(right - received) | 0})`]));
      // What the acknowledgement offers, the peer may send: to the last byte.
      if (edge === other.end) {
        found.push(
          ...near(edge, (ack) => {
            const scale = ends.every((one) => one.scale !== undefined) ? ends[from]!.scale! : 0;
            const offered = ack + (ends[from]!.window << scale);
            return [-1, 0, 1].map(
              (k) => `${side}:${flags}(ack=${ack}) ${peer}:A(seq=${(offered + k) >>> 0})`,
            );
          }),
        );
      }
    }
  }
  return found;
}

function table(ends: Ends): Cell[] {
  const machine = new Machine();
  const scripts = WAYS.flatMap((way, i) => {
    const seen = windowsAfter(machine, way, 1024 + i, ends);
    return SIDES.flatMap((side) => probes(seen, way, side, ends));
  });
  return [...new Set(scripts)].map((script) => ({
    name: script,
    segments: (port) => tcpScript(script, port, ends),
  }));
}

describe("TCP's window, to the byte", () => {
  test.each(Object.entries(ENDS))(
    '%s',
    async (name, ends) => {
      const cells = table(ends);
      expect(cells.length).toBeGreaterThan(1000);
      const sysctls = SPREAD_TIMEOUTS;
      expect(await compareTable({ name: `tcp window ${name}`, sysctls, cells })).toEqual([]);
    },
    300_000,
  );
});
