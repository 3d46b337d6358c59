import type { RuleEnvironment } from '../../src/extension/define.ts';
import { Packet } from '../../src/packet/packet.ts';
import * as R from '../../src/packet/registers.ts';
import type { Verdict } from '../../src/packet/verdict.ts';
import { parseRuleset } from '../../src/ruleset/parse.ts';

/** Packets by hand, and rules made ready to judge them: for tests of what one extension does. */

export type Registers = Partial<Record<Exclude<keyof typeof R.REGISTER_BY_NAME, never>, number>>;

/** A UDP packet from 192.0.2.1 to 198.51.100.7 that comes in, but for what is said. */
export function packet(registers: Registers = {}, timeSeconds = 0): Packet {
  const p = new Packet();
  const { r } = p;
  r[R.R_FAMILY] = 4;
  r[R.R_SADDR] = 0xc0000201 | 0;
  r[R.R_DADDR] = 0xc6336407 | 0;
  r[R.R_L4PROTO] = 17;
  r[R.R_SPORT] = 1024;
  r[R.R_DPORT] = 53;
  r[R.R_LENGTH] = 28;
  r[R.R_TTL] = 64;
  r[R.R_CTINFO] = R.CT_NONE;
  r[R.R_CT] = -1;
  r[R.R_CT_TEMPLATE] = -1;
  for (const [name, value] of Object.entries(registers)) {
    r[R.REGISTER_BY_NAME[name as keyof Registers]] = value!;
  }
  p.timeNs = timeSeconds * 1e9;
  return p;
}

export interface Ready {
  /** What the first match of the rule says. */
  matches(p: Packet): boolean;
  /** What its target does. */
  apply(p: Packet): Verdict;
  /** State of the first match. */
  readonly state: unknown;
}

/** Rules of one table and chain, made ready with one another: they share lists and tables by name. */
export function ready(
  rules: readonly string[],
  where: { table?: string; chain?: string; family?: 4 | 6 } = {},
  environment: Partial<RuleEnvironment> = {},
): Ready[] {
  const { table = 'mangle', chain = 'FORWARD', family = 4 } = where;
  const text = `*${table}\n${rules.map((rule) => `-A ${chain} ${rule}\n`).join('')}COMMIT\n`;
  const { ruleset, findings } = parseRuleset(text, { family, file: 'test' });
  if (findings.length > 0) throw new Error(findings.map(({ message }) => message).join('\n'));
  const shared = new Map<string, unknown>();
  const all = ruleset.tables[0]!.chains.find(({ name }) => name === chain)!.rules;
  return all.map((rule, ruleId): Ready => {
    const surroundings = {
      family,
      table,
      chain,
      ruleId,
      seed: 1,
      shared: <T>(key: string, make: () => T): T => {
        if (!shared.has(key)) shared.set(key, make());
        return shared.get(key) as T;
      },
      assume: () => undefined,
      ...environment,
    } as unknown as RuleEnvironment;
    const match = rule.matches.find(
      ({ definition }) => definition.name !== 'udp' && definition.name !== 'tcp',
    );
    const state = match?.definition.prepare?.(match.options, surroundings);
    const { target } = rule;
    const targetState =
      target.kind === 'extension' ? target.definition.prepare?.(target.options, surroundings) : undefined;
    return {
      state,
      matches: (p) => match!.definition.evaluate(match!.options, p, state),
      apply: (p) => {
        if (target.kind !== 'extension') throw new Error('the rule has no target');
        return target.definition.apply(target.options, p, targetState);
      },
    };
  });
}
