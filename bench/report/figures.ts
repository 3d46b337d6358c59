import { type GroupFigures, medianRatio, type RowFigures } from '../replay/rounds.ts';
import type { Basis } from '../replay/row.ts';

/** All that a run has measured: what `--json` writes. */
export interface RunFigures {
  readonly machine: string;
  readonly packets: number;
  readonly rounds: number;
  readonly seed: number;
  readonly workers: readonly number[];
  readonly groups: readonly GroupFigures[];
  readonly identical?: IdenticalFigures | undefined;
}

/** Profiles whose outputs do not depend on the number of workers, and those whose outputs do. */
export interface IdenticalFigures {
  readonly workers: readonly number[];
  readonly packets: number;
  readonly same: readonly string[];
  readonly different: readonly string[];
}

export function findGroup(run: RunFigures, name: string): GroupFigures | undefined {
  return run.groups.find((group) => group.name === name);
}

export function findRow(run: RunFigures, group: string, name: string): RowFigures | undefined {
  return findGroup(run, group)?.rows.find((row) => row.name === name);
}

/** Of two rows of a group; undefined unless both were measured. */
export function ratioIn(
  run: RunFigures,
  group: string,
  row: string,
  other: string,
  basis: Basis,
): number | undefined {
  const [one, two] = [findRow(run, group, row), findRow(run, group, other)];
  return one === undefined || two === undefined ? undefined : medianRatio(one, two, basis);
}
