import { describeDamage } from '../capture/damage.ts';
import type { ReplayOutput } from '../workers/config.ts';
import {
  familyName,
  groupDigits,
  plural,
  protocolText,
  rateText,
  secondsText,
  section,
  utcText,
} from './format.ts';
import { refusalRows } from './refusals.ts';
import { endRows, timeSpan } from './summary.ts';

/** The summary above the listing: sections with a heading, parted by empty lines. */
export function summaryLines(output: ReplayOutput): string[] {
  const sections = [
    overview(output),
    ends(output),
    refusals(output),
    connections(output),
    states(output),
    invalid(output),
    notIp(output),
    [...echoSentence(output), ...diceSentence(output), ...portSentence(output)],
    list('Damaged captures (what came before the damage was replayed)', output.damage.map(describeDamage)),
    list('Rules that never match here, as --on-unsupported never-match asks', output.unsupported),
    list('Assumed', output.result.assumptions),
  ];
  return sections.filter((section) => section.length > 0).flatMap((section) => [...section, '']);
}

function overview(output: ReplayOutput): string[] {
  const { totals } = output.result;
  const lines: string[] = [];
  if (output.interrupted) lines.push('Interrupted: what follows is about the packets read until then.');
  const files = [...new Set(output.sources.map((source) => source.file))];
  lines.push(
    `${plural(totals.packets, 'packet')}, ${plural(totals.wireBytes, 'byte')} on the wire, from ${names(files)}`,
  );
  const span = timeSpan(output);
  if (span !== undefined) {
    const seconds = Number(span.lastNs - span.firstNs) / 1e9;
    lines.push(`${utcText(span.firstNs)} to ${utcText(span.lastNs)} (${seconds.toFixed(3)} s)`);
  }
  for (const [iface, skewNs] of output.config.clockSkews ?? [])
    lines.push(`Time stamps of ${iface} shifted by ${secondsText(skewNs)} s (--clock-skew)`);
  if (totals.timeWentBack > 0)
    lines.push(`${plural(totals.timeWentBack, 'packet')} with a time before the packet before`);
  if (totals.timeInvalid > 0)
    lines.push(`${plural(totals.timeInvalid, 'packet')} without a valid time stamp`);
  lines.push(throughput(totals.packets, output.seconds));
  return lines;
}

/** Packets from which on a rate says something: below, most of the time goes into starting up. */
const RATE_PACKETS = 100_000;

function throughput(packets: number, seconds: number): string {
  const rate = packets < RATE_PACKETS || seconds === 0 ? '' : `, ${rateText(packets / seconds)} packets/s`;
  return `Replayed in ${seconds.toFixed(2)} s${rate}`;
}

/** Some names and how many more. */
function names(words: readonly string[]): string {
  const shown = words.slice(0, 6).join(' ');
  return words.length > 6 ? `${shown} and ${words.length - 6} more` : shown;
}

function ends(output: ReplayOutput): string[] {
  const rows = endRows(output).map((row) => [
    groupDigits(row.packets),
    groupDigits(row.bytes),
    familyName(row.family),
    row.hook ?? '-',
    row.reason === undefined ? row.sentence : `${row.sentence}: ${row.reason.sentence}`,
  ]);
  if (rows.length === 0) return [];
  return section('What became of the packets, and where', ['>packets', '>bytes', 'family', 'hook', ''], rows);
}

/** Rows of refusals that the summary shows; the listing has the others. */
const REFUSALS_SHOWN = 10;

function refusals(output: ReplayOutput): string[] {
  const all = refusalRows(output);
  if (all.length === 0) return [];
  const rows = all
    .slice(0, REFUSALS_SHOWN)
    .map((row) => [
      groupDigits(row.packets),
      groupDigits(row.bytes),
      familyName(row.family),
      row.outcome,
      row.table,
      row.number === 0 ? '' : String(row.number),
      row.text,
    ]);
  const lines = section(
    'What refused packets',
    ['>packets', '>bytes', 'family', '', 'table', '>num', 'rule'],
    rows,
  );
  return all.length > rows.length ? [...lines, `  and ${all.length - rows.length} more`] : lines;
}

