/** The counters of an `iptables-save -c` text, in order: one entry a rule or built-in chain. */
export interface SavedCounter {
  readonly table: string;
  /** The rule or chain line without its counters. */
  readonly line: string;
  readonly counters: string;
}

export function readCounters(text: string): SavedCounter[] {
  const found: SavedCounter[] = [];
  let table = '';
  for (const line of text.split('\n')) {
    if (line.startsWith('*')) table = line.slice(1);
    const rule = /^\[(\d+:\d+)\] (-A .*)$/.exec(line);
    if (rule !== null) found.push({ table, line: rule[2]!, counters: rule[1]! });
    const chain = /^:(\S+) (ACCEPT|DROP) \[(\d+:\d+)\]$/.exec(line);
    if (chain !== null) found.push({ table, line: `:${chain[1]} ${chain[2]}`, counters: chain[3]! });
  }
  return found;
}

/** Lines that differ, as `table line: expected A, got B`; tables are compared by name, whatever their order. */
export function compareCounters(expectedText: string, actualText: string): string[] {
  const byTable = (text: string): Map<string, SavedCounter[]> => {
    const tables = new Map<string, SavedCounter[]>();
    for (const counter of readCounters(text))
      tables.set(counter.table, [...(tables.get(counter.table) ?? []), counter]);
    return tables;
  };
  const expected = byTable(expectedText);
  const actual = byTable(actualText);
  const differences: string[] = [];
  for (const [table, lines] of expected) {
    const others = actual.get(table) ?? [];
    for (const [i, { line, counters }] of lines.entries()) {
      const other = others[i];
      if (other === undefined) differences.push(`${table} ${line}: expected [${counters}], got nothing`);
      else if (other.line !== line) differences.push(`${table} ${line}: got another rule, ${other.line}`);
      else if (other.counters !== counters) {
        differences.push(`${table} ${line}: expected [${counters}], got [${other.counters}]`);
      }
    }
  }
  return differences;
}
