import type { Family } from '../base/inet.ts';
import type { MatchDefinition, TargetDefinition } from '../extension/define.ts';
import type { KernelRule } from '../extension/syntax.ts';
import { HOOK_NAMES, type HookName } from '../packet/registers.ts';
import { isStandard } from '../targets/standard.ts';
import type { Chain, Rule, Table } from './model.ts';

/**
 * What the kernel refuses when a table is committed: loops, and extensions that cannot stand where they do
 * (net/ipv4/netfilter/ip_tables.c, translate_table(), mark_source_chains(); net/netfilter/x_tables.c,
 * xt_check_match(), xt_check_target()). iptables-restore says no more than that the line of COMMIT failed; the
 * sentences here are those of the kernel's log.
 */
export interface KernelRefusal {
  readonly message: string;
  readonly hint: string | undefined;
  readonly rule: Rule;
}

/** Which hooks lead to each rule, as bits by hook number, and the rules that close a loop. */
export interface Reachability {
  /** By chain name: one byte of bits for each rule. */
  readonly hooks: ReadonlyMap<string, Uint8Array>;
  readonly loops: readonly { readonly rule: Rule; readonly path: readonly string[] }[];
}

/**
 * Walks the chains from each hook as mark_source_chains() does: nothing behind a rule that always ends the
 * chain is reached, and a jump into a chain that is being walked is a loop.
 */
export function findReachable(table: Table): Reachability {
  const byName = new Map(table.chains.map((chain) => [chain.name, chain]));
  const hooks = new Map(table.chains.map((chain) => [chain.name, new Uint8Array(chain.rules.length)]));
  const loops: { rule: Rule; path: string[] }[] = [];
  const looped = new Set<Rule>();
  for (const start of table.chains) {
    if (start.builtin === undefined) continue;
    const bit = 1 << HOOK_NAMES.indexOf(start.builtin);
    const done = new Set<string>();
    const active = new Set<string>([start.name]);
    const stack: { chain: Chain; next: number }[] = [{ chain: start, next: 0 }];
    while (stack.length > 0) {
      const top = stack[stack.length - 1]!;
      const rule = top.chain.rules[top.next];
      if (rule === undefined) {
        stack.pop();
        active.delete(top.chain.name);
        done.add(top.chain.name);
        continue;
      }
      hooks.get(top.chain.name)![top.next]! |= bit;
      top.next = alwaysEnds(rule) ? top.chain.rules.length : top.next + 1;
      const { target } = rule;
      if (target.kind !== 'jump' && target.kind !== 'goto') continue;
      const next = byName.get(target.chain);
      if (next === undefined || done.has(next.name)) continue;
      if (active.has(next.name)) {
        const path = stack.map(({ chain }) => chain.name);
        if (!looped.has(rule))
          loops.push({ rule, path: [...path.slice(path.indexOf(next.name)), next.name] });
        looped.add(rule);
        continue;
      }
      active.add(next.name);
      stack.push({ chain: next, next: 0 });
    }
  }
  return { hooks, loops };
}

/** unconditional() and a standard verdict: nothing behind it in the chain is ever reached. */
function alwaysEnds(rule: Rule): boolean {
  const { target } = rule;
  return target.kind === 'extension' && isStandard(target.definition) && isUnconditional(rule);
}

export function isUnconditional(rule: Rule): boolean {
  return (
    rule.matches.length === 0 &&
    rule.unsupported.length === 0 &&
    rule.source === undefined &&
    rule.destination === undefined &&
    rule.inInterface === undefined &&
    rule.outInterface === undefined &&
    rule.protocol === 0 &&
    rule.fragment === undefined
  );
}

/** Names by bits, made once for each of the 32 combinations. */
const namesByBits: HookName[][] = [];

function hookNames(bits: number): readonly HookName[] {
  namesByBits[bits] ??= HOOK_NAMES.filter((_, hook) => (bits & (1 << hook)) !== 0);
  return namesByBits[bits];
}

export function checkTable(table: Table, family: Family): KernelRefusal[] {
  const refusals: KernelRefusal[] = [];
  const { hooks, loops } = findReachable(table);
  for (const { rule, path } of loops) {
    refusals.push({ rule, message: 'Loop found in table', hint: `The loop: ${path.join(' -> ')}.` });
  }
  for (const chain of table.chains) {
    const bits = hooks.get(chain.name)!;
    for (const [i, rule] of chain.rules.entries()) {
      if (rule.matches.length === 0 && rule.target.kind !== 'extension') continue;
      const names = hookNames(bits[i]!);
      const context: KernelRule = {
        family,
        table: table.name,
        chain: chain.name,
        protocol: rule.protocol,
        protocolInverted: rule.protocolInverted,
        hooks: names,
        isGoto: rule.target.kind === 'goto',
        matches: rule.matches,
      };
      const refusal = refuseRule(rule, context, names);
      if (refusal !== undefined) refusals.push({ rule, ...refusal });
    }
  }
  return refusals;
}

/** The first extension of the rule that the kernel does not take. */
function refuseRule(rule: Rule, context: KernelRule, names: readonly HookName[]) {
  for (const { definition, options } of rule.matches) {
    const refusal = refuse(definition, options, 'match', context, names);
    if (refusal !== undefined) return refusal;
  }
  const { target } = rule;
  if (target.kind !== 'extension') return undefined;
  return refuse(target.definition, target.options, 'target', context, names);
}

const RESTORE_HINT =
  'The kernel refuses the table; iptables-restore says only that the line of COMMIT failed.';

function refuse(
  definition: MatchDefinition | TargetDefinition,
  options: unknown,
  kind: 'match' | 'target',
  rule: KernelRule,
  reached: readonly HookName[],
): { message: string; hint: string } | undefined {
  const say = (message: string) => ({ message, hint: RESTORE_HINT });
  const head = () => `x_tables: ip${rule.family === 6 ? '6' : ''}_tables: ${definition.name} ${kind}:`;
  const { tables, hooks } = definition;
  if (tables !== undefined && !(tables as readonly string[]).includes(rule.table)) {
    return say(`${head()} only valid in ${tables[0]} table, not ${rule.table}`);
  }
  if (hooks !== undefined && reached.some((hook) => !hooks.includes(hook))) {
    return say(
      `${head()} used from hooks ${reached.join('/')}, but only ${kind === 'match' ? 'valid' : 'usable'} from ${inHookOrder(hooks).join('/')}`,
    );
  }
  const { protocol } = definition.syntax;
  if (protocol !== undefined && (rule.protocol !== protocol || rule.protocolInverted)) {
    return say(`${head()} only valid for protocol ${protocol}`);
  }
  const message = definition.syntax.kernelCheck?.(options as never, rule);
  return message === undefined ? undefined : say(message);
}

function inHookOrder(hooks: readonly HookName[]): HookName[] {
  return HOOK_NAMES.filter((hook) => hooks.includes(hook));
}