function connections(output: ReplayOutput): string[] {
  const { result } = output;
  if (result.conntrackFamilies.length === 0) {
    return ['Connection tracking: no rule asks for it, so it does not run'];
  }
  const rows = result.connections.map((row) => [
    groupDigits(row.confirmed),
    groupDigits(row.standing),
    familyName(row.family),
    protocolText(row.l4proto),
  ]);
  const heading = `Connections (tracked: ${result.conntrackFamilies.map(familyName).join(', ')})`;
  return section(heading, ['>new', '>at the end', 'family', 'protocol'], rows);
}

function states(output: ReplayOutput): string[] {
  const rows = output.result.states.map((row) => [
    groupDigits(row.packets),
    groupDigits(row.bytes),
    familyName(row.family),
    protocolText(row.l4proto),
    row.state,
  ]);
  if (rows.length === 0) return [];
  return section('Packets by state', ['>packets', '>bytes', 'family', 'protocol', 'state'], rows);
}

function invalid(output: ReplayOutput): string[] {
  const rows = output.result.invalid.map((row) => [
    groupDigits(row.packets),
    familyName(row.family),
    row.reason,
  ]);
  return rows.length === 0 ? [] : section('Why packets were INVALID', ['>packets', 'family', ''], rows);
}

function notIp(output: ReplayOutput): string[] {
  const rows = output.result.notIp.map((row) => [
    groupDigits(row.packets),
    groupDigits(row.bytes),
    etherTypeText(row.etherType),
  ]);
  return rows.length === 0
    ? []
    : section('Not IP, never seen by iptables', ['>packets', '>bytes', 'ethertype'], rows);
}

const ETHER_TYPES: Readonly<Record<number, string>> = {
  2054: 'ARP',
  32821: 'RARP',
  33024: 'VLAN',
  34887: 'MPLS',
  34915: 'PPPoE discovery',
  34916: 'PPPoE session',
  34958: 'EAPOL',
  34984: 'QinQ',
  35020: 'LLDP',
  35045: 'MACsec',
};

export function etherTypeText(etherType: number): string {
  const name = ETHER_TYPES[etherType];
  const number = `0x${etherType.toString(16).padStart(4, '0')}`;
  return name === undefined ? number : `${number} ${name}`;
}

function echoSentence(output: ReplayOutput): string[] {
  const { packets, agreed, disagreed } = output.result.echoes;
  if (packets === 0) return [];
  const untold = packets - agreed - disagreed;
  return [
    `${plural(packets, 'packet')} going out had come in before and were not replayed again (echoes). ` +
      `This replay sends ${groupDigits(agreed)} of them the same way, ${groupDigits(disagreed)} not` +
      `${untold > 0 ? `; ${groupDigits(untold)} cannot be told` : ''}.`,
  ];
}

function diceSentence(output: ReplayOutput): string[] {
  const { read, drawn } = output.result.dice;
  if (read + drawn === 0) return [];
  return [
    `${plural(read + drawn, 'random decision')} (statistic --mode random): ` +
      `${groupDigits(read)} read off the capture, ${groupDigits(drawn)} drawn from seed ${output.config.seed}.`,
  ];
}

/** So many connections with a drawn port are named. */
const NAMED_PORTS = 10;

function portSentence(output: ReplayOutput): string[] {
  const { read, drawn, connections } = output.result.ports;
  if (read + drawn === 0) return [];
  const named = connections.slice(0, NAMED_PORTS);
  return [
    `${plural(read + drawn, 'translation')} to a port that the kernel chooses at random: ` +
      `${groupDigits(read)} read off the capture, ${groupDigits(drawn)} drawn from seed ${output.config.seed}` +
      `${named.length > 0 ? ':' : '.'}`,
    ...named.map((connection) => `  ${connection}`),
    ...(drawn > named.length && named.length > 0 ? [`  and ${groupDigits(drawn - named.length)} more`] : []),
  ];
}

function list(heading: string, items: readonly string[]): string[] {
  return items.length === 0 ? [] : [`${heading}:`, ...items.map((item) => `  ${item}`)];
}
