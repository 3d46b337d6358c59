import type { Finding, SourcePosition } from '../base/errors.ts';
import type { Family } from '../base/inet.ts';
import type { SetRegistry } from './registry.ts';
import type { SetUse } from './set-use.ts';
import type { IpSet } from './types.ts';

/** One place where a rule names a set. */
export interface SetReference {
  readonly use: SetUse;
  /** What the rule does with it; 'compare' asks it for counters too. */
  readonly does: 'ask' | 'compare' | 'change';
  readonly position: SourcePosition;
  /** Of the ruleset that the rule is in. */
  readonly family: Family;
}

/**
 * Looks up the sets that rules name, and tells each rule what it may expect of its set. Findings are those of
 * iptables, which looks sets up while it reads a rule (libxt_set.h, get_set_byname()).
 */
export function bindSets(
  references: readonly SetReference[],
  sets: SetRegistry,
  isGiven: boolean,
): Finding[] {
  const changed = new Set<IpSet>();
  const compared = new Set<IpSet>();
  for (const { use, does } of references) {
    const set = sets.get(use.name);
    if (set === undefined) continue;
    if (does === 'compare') compared.add(set);
    if (does === 'change') for (const one of [set, ...set.members]) changed.add(one);
  }
  const isStatic = (set: IpSet): boolean =>
    !set.changesByItself && !changed.has(set) && !compared.has(set) && set.members.every(isStatic);
  const findings: Finding[] = [];
  for (const { use, position, family } of references) {
    const set = sets.get(use.name);
    if (set === undefined) {
      findings.push(missing(use.name, position, sets, isGiven));
      continue;
    }
    const own = set.options.family;
    if (own !== 0 && own !== family) {
      findings.push({
        severity: 'error',
        message: `The protocol family of set ${use.name} is IPv${own}, which is not applicable.`,
        position: positionOf(use.name, position),
        hint: `The rule is in an IPv${family} ruleset.`,
      });
      continue;
    }
    use.traits = { isStatic: isStatic(set), reads: set.reads(use.sources) };
  }
  return findings;
}

function missing(name: string, position: SourcePosition, sets: SetRegistry, isGiven: boolean): Finding {
  return {
    severity: 'error',
    message: `Set ${name} doesn't exist.`,
    position: positionOf(name, position),
    hint: isGiven
      ? `The dump of \`ipset save\` has no set of this name${
          sets.size === 0
            ? ''
            : `; it has ${[...sets]
                .map((one) => one.name)
                .slice(0, 8)
                .join(', ')}${sets.size > 8 ? ' …' : ''}`
        }.`
      : 'Give the output of `ipset save` with --ipset, or as ipset.save in HOST.',
  };
}

/** The name within the rule. */
function positionOf(name: string, position: SourcePosition): SourcePosition {
  const at = position.text.indexOf(` ${name} `);
  return at < 0 ? position : { ...position, column: at + 2, lengthChars: name.length };
}
