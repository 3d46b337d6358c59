import type { Family } from '../base/inet.ts';
import type { TargetDefinition } from '../extension/define.ts';
import { log } from './LOG.ts';
import { markTarget } from './MARK.ts';
import { reject } from './REJECT.ts';
import { accept, drop, queue, returnTarget } from './standard.ts';

/** Every target: one line each, in alphabetical order. */
// biome-ignore lint/suspicious/noExplicitAny: each definition has options and a state of its own.
export const TARGETS: readonly TargetDefinition<any, any>[] = [
  accept,
  drop,
  log,
  markTarget,
  queue,
  reject,
  returnTarget,
];

const byName: Readonly<Record<Family, ReadonlyMap<string, TargetDefinition>>> = {
  4: new Map(TARGETS.filter((one) => one.families.includes(4)).map((one) => [one.name, one])),
  6: new Map(TARGETS.filter((one) => one.families.includes(6)).map((one) => [one.name, one])),
};

export function findTarget(name: string, family: Family): TargetDefinition | undefined {
  return byName[family].get(name);
}
