import type { ReplayOutput } from '../workers/config.ts';
import type { RulesetHits } from './hits.ts';
import { type ListView, listTable } from './list.ts';
import { profileText } from './profile-text.ts';
import { summaryLines } from './text-summary.ts';

export interface TextOptions extends ListView {
  readonly summary: boolean;
}

/**
 * The report for people: a summary, then the tables as `iptables -L` lists them, each under the command that would; and the
 * profile. Piece by piece, since a listing may be of hundreds of thousands of rules.
 */
export function* textReport(
  output: ReplayOutput,
  rulesets: readonly RulesetHits[],
  options: TextOptions,
): Generator<string> {
  let between = '';
  if (options.summary) {
    yield summaryLines(output).join('\n');
    between = '\n';
  }
  for (const { family, tables } of rulesets) {
    for (const table of tables) {
      if (options.tables !== undefined && !options.tables.has(table.name)) continue;
      const listing = listTable(table, options);
      let line = listing.next();
      if (line.done) continue;
      const command = family === 4 ? 'iptables' : 'ip6tables';
      yield `${between}# ${command} -t ${table.name} -L -v -n -x --line-numbers\n`;
      between = '\n';
      for (; !line.done; line = listing.next()) yield `${line.value}\n`;
    }
  }
  if (output.profile !== undefined) yield `${between}${profileText(output, output.profile)}`;
}
