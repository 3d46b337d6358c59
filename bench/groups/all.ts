import type { GroupPlan } from './bench.ts';
import { beside, fullFrames } from './beside.ts';
import { kernel } from './kernel.ts';
import { micro } from './micro.ts';
import { allRuleCounts } from './rule-counts.ts';
import { stages } from './stages.ts';
import { start, stream } from './start.ts';
import { perPacket, rulesets, string, traffic } from './worst-cases.ts';

/** Everything that is measured, in order. */
export const ALL_GROUPS: readonly GroupPlan[] = [
  beside,
  stages,
  ...allRuleCounts,
  kernel,
  rulesets,
  perPacket,
  traffic,
  string,
  fullFrames,
  stream,
  start,
  micro,
];
