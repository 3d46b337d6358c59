import { type RulesetHits, rulesetHits } from '../report/hits.ts';
import { isNamed } from '../report/list.ts';
import { savedRuleset } from '../report/save.ts';
import type { ReplayOutput } from '../workers/config.ts';
import type { OutputOptions, ReplayOptions } from './options.ts';
import type { Outputs } from './outputs.ts';
import type { Printer } from './streams.ts';
import { programVersion } from './version.ts';

/** Writes every report that was asked for: the files first, then the one on standard output. */
export async function writeReports(
  output: ReplayOutput,
  options: ReplayOptions & OutputOptions,
  outputs: Outputs,
  stdout: Printer,
): Promise<void> {
  const rulesets = rulesetHits(output, options.keepCounters === true);
  outputs.save?.writeText(saveOf(rulesets, 4));
  outputs.save6?.writeText(saveOf(rulesets, 6));
  outputs.conntrackSave?.writeText(linesOf(output.result.conntrackDump));
  if (outputs.html !== undefined) {
    const { htmlReport } = await import('../report/html.ts');
    outputs.html.writeText(htmlReport(output, rulesets, programVersion()));
  }
  // Where not one packet could be read, the message says it all; a listing of zeros would hide it.
  const isNothing = output.result.totals.packets === 0 && output.damage.length > 0;
  if (isNothing && (options.format ?? 'text') === 'text') return;
  await stdout.print(await standardReport(output, rulesets, options));
}

/** What of the view names nothing in the rulesets: a mistake in spelling, most likely. */
export function unmatchedView(output: ReplayOutput, options: OutputOptions): string[] {
  const tables = output.rulesets.flatMap(({ ruleset }) => ruleset.tables);
  const chains = tables.flatMap((table) => table.chains.map((chain) => chain.name));
  const missingTables = (options.table ?? []).filter((name) => !tables.some((table) => table.name === name));
  const missingChains = (options.chain ?? []).filter((name) => !chains.some((chain) => isNamed(chain, name)));
  return [
    ...missingTables.map((name) => `--table ${name}: the rulesets have no such table`),
    ...missingChains.map((name) => `--chain ${name}: the rulesets have no such chain`),
  ];
}

/** Names in --clock-skew that no capture has: a mistake in spelling, most likely. */
export function unmatchedSkews({ config, sources }: ReplayOutput): string[] {
  const names = [...(config.clockSkews ?? new Map<string, bigint>()).keys()];
  return names
    .filter((name) => !sources.some(({ ifaceName }) => ifaceName === name))
    .map((name) => `--clock-skew ${name}: no CAPTURE argument and no pcapng block names such an interface`);
}

/** A family without a ruleset has nothing to save: the file is left empty, as iptables-save's output would be. */
function saveOf(rulesets: readonly RulesetHits[], family: number): string {
  return rulesets
    .filter((ruleset) => ruleset.family === family)
    .map(savedRuleset)
    .join('');
}

function linesOf(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join('');
}

async function standardReport(
  output: ReplayOutput,
  rulesets: readonly RulesetHits[],
  options: OutputOptions,
): Promise<string | Uint8Array | Iterable<string>> {
  switch (options.format) {
    case 'json': {
      const { jsonReport } = await import('../report/json.ts');
      // What was listed for --conntrack-save alone is no part of the report.
      const { result } = output;
      const shown =
        options.conntrackTable === true ? result : { ...result, conntrackDump: [], expectationDump: [] };
      return jsonReport({ ...output, result: shown }, rulesets, programVersion());
    }
    case 'csv':
    case 'arrow': {
      const { rulesCsv, rulesArrow } = await import('../report/rules-export.ts');
      const { ruleRows } = await import('../report/rules-table.ts');
      const rows = ruleRows(rulesets);
      return options.format === 'csv' ? rulesCsv(rows) : rulesArrow(rows);
    }
    default: {
      const { textReport } = await import('../report/text.ts');
      return textReport(output, rulesets, {
        tables: options.table === undefined ? undefined : new Set(options.table),
        chains: options.chain,
        hitOnly: options.hit === true,
        summary: options.summary,
      });
    }
  }
}
