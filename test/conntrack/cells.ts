/**
 * Tables of conversations for the kernel to judge. A cell is one conversation, told by its script, on a port of its
 * own, so that thousands of them share one namespace and one listing at the end shows what became of each. What is
 * compared of a cell is the state of every one of its packets and its line of `conntrack -L`. Every beginning of a
 * script is a cell, too, where a table is made so: then each single step is held against the kernel's listing.
 *
 * The kernel's answers are kept in recorded/ beside this file, grouped by answer, since thousands of cells have few
 * different ones; RECORD=1 writes them anew. Where the kernel can be asked, it is.
 */

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { OUTCOME_FORWARDED } from '../../src/netfilter/outcome.ts';
import { R_CTINFO, R_CTSTATUS } from '../../src/packet/registers.ts';
import { VERDICT_ACCEPT } from '../../src/packet/verdict.ts';
import { describeHosts } from '../engine/run-case.ts';
import { askKernel, digest, isJudgeAvailable } from '../kernel/judge.ts';
import { PLAYS } from '../kernel/paced.ts';
import { hex, unhex } from '../kernel/packets.ts';
import { StepEngine } from '../nat/step-engine.ts';
import { Machine, stubHost } from './harness.ts';
import { hostOf, MARKING_RULES } from './kernel-comparison.ts';
import { acceptingRules, dscpOf, markOf } from './state-marks.ts';
import type { Segment } from './tcp-conversations.ts';

export interface Cell {
  /** What happens, so that a difference is understood without a look at the packets. */
  readonly name: string;
  /** The client's port makes the cell's connections its own. */
  segments(port: number): readonly Segment[];
  /**
   * Seconds from the cell's own beginning at which its segments come, where that matters. Of a table with times only
   * the packets' states are compared: at its end entries run out while they are being listed.
   */
  readonly at?: readonly number[];
}

export interface Table {
  readonly name: string;
  readonly sysctls: Readonly<Record<string, number>>;
  readonly cells: readonly Cell[];
}

const TIMEOUT = 'net.netfilter.nf_conntrack';

/**
 * Timeouts so far from each other that a play of a minute leaves no doubt which of them an entry has. Those that
 * shorten others are the shortest, as by default.
 */
export const SPREAD_TIMEOUTS: Readonly<Record<string, number>> = {
  [`${TIMEOUT}_tcp_timeout_max_retrans`]: 600,
  [`${TIMEOUT}_tcp_timeout_unacknowledged`]: 800,
  [`${TIMEOUT}_tcp_timeout_syn_sent`]: 1000,
  [`${TIMEOUT}_tcp_timeout_syn_recv`]: 2000,
  [`${TIMEOUT}_tcp_timeout_fin_wait`]: 3000,
  [`${TIMEOUT}_tcp_timeout_close_wait`]: 4000,
  [`${TIMEOUT}_tcp_timeout_last_ack`]: 5000,
  [`${TIMEOUT}_tcp_timeout_time_wait`]: 6000,
  [`${TIMEOUT}_tcp_timeout_close`]: 7000,
  [`${TIMEOUT}_tcp_timeout_established`]: 30000,
  [`${TIMEOUT}_sctp_timeout_closed`]: 1000,
  [`${TIMEOUT}_sctp_timeout_cookie_wait`]: 2000,
  [`${TIMEOUT}_sctp_timeout_cookie_echoed`]: 3000,
  [`${TIMEOUT}_sctp_timeout_established`]: 4000,
  [`${TIMEOUT}_sctp_timeout_shutdown_sent`]: 5000,
  [`${TIMEOUT}_sctp_timeout_shutdown_recd`]: 6000,
  [`${TIMEOUT}_sctp_timeout_shutdown_ack_sent`]: 7000,
  [`${TIMEOUT}_sctp_timeout_heartbeat_sent`]: 8000,
  [`${TIMEOUT}_udp_timeout`]: 1000,
  [`${TIMEOUT}_udp_timeout_stream`]: 2000,
  [`${TIMEOUT}_icmp_timeout`]: 1000,
  [`${TIMEOUT}_icmpv6_timeout`]: 2000,
  [`${TIMEOUT}_gre_timeout`]: 1000,
  [`${TIMEOUT}_gre_timeout_stream`]: 2000,
  [`${TIMEOUT}_generic_timeout`]: 3000,
};

/** SYN_SENT2 is the one state without a sysctl. */
const SYN_SENT2_SECONDS = 120;

/** A play may take this long; the spread timeouts are further from each other. */
const PLAY_SECONDS = 60;

const FIRST_PORT = 1024;

/** Both families take their turns. */
const IPV6_EVERY = 8;

