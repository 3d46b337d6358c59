import type { ReplayOutput } from '../workers/config.ts';
import type { RulesetHits } from './hits.ts';
import { type ListView, listTable } from './list.ts';
import { profileText } from './profile-text.ts';
import { summaryLines } from './text-summary.ts';

export interface TextOptions extends ListView {
  readonly summary: boolean;
}

/** The report for people: a summary, then the tables as `iptables -L` lists them, each under the command that would; and the profile. */
export function textReport(
  output: ReplayOutput,
  rulesets: readonly RulesetHits[],
  options: TextOptions,
): string {
  const lines = options.summary ? summaryLines(output) : [];
  for (const { family, tables } of rulesets) {
    for (const table of tables) {
      if (options.tables !== undefined && !options.tables.has(table.name)) continue;
      const listing = listTable(table, options);
      if (listing.length === 0) continue;
      const command = family === 4 ? 'iptables' : 'ip6tables';
      lines.push(`# ${command} -t ${table.name} -L -v -n -x --line-numbers`);
      // One by one: 120,000 arguments are more than a call takes.
      for (const line of listing) lines.push(line);
      lines.push('');
    }
  }
  if (lines.at(-1) === '') lines.pop();
  const report = lines.length === 0 ? '' : `${lines.join('\n')}\n`;
  if (output.profile === undefined) return report;
  return `${report}${report === '' ? '' : '\n'}${profileText(output, output.profile)}`;
}
