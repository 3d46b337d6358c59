import type { RunProfile, ThreadProfile } from '../profile/profile.ts';
import type { ReplayOutput } from '../workers/config.ts';
import { familyName, groupDigits, plural, section } from './format.ts';
import {
  chainProfileRows,
  obstacleRows,
  pathCount,
  reasonRows,
  ruleProfileRows,
  stageRows,
  threadRows,
  walkPartRows,
} from './profile-rows.ts';

/** Rows of a table that people are shown; JSON has all. */
const SHOWN = 20;

/** What `--profile` says to people: sections with a heading, parted by empty lines. */
export function profileText(output: ReplayOutput, profile: RunProfile): string {
  const sections = [
    stages(output, profile),
    threads(profile),
    walkParts(profile),
    paths(output, profile),
    reasons(profile),
    obstacles(output, profile),
    chains(output, profile),
    rules(output, profile),
  ];
  return sections
    .filter((section) => section.length > 0)
    .map((section) => `${section.join('\n')}\n`)
    .join('\n');
}

function stages({ result }: ReplayOutput, profile: RunProfile): string[] {
  const all = stageRows(profile);
  const worked = all.reduce((sum, { name, seconds }) => (name === 'waiting' ? sum : sum + seconds), 0);
  const { packets } = result.totals;
  const rows = all.map(({ name, seconds, title, does }) => [
    secondsText(seconds),
    name === 'waiting' ? '-' : share(seconds, worked),
    packets === 0 ? '-' : groupDigits(Math.round((1e9 * seconds) / packets)),
    title,
    does,
  ]);
  return table(
    'Profile: where the time of all threads went',
    ['>seconds', '>share', '>ns a packet', 'stage', ''],
    rows,
  );
}

const ROLES: Readonly<Record<ThreadProfile['role'], string>> = {
  all: 'does it all',
  share: 'a share',
  read: 'reads',
  decode: 'decodes',
  replay: 'replays',
};

function threads(profile: RunProfile): string[] {
  const rows = threadRows(profile).map((row) => [
    String(row.thread),
    row.role === 'all' && profile.threads.length > 1 ? 'decodes, replays' : ROLES[row.role],
    secondsText(row.seconds),
    secondsText(row.busySeconds),
    secondsText(row.waitingSeconds),
    row.cpuSeconds === undefined ? '-' : secondsText(row.cpuSeconds),
    row.stages
      .filter(({ name }) => name !== 'waiting')
      .slice(0, 3)
      .map(({ title, seconds }) => `${title} ${secondsText(seconds)}`)
      .join(', '),
  ]);
  return table(
    'By thread',
    ['>thread', '', '>seconds', '>busy', '>waiting', '>processor', 'most of it'],
    rows,
  );
}

function walkParts(profile: RunProfile): string[] {
  const all = walkPartRows(profile);
  const total = all.reduce((sum, { seconds }) => sum + seconds, 0);
  const rows = all.map(({ family, part, seconds, times }) => [
    secondsText(seconds),
    share(seconds, total),
    groupDigits(times),
    groupDigits(Math.round((1e9 * seconds) / times)),
    familyName(family),
    part,
  ]);
  return table(
    'Walks, by table and what lies between',
    ['>seconds', '>share', '>times', '>ns each', 'family', 'part'],
    rows,
  );
}

function paths(output: ReplayOutput, { replay }: RunProfile): string[] {
  if (replay === undefined) return [];
  const { packets, quick, known, recalled, walked } = replay.paths;
  const asked = quick + known + recalled + walked;
  const row = (count: number, sentence: string) => [groupDigits(count), share(count, packets), sentence];
  return table(
    `Path cache: ${plural(pathCount(output), 'path')} of ${plural(packets, 'packet')}`,
    ['>packets', '>share', ''],
    [
      row(quick, 'took the way that their connection knows, straight from their columns'),
      row(known, 'took a known way after a closer look'),
      row(recalled, "took the way of another connection's walk"),
      row(walked, 'walked through the rules'),
      row(packets - asked, 'met no rule: echoes, not IP, waiting fragments, dropped before the first hook'),
    ].filter(([count]) => count !== '0'),
  );
}

function reasons(profile: RunProfile): string[] {
  const all = reasonRows(profile);
  const total = all.reduce((sum, { packets }) => sum + packets, 0);
  const rows = all.map(({ packets, sentence }) => [groupDigits(packets), share(packets, total), sentence]);
  return table('Why packets walked', ['>packets', '>share', ''], rows);
}

function obstacles(output: ReplayOutput, profile: RunProfile): string[] {
  const rows = obstacleRows(output, profile).map(({ packets, family, extension, why, rule }) => [
    packets === undefined ? 'all' : groupDigits(packets),
    familyName(family),
    extension === undefined ? why : `${extension} ${why}`,
    rule?.table ?? '',
    rule === undefined || rule.number === 0 ? '' : String(rule.number),
    rule?.text ?? '',
  ]);
  return table(
    'What keeps packets from known ways, and how many came to it',
    ['>packets', 'family', '', 'table', '>num', 'rule'],
    rows,
  );
}

function chains(output: ReplayOutput, profile: RunProfile): string[] {
  const rows = chainProfileRows(output, profile).map((row) => [
    groupDigits(row.checks),
    groupDigits(row.matches),
    groupDigits(row.entered),
    groupDigits(row.rules),
    row.index ?? '-',
    ...[row.searches, row.found, row.probes].map((n) => (row.index === undefined ? '-' : groupDigits(n))),
    familyName(row.family),
    row.table,
    row.chain,
  ]);
  return table(
    'Chains by rules tried (an index finds the rules that could match: searches, those that found some, registers looked at)',
    [
      ...['>tried', '>matched', '>entered', '>rules', 'index', '>searches', '>found', '>probes'],
      ...['family', 'table', 'chain'],
    ],
    rows,
  );
}

function rules(output: ReplayOutput, profile: RunProfile): string[] {
  const rows = ruleProfileRows(output, profile).map((row) => [
    groupDigits(row.checks),
    groupDigits(row.matches),
    groupDigits(row.packets),
    familyName(row.family),
    row.table,
    String(row.number),
    row.text,
  ]);
  return table(
    'Rules by how often they were tried (packets: their counter, in which those are that took a known way and tried no rule)',
    ['>tried', '>matched', '>packets', 'family', 'table', '>num', 'rule'],
    rows,
  );
}

function secondsText(seconds: number): string {
  return seconds.toFixed(3);
}

function share(part: number, whole: number): string {
  return whole === 0 ? '-' : `${((100 * part) / whole).toFixed(1)} %`;
}

/** A section with the first rows, and how many more there are; nothing when there is none. */
function table(heading: string, columns: readonly string[], rows: readonly (readonly string[])[]): string[] {
  if (rows.length === 0) return [];
  const lines = section(heading, columns, rows.slice(0, SHOWN));
  return rows.length > SHOWN ? [...lines, `  and ${groupDigits(rows.length - SHOWN)} more`] : lines;
}