export function isIpv6Cell(port: number): boolean {
  return port % IPV6_EVERY === 7;
}

/** Cells whose answer is not the kernel's. */
export async function compareTable(table: Table): Promise<string[]> {
  const ours = ourAnswers(table);
  const engine = await engineAnswers(table);
  let differences: string[] = [];
  // Where real time matters a busy machine may be the reason: asked again, like all that is paced.
  for (let play = 0; play < (isTimed(table.cells) && isJudgeAvailable() ? PLAYS : 1); play++) {
    const expected = await kernelAnswers(table);
    differences = table.cells.flatMap(({ name }, i) =>
      expected[i] === ours[i] && expected[i] === engine[i]
        ? []
        : [`${table.name}: ${name}: kernel ${expected[i]}, we ${ours[i]}, in the engine ${engine[i]}`],
    );
    if (differences.length === 0) break;
  }
  return differences;
}

/**
 * What we make of the cells. An answer is a mark for each packet (base 32, see state-marks.ts; `.` when the packet
 * died) and the listing of what stands on the cell's port.
 */
function ourAnswers({ sysctls, cells }: Table): string[] {
  const machine = new Machine({ host: stubHost({ sysctls }) });
  const marks = cells.map((): string[] => []);
  for (const { cell, segment, at = 0 } of playOf(cells)) {
    const { verdict, ct, r } = machine.pass(segment.bytes, { at });
    const mark = verdict === VERDICT_ACCEPT ? markOf(r[R_CTINFO]!, ct >= 0 ? r[R_CTSTATUS]! : 0) : undefined;
    marks[cell]!.push(mark?.toString(32) ?? '.');
  }
  const lines = isTimed(cells) ? [] : machine.conntrack.dump(0);
  return joinListing(marks, lines, nominalTimeouts(sysctls));
}

/** The same through the whole engine, in one batch: by the quick way, where packets may go it. */
async function engineAnswers({ sysctls, cells }: Table): Promise<string[]> {
  const host = hostOf({});
  const files = (await describeHosts([host])).get(digest(host))!;
  const { rules, marks: markOfRule } = acceptingRules('FORWARD');
  const dump = ['*filter', ':FORWARD DROP [0:0]', ...rules, 'COMMIT', ''].join('\n');
  const settings = Object.entries(sysctls).map(([key, value]) => `${key} = ${value}\n`);
  const engine = new StepEngine({
    ...files,
    'sysctl.txt': files['sysctl.txt']! + settings.join(''),
    'iptables.save': dump,
    'ip6tables.save': dump,
  });
  const played = playOf(cells);
  const { columns: c } = engine.passAll(
    played.map(({ segment, at = 0 }) => ({
      bytes: segment.bytes,
      ifaceName: segment.fromClient ? 'eth0' : 'eth1',
      at,
    })),
  );
  const owners = engine.counterOwners;
  const marks = cells.map((): string[] => []);
  for (const [i, { cell }] of played.entries()) {
    const owner = owners[c.decider[i]!];
    const isForwarded = c.outcome[i] === OUTCOME_FORWARDED && owner?.rule !== undefined;
    marks[cell]!.push(isForwarded ? markOfRule[owner.ruleNumber - 1]!.toString(32) : '.');
  }
  const lines = isTimed(cells) ? [] : engine.result.conntrackDump;
  return joinListing(marks, lines, nominalTimeouts(sysctls));
}

interface Played {
  /** Number of the cell. */
  readonly cell: number;
  readonly segment: Segment;
  readonly at?: number;
}

/** Cells begin this long after one another, so that a machine can keep the pace. */
const PACE_SECONDS = 0.002;

/** All packets in the order in which they are played: cell by cell, or by their times. */
function playOf(cells: readonly Cell[]): Played[] {
  const played = cells.flatMap(({ segments, at }, cell) =>
    segments(FIRST_PORT + cell).map((segment, i): Played => {
      return at === undefined ? { cell, segment } : { cell, segment, at: at[i]! + PACE_SECONDS * cell };
    }),
  );
  return isTimed(cells) ? played.sort((a, b) => a.at! - b.at!) : played;
}

function isTimed(cells: readonly Cell[]): boolean {
  return cells.some(({ at }) => at !== undefined);
}

