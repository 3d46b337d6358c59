/** Cases of random or borrowed rulesets: played by the kernel, replayed, and compared rule by rule. */
import { type Case, digest, judge, type Result } from '../kernel/judge.ts';
import { compareCounters } from '../scenarios/counters.ts';
import { type CaseRun, describeHosts, runCase } from './run-case.ts';

type Evaluator = 'compiled' | 'linear';

export interface Comparison {
  /** One line a case whose counters differ, or whose rules the kernel refused. */
  readonly wrong: readonly string[];
  /** So many could be compared. */
  readonly compared: number;
}

/** `suite` names their recording. Whether a capture can say what a case says is asked before: `unsayable`. */
export async function compareWithKernel(
  cases: readonly Case[],
  suite: string,
  evaluators: readonly Evaluator[] = ['compiled'],
): Promise<Comparison> {
  const judged = await judge(cases, { suite });
  const hosts = await describeHosts(cases.map(({ host }) => host));
  const wrong: string[] = [];
  let compared = 0;
  for (const one of cases) {
    const { result } = judged.get(one.id)!;
    if (result.refused !== undefined) {
      wrong.push(`${one.id}: ${JSON.stringify(result.refused)}`);
      continue;
    }
    // EINVAL may come from the route before OUTPUT or from the one behind its translation: a capture would tell.
    if (Object.values(result.errors ?? {}).includes('EINVAL')) continue;
    compared++;
    for (const evaluator of evaluators) {
      const run = await runCase(one, hosts.get(digest(one.host))!, result.errors, { evaluator });
      const differences = differentCounters(result, run);
      if (differences.length > 0) wrong.push(`${one.id} ${evaluator}: ${differences.slice(0, 3).join('; ')}`);
    }
  }
  return { wrong, compared };
}

export function differentCounters(result: Result, run: CaseRun): string[] {
  return [
    ...compareCounters(result.save4 ?? '', run.save4 ?? ''),
    ...compareCounters(result.save6 ?? '', run.save6 ?? ''),
  ];
}
