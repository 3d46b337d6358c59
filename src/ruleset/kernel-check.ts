import type { Family } from '../base/inet.ts';
import type { MatchDefinition, TargetDefinition } from '../extension/define.ts';
import type { KernelObjects, KernelRule } from '../extension/syntax.ts';
import { HOOK_NAMES, type HookName } from '../packet/registers.ts';
import { isStandard } from '../targets/standard.ts';
import { chainNumbers } from './chain-numbers.ts';
import type { Rule, Table } from './model.ts';

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

/** What leads to rules: by number of the chain, and the rules that close a loop. */
export interface Reachability {
  /** The hooks that lead to the chain, as bits by hook number. */
  readonly hooks: Uint8Array;
  /** How many of its rules are reached: those behind one that always ends the chain are not. */
  readonly reached: Int32Array;
  readonly loops: readonly { readonly rule: Rule; readonly path: readonly string[] }[];
}

/** State of a chain while the chains are walked from one hook; 0: not met. */
const ACTIVE = 1;
const DONE = 2;

/**
 * Walks the chains from each hook as mark_source_chains() does: nothing behind a rule that always ends the
 * chain is reached, and a jump into a chain that is being walked is a loop.
 */
export function findReachable(table: Table): Reachability {
  const { chains } = table;
  const numbers = chainNumbers(table);
  const hooks = new Uint8Array(chains.length);
  const reached = new Int32Array(chains.length);
  const loops: { rule: Rule; path: string[] }[] = [];
  const looped = new Set<Rule>();
  for (const [first, { builtin }] of chains.entries()) {
    if (builtin === undefined) continue;
    const bit = 1 << HOOK_NAMES.indexOf(builtin);
    const states = new Uint8Array(chains.length);
    const stack = [{ number: first, next: 0 }];
    states[first] = ACTIVE;
    while (stack.length > 0) {
      const top = stack[stack.length - 1]!;
      const { number } = top;
      const { rules } = chains[number]!;
      const rule = rules[top.next];
      if (rule === undefined) {
        stack.pop();
        hooks[number]! |= bit;
        states[number] = DONE;
        continue;
      }
      reached[number] = Math.max(reached[number]!, top.next + 1);
      top.next = alwaysEnds(rule) ? rules.length : top.next + 1;
      const { target } = rule;
      if (target.kind !== 'jump' && target.kind !== 'goto') continue;
      const next = numbers.get(target.chain);
      if (next === undefined || states[next] === DONE) continue;
      if (states[next] === ACTIVE) {
        const path = stack.map((one) => chains[one.number]!.name);
        if (!looped.has(rule))
          loops.push({ rule, path: [...path.slice(path.indexOf(target.chain)), target.chain] });
        looped.add(rule);
        continue;
      }
      states[next] = ACTIVE;
      stack.push({ number: next, next: 0 });
    }
  }
  return { hooks, reached, loops };
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

/** `objects` are those of the tables committed before, and get those of this one. */
export function checkTable(
  table: Table,
  family: Family,
  objects: KernelObjects = new Map(),
): KernelRefusal[] {
  const refusals: KernelRefusal[] = [];
  const { hooks, reached, loops } = findReachable(table);
  for (const { rule, path } of loops) {
    refusals.push({ rule, message: 'Loop found in table', hint: `The loop: ${path.join(' -> ')}.` });
  }
  for (const [number, chain] of table.chains.entries()) {
    const names = hookNames(hooks[number]!);
    for (const [i, rule] of chain.rules.entries()) {
      if (rule.matches.length === 0 && rule.target.kind !== 'extension') continue;
      const where: Where = {
        family,
        table: table.name,
        chain: chain.name,
        names: i < reached[number]! ? names : [],
        objects,
      };
      const refusal = refuseRule(rule, where);
      if (refusal !== undefined) refusals.push({ rule, ...refusal });
    }
  }
  return refusals;
}

/** Where a rule stands, and the hooks that lead to it. */
interface Where {
  readonly family: Family;
  readonly table: string;
  readonly chain: string;
  readonly names: readonly HookName[];
  readonly objects: KernelObjects;
}

/** The first extension of the rule that the kernel does not take. */
function refuseRule(rule: Rule, where: Where) {
  for (const { definition, options } of rule.matches) {
    const refusal = refuse(definition, options, 'match', rule, where);
    if (refusal !== undefined) return refusal;
  }
  const { target } = rule;
  if (target.kind !== 'extension') return undefined;
  return refuse(target.definition, target.options, 'target', rule, where);
}

const RESTORE_HINT =
  'The kernel refuses the table; iptables-restore says only that the line of COMMIT failed.';

function refuse(
  definition: MatchDefinition | TargetDefinition,
  options: unknown,
  kind: 'match' | 'target',
  rule: Rule,
  { family, table, chain, names, objects }: Where,
): { message: string; hint: string } | undefined {
  const say = (message: string) => ({ message, hint: RESTORE_HINT });
  const head = () => `x_tables: ip${family === 6 ? '6' : ''}_tables: ${definition.name} ${kind}:`;
  const { tables, hooks } = definition;
  if (tables !== undefined && !(tables as readonly string[]).includes(table)) {
    return say(`${head()} only valid in ${tables[0]} table, not ${table}`);
  }
  if (hooks !== undefined && names.some((hook) => !hooks.includes(hook))) {
    return say(
      `${head()} used from hooks ${names.join('/')}, but only ${kind === 'match' ? 'valid' : 'usable'} from ${inHookOrder(hooks).join('/')}`,
    );
  }
  const { protocol } = definition.syntax;
  if (protocol !== undefined && (rule.protocol !== protocol || rule.protocolInverted)) {
    return say(`${head()} only valid for protocol ${protocol}`);
  }
  if (definition.syntax.kernelCheck === undefined) return undefined;
  const kernelRule: KernelRule = {
    family,
    table,
    chain,
    protocol: rule.protocol,
    protocolInverted: rule.protocolInverted,
    hooks: names,
    isGoto: rule.target.kind === 'goto',
    matches: rule.matches,
    objects,
  };
  const message = definition.syntax.kernelCheck(options as never, kernelRule);
  return message === undefined ? undefined : say(message);
}

function inHookOrder(hooks: readonly HookName[]): HookName[] {
  return HOOK_NAMES.filter((hook) => hooks.includes(hook));
}
