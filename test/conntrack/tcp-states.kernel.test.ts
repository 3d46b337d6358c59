/**
 * TCP, state by state: every way into a state, then every kind of packet from either side, in and out of the window,
 * and every pair of kinds. Each step's state and line in `conntrack -L` is the kernel's.
 */
import { describe, expect, test } from 'vitest';
import { type Cell, compareTable, SPREAD_TIMEOUTS } from './cells.ts';
import { tcpScript } from './tcp-script.ts';

const OPEN = 'c:S s:SA c:A';

/** Ways into every state; where the way there matters afterwards, several. */
const WAYS: readonly string[] = [
  // NONE
  '',
  // SYN_SENT: as it is, sent again, answered by an ACK that is let pass, by an RST that is not believed
  'c:S',
  'c:S c:S(again)',
  'c:S c:S(new)',
  'c:S s:A',
  'c:S s:R(seq+5)',
  // SYN_SENT2
  'c:S s:S',
  'c:S s:S c:S(again)',
  // SYN_RECV, from either side
  'c:S s:SA',
  'c:S s:SA s:SA(again)',
  'c:S s:S c:SA',
  'c:S s:S s:SA',
  'c:S s:S c:SA s:SA',
  // ESTABLISHED: opened, with data, with data not acknowledged, met in the middle, opened from both sides
  OPEN,
  `${OPEN} c:PA(data=100) s:A`,
  `${OPEN} s:PA(data=100)`,
  `${OPEN} c:A c:A c:A c:A`,
  'c:A',
  'c:A s:A',
  'c:PA(data=10) s:PA(data=10) c:A',
  'c:S s:S c:SA s:A',
  // ESTABLISHED, with a SYN, a SYN+ACK, a wrong FIN or RST that left it as it was
  `${OPEN} c:S(new)`,
  `${OPEN} s:S(new)`,
  `${OPEN} s:SA(again)`,
  `${OPEN} c:FA(seq+9000)`,
  `${OPEN} s:RA(seq-9000)`,
  `${OPEN} c:A s:R(seq+50)`,
  // FIN_WAIT, CLOSE_WAIT, LAST_ACK, TIME_WAIT from either side
  `${OPEN} c:FA`,
  `${OPEN} s:FA`,
  `${OPEN} c:FA s:A`,
  `${OPEN} s:FA c:A`,
  `${OPEN} c:FA s:FA`,
  `${OPEN} c:FA s:A s:FA`,
  `${OPEN} s:FA c:A c:FA`,
  `${OPEN} c:FA s:A s:FA c:S(new)`,
  `${OPEN} c:FA s:A s:FA c:A`,
  `${OPEN} s:FA c:A c:FA s:A`,
  `${OPEN} c:FA s:A s:FA c:A s:A`,
  // CLOSE
  `${OPEN} c:R`,
  `${OPEN} s:RA`,
  'c:S s:SA s:R',
  'c:S s:SA c:R',
  'c:A s:R',
];

const KINDS = ['S', 'SA', 'FA', 'A', 'R', 'RA'] as const;

/** Every combination of FIN, SYN, RST, ACK and URG. PSH, ECE and CWR make no difference and take turns. */
const COMBINATIONS: readonly string[] = Array.from({ length: 32 }, (_, bits) => {
  const letters = ['F', 'S', 'R', 'A', 'U'].filter((_letter, i) => (bits & (1 << i)) !== 0).join('');
  const beside = ['', 'P', 'E', 'C'][bits % 4]!;
  return letters + beside || '.';
});

/** Numbers that are not what they should be: out of the window above and below, and barely beside the mark. */
const SLIPS = ['seq+1', 'seq-1', 'seq+9000', 'seq-9000', 'ack+1', 'ack-1', 'ack-70000', 'seq=0', 'ack=0'];

const join = (...words: readonly string[]) => words.filter((word) => word !== '').join(' ');
const SIDES = ['c', 's'] as const;

const perSide = (step: (side: 'c' | 's') => readonly string[]): string[] =>
  WAYS.flatMap((way) => SIDES.flatMap((side) => step(side).map((word) => join(way, word))));

/** One packet of every kind. */
const KINDS_OF_PACKETS = perSide((side) => [
  ...COMBINATIONS.map((flags) => `${side}:${flags}`),
  ...['PA(data=100)', 'S(new)', 'S(again)', 'A(win=0)'].map((what) => `${side}:${what}`),
]);

/** The same with wrong numbers. */
const SLIPPED = perSide((side) => KINDS.flatMap((flags) => SLIPS.map((slip) => `${side}:${flags}(${slip})`)));

/** Any two, one after the other. */
const STEPS = SIDES.flatMap((side) => [...KINDS, 'S(new)'].map((what) => `${side}:${what}`));
const PAIRS = WAYS.flatMap((way) =>
  STEPS.flatMap((first) => STEPS.map((second) => join(way, first, second))),
);

const cells = (scripts: readonly string[]): Cell[] =>
  [...new Set(scripts)].map((script) => ({ name: script, segments: (port) => tcpScript(script, port) }));

const SYSCTL = 'net.netfilter.nf_conntrack_tcp';
/** Longer than the timeouts of most states, so that those show. */
const LATE = { [`${SYSCTL}_timeout_max_retrans`]: 20000, [`${SYSCTL}_timeout_unacknowledged`]: 10000 };

describe('TCP, state by state', () => {
  test.each([
    ['kinds of packets', KINDS_OF_PACKETS, {}],
    ['kinds of packets late', KINDS_OF_PACKETS, LATE],
    ['wrong numbers', SLIPPED, LATE],
    ['pairs of packets', PAIRS, LATE],
    ['be_liberal', SLIPPED.filter((_, i) => i % 2 === 0), { [`${SYSCTL}_be_liberal`]: 1 }],
    [
      'ignore_invalid_rst',
      SLIPPED.filter((script) => /:RA?\([^ ]*$/.test(script)),
      { [`${SYSCTL}_ignore_invalid_rst`]: 1 },
    ],
    ['not loose', PAIRS.filter((script) => !script.startsWith('c:S')), { [`${SYSCTL}_loose`]: 0 }],
  ] as const)(
    '%s',
    async (name, scripts, sysctls) => {
      const table = {
        name: `tcp ${name}`,
        sysctls: { ...SPREAD_TIMEOUTS, ...sysctls },
        cells: cells(scripts),
      };
      expect(table.cells.length).toBeGreaterThan(400);
      expect(await compareTable(table)).toEqual([]);
    },
    300_000,
  );
});