async function kernelAnswers(table: Table): Promise<string[]> {
  const { name, sysctls, cells } = table;
  const played = playOf(cells);
  const content = digest([sysctls, played.map(({ cell, segment, at }) => [cell, hex(segment.bytes), at])]);
  const file = join(import.meta.dirname, 'recorded', `${name.replaceAll(' ', '-')}.json`);
  if (!isJudgeAvailable()) return readAnswers(file, content, cells);
  const [result] = await askKernel([
    {
      id: name,
      host: hostOf(sysctls),
      rules4: MARKING_RULES,
      rules6: MARKING_RULES,
      packets: played.map(({ segment, at }) => ({
        iface: segment.fromClient ? 'eth0' : 'eth1',
        dir: 'in' as const,
        hex: hex(segment.bytes),
        ...(at === undefined ? {} : { at }),
      })),
      capture: true,
    },
  ]);
  if (result?.refused !== undefined) throw new Error(`${name}: ${JSON.stringify(result.refused)}`);
  // A busy machine that could not keep the pace has answered another question.
  if (result!.late === true) return readAnswers(file, content, cells);
  const sent = new Map(result!.output!.map(([number, , packet]) => [number, dscpOf(unhex(packet))]));
  const marks = cells.map((): string[] => []);
  for (const [number, { cell }] of played.entries()) marks[cell]!.push(sent.get(number)?.toString(32) ?? '.');
  const answers = joinListing(marks, isTimed(cells) ? [] : result!.conntrack!, nominalTimeouts(sysctls));
  if (process.env.RECORD === '1') writeAnswers(file, content, answers);
  return answers;
}

function nominalTimeouts(sysctls: Table['sysctls']): number[] {
  const seconds = Object.entries(sysctls).flatMap(([key, value]) =>
    key.includes('_timeout_') ? [value] : [],
  );
  return [...seconds, SYN_SENT2_SECONDS].sort((a, b) => a - b);
}

/** Puts the lines of a listing behind the marks of the cell on whose port they stand. */
function joinListing(
  marks: readonly (readonly string[])[],
  lines: readonly string[],
  nominal: readonly number[],
): string[] {
  const standing = new Map<number, string[]>();
  for (const line of lines) {
    const port = Number(/ (?:sport|id|srckey)=(\S+)/.exec(line)?.[1]);
    const [other] = /dport=(\d+)/.exec(line)?.slice(1).map(Number) ?? [Number.NaN];
    const cell = Math.max(port, Number.isNaN(other!) ? 0 : other!);
    standing.set(cell, [...(standing.get(cell) ?? []), shorten(line, port < cell, nominal)]);
  }
  return marks.map((text, i) => [text.join(''), ...(standing.get(FIRST_PORT + i) ?? []).sort()].join(' | '));
}

/** What of a line is not known from its cell: the timeout as it was set, the state, the flags, the counters. */
function shorten(line: string, fromServer: boolean, nominal: readonly number[]): string {
  const words = line.split(/\s+/).slice(4);
  const left = Number(words[0]);
  const set = nominal.find((seconds) => seconds >= left && seconds - left < PLAY_SECONDS);
  const kept = words
    .slice(1)
    .filter((word) => !/^(src|dst|sport|dport|mark|use|id|type|code|srckey|dstkey)=/.test(word));
  return [...(fromServer ? ['<'] : []), set ?? words[0]!, ...kept].join(' ');
}

interface Recorded {
  readonly of: string;
  /** By answer: numbers of the cells that got it, `first-last` for runs. */
  readonly answers: Readonly<Record<string, string>>;
}

function readAnswers(file: string, content: string, cells: readonly Cell[]): string[] {
  const recorded = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Recorded) : undefined;
  if (recorded?.of !== content) {
    throw new Error(
      `${file}: no recording of this content, and no kernel to ask; record it with RECORD=1 as root`,
    );
  }
  const answers = cells.map(() => '');
  for (const [answer, runs] of Object.entries(recorded.answers)) {
    for (const run of runs.split(' ')) {
      const [first, last = first] = run.split('-').map(Number);
      answers.fill(answer, first, last! + 1);
    }
  }
  return answers;
}

function writeAnswers(file: string, content: string, answers: readonly string[]): void {
  const runs = new Map<string, [number, number][]>();
  for (const [i, answer] of answers.entries()) {
    const known = runs.get(answer) ?? [];
    runs.set(answer, known);
    if (known.at(-1)?.[1] === i - 1) known.at(-1)![1] = i;
    else known.push([i, i]);
  }
  const lines = [...runs].map(([answer, spans]) => {
    const text = spans.map(([first, last]) => (first === last ? first : `${first}-${last}`)).join(' ');
    return `${JSON.stringify(answer)}:${JSON.stringify(text)}`;
  });
  mkdirSync(join(file, '..'), { recursive: true });
  writeFileSync(file, `{"of":${JSON.stringify(content)},"answers":{\n${lines.join(',\n')}\n}}\n`);
}
