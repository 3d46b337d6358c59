import { TABLE_NAMES } from '../evaluate/table-runner.ts';

/**
 * What a thread may be at: its time is parted into *sections*, each of which belongs to a *stage*. At any moment a
 * thread is in exactly one, so that the sections of a thread add up to its time.
 */
export interface Section {
  readonly stage: StageName;
  /** Of the stage `walks`: which part of a walk. */
  readonly part?: string;
  /** Of a part that is a table. */
  readonly family?: 4 | 6;
}

export type StageName =
  | 'loading'
  | 'reading'
  | 'decoding'
  | 'direction'
  | 'columns'
  | 'looking-up'
  | 'known-ways'
  | 'recalling'
  | 'long-way'
  | 'walks'
  | 'writing'
  | 'waiting'
  | 'measuring'
  | 'rest';

/** The stages in the order in which packets come to them, with what they do. */
export const STAGES: readonly { readonly name: StageName; readonly title: string; readonly does: string }[] =
  [
    { name: 'loading', title: 'loading', does: 'rulesets, sets and host; compiling the rules' },
    { name: 'reading', title: 'reading', does: 'captures into batches' },
    { name: 'decoding', title: 'decoding', does: 'headers into columns, checksums' },
    { name: 'direction', title: 'direction', does: 'which way packets passed, echoes' },
    { name: 'columns', title: 'columns', does: 'by which way in each packet comes' },
    { name: 'looking-up', title: 'looking up', does: 'the connections of packets' },
    {
      name: 'known-ways',
      title: 'known ways',
      does: "conntrack and path of packets straight from their columns, where their connection or another's walk tells the way",
    },
    {
      name: 'recalling',
      title: 'recalling',
      does: "asking whether another connection's walk tells the way, where kernels do not",
    },
    { name: 'long-way', title: 'long way', does: 'all else that is done for packets one by one' },
    {
      name: 'walks',
      title: 'walks',
      does: 'hooks, rules, conntrack and routing for packets whose way is not known',
    },
    { name: 'writing', title: 'writing', does: 'packets to --verdicts and --write-pcap' },
    { name: 'waiting', title: 'waiting', does: 'for another thread, or for free batches' },
    {
      name: 'measuring',
      title: 'measuring',
      does: 'this profile: looking at the clock, probing indexes again',
    },
    { name: 'rest', title: 'rest', does: 'starting threads, handing over, events' },
  ];

export const REST = 0;
export const LOADING = 1;
export const READING = 2;
export const DECODING = 3;
export const DIRECTION = 4;
export const COLUMNS = 5;
export const LOOKING_UP = 6;
export const KNOWN_WAYS = 7;
export const RECALLING = 8;
export const LONG_WAY = 9;
export const WRITING = 10;
export const WAITING = 11;
export const MEASURING = 12;
/** What a walk does between conntrack, tables and routing. */
export const WALKING = 13;
export const WALK_CONNTRACK = 14;
export const WALK_NAT = 15;
export const WALK_ROUTING = 16;
const FIRST_TABLE = 17;

/** Section of a table (TABLE_*) of a family. */
export function tableSection(family: 4 | 6, table: number): number {
  return FIRST_TABLE + (family === 4 ? 0 : TABLE_NAMES.length) + table;
}

/** By section number. */
export const SECTIONS: readonly Section[] = [
  { stage: 'rest' },
  { stage: 'loading' },
  { stage: 'reading' },
  { stage: 'decoding' },
  { stage: 'direction' },
  { stage: 'columns' },
  { stage: 'looking-up' },
  { stage: 'known-ways' },
  { stage: 'recalling' },
  { stage: 'long-way' },
  { stage: 'writing' },
  { stage: 'waiting' },
  { stage: 'measuring' },
  { stage: 'walks', part: 'between' },
  { stage: 'walks', part: 'conntrack' },
  { stage: 'walks', part: 'translation' },
  { stage: 'walks', part: 'routing' },
  ...([4, 6] as const).flatMap((family) =>
    TABLE_NAMES.map((part): Section => ({ stage: 'walks', part, family })),
  ),
];
