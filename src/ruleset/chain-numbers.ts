import type { Table } from './model.ts';

const known = new WeakMap<Table, ReadonlyMap<string, number>>();

/** Number of each chain of a table by its name: its place in `chains`. Made when it is first asked for. */
export function chainNumbers(table: Table): ReadonlyMap<string, number> {
  let numbers = known.get(table);
  if (numbers === undefined) {
    const made = new Map<string, number>();
    for (const { name } of table.chains) made.set(name, made.size);
    numbers = made;
    known.set(table, numbers);
  }
  return numbers;
}
