import type { Finding, SourcePosition } from '../base/errors.ts';
import type { Family } from '../base/inet.ts';
import { bindSets, type SetReference } from './bind.ts';
import { type ParsedSets, parseSets } from './parse.ts';
import type { SetUse } from './set-use.ts';
import type { CounterTest } from './types.ts';

/** What of a rule is looked at here: struct Rule of src/ruleset/model.ts. */
interface RuleLike {
  readonly matches: readonly { readonly definition: { readonly name: string }; readonly options: unknown }[];
  readonly target:
    | {
        readonly kind: 'extension';
        readonly definition: { readonly name: string };
        readonly options: unknown;
      }
    | { readonly kind: 'none' | 'jump' | 'goto' };
  readonly position: SourcePosition;
  readonly unsupported: readonly unknown[];
}

interface MatchLike {
  readonly use: SetUse;
  readonly packets: CounterTest | undefined;
  readonly bytes: CounterTest | undefined;
}

interface TargetLike {
  readonly add: SetUse | undefined;
  readonly del: SetUse | undefined;
  readonly map: SetUse | undefined;
}

/** Reads the sets of a run and binds them to the rules that name them; the findings of both. */
export function loadSets(
  source: { readonly file: string; readonly text: string } | undefined,
  rulesets: readonly { readonly family: Family; readonly rules: readonly RuleLike[] }[],
): ParsedSets {
  const { sets, findings } = parseSets(source?.text ?? '', source?.file ?? '');
  const missing: readonly Finding[] = bindSets(rulesets.flatMap(references), sets, source !== undefined);
  return { sets, findings: [...findings, ...missing] };
}

function references(ruleset: {
  readonly family: Family;
  readonly rules: readonly RuleLike[];
}): SetReference[] {
  const { family, rules } = ruleset;
  const found: SetReference[] = [];
  for (const { matches, target, position, unsupported } of rules) {
    if (unsupported.length > 0) continue;
    for (const { definition, options } of matches) {
      if (definition.name !== 'set') continue;
      const { use, packets, bytes } = options as MatchLike;
      const does = packets === undefined && bytes === undefined ? 'ask' : 'compare';
      found.push({ use, does, position, family });
    }
    if (target.kind !== 'extension' || target.definition.name !== 'SET') continue;
    const { add, del, map } = target.options as TargetLike;
    if (add !== undefined) found.push({ use: add, does: 'change', position, family });
    if (del !== undefined) found.push({ use: del, does: 'change', position, family });
    if (map !== undefined) found.push({ use: map, does: 'ask', position, family });
  }
  return found;
}
