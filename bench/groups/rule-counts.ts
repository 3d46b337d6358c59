import type { Reference } from '../replay/row.ts';
import { NORMAL, type Profile } from '../scene/profiles.ts';
import { type GroupPlan, SHAPE_PROFILES, withRules, workersText } from './bench.ts';

export const RULE_COUNTS = [10, 1000, 10_000, 100_000] as const;

export function ruleCountRow(rules: number, workers: number): string {
  return `${rules}-workers-${workers}`;
}

/** One shape of ruleset in all sizes. */
function ruleCounts(shape: Profile): GroupPlan {
  const name = `rules-${shape.name}`;
  return {
    name,
    profiles: [NORMAL],
    make: async (bench) => {
      const capture = bench.capture(NORMAL);
      const rows = bench.ruleCounts(RULE_COUNTS).flatMap((rules) =>
        bench.options.workers.map((workers) => {
          const reference: Reference = { row: ruleCountRow(RULE_COUNTS[0], workers), basis: 'after start' };
          const label = `${rules.toLocaleString('en')} rules, ${workersText(workers)}`;
          const profile = withRules(shape, rules);
          return bench.ours({
            name: ruleCountRow(rules, workers),
            label,
            reference,
            capture,
            profile,
            workers,
          });
        }),
      );
      const title = `Number of rules: ${shape.what} (x 10 rules, without start)`;
      return { name, title, rows, notes: [] };
    },
  };
}

export const allRuleCounts: readonly GroupPlan[] = SHAPE_PROFILES.map(ruleCounts);
