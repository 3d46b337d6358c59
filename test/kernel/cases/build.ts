/** The words in which the tables of cases are written. */

import type { Case, CasePacket, Host } from '../judge.ts';
import { type Bytes, hex, ip, type Layer } from '../packets.ts';
import { A4, A6, ROUTER } from './hosts.ts';

export type Family = 4 | 6;
export type Table = 'raw' | 'mangle' | 'nat' | 'filter' | 'security';

/** Built-in chains of each table in the order in which save prints them. */
export const CHAINS: Readonly<Record<Table, readonly string[]>> = {
  raw: ['PREROUTING', 'OUTPUT'],
  mangle: ['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING'],
  nat: ['PREROUTING', 'INPUT', 'OUTPUT', 'POSTROUTING'],
  filter: ['INPUT', 'FORWARD', 'OUTPUT'],
  security: ['INPUT', 'FORWARD', 'OUTPUT'],
};

/**
 * The dump of one table. Each rule is written without `-A`: 'INPUT -p tcp -j DROP'. Chains that are not built in
 * are declared by themselves; a policy is written ':INPUT DROP' among the rules.
 */
export function table(name: Table, ...rules: readonly string[]): string {
  const policies = new Map(CHAINS[name].map((chain) => [chain, 'ACCEPT']));
  const lines: string[] = [];
  for (const rule of rules) {
    if (rule.startsWith(':')) {
      const [chain, policy] = rule.slice(1).split(' ');
      policies.set(chain!, policy ?? '-');
      continue;
    }
    const chain = rule.split(' ')[0]!;
    if (!policies.has(chain)) policies.set(chain, '-');
    lines.push(`-A ${rule}`);
  }
  const declared = [...policies].map(([chain, policy]) => `:${chain} ${policy} [0:0]`);
  return [`*${name}`, ...declared, ...lines, 'COMMIT', ''].join('\n');
}

/** A packet that arrives. */
export function arrives(iface: string, packet: Bytes, more: Partial<CasePacket> = {}): CasePacket {
  return { iface, dir: 'in', hex: hex(packet), ...more };
}

/** A packet that the host sends; `iface` is the one it will leave by. */
export function leaves(iface: string, packet: Bytes, more: Partial<CasePacket> = {}): CasePacket {
  return { iface, dir: 'out', hex: hex(packet), ...more };
}

export function addresses(family: Family): { readonly [role in keyof typeof A4]: string } {
  return family === 4 ? A4 : A6;
}

/**
 * The same transport on every way through the host: to the host itself, through it from the inside to the outside,
 * and out of it. Together they visit every hook.
 */
export function everyWay(family: Family, layer: Layer, fields: { ttl?: number; tos?: number } = {}) {
  const a = addresses(family);
  return [
    arrives('eth0', ip({ saddr: a.outside, daddr: a.self, ...fields }, layer)),
    arrives('eth1', ip({ saddr: a.inside, daddr: a.far, ...fields }, layer)),
    leaves('eth0', ip({ saddr: a.self, daddr: a.far, ...fields }, layer)),
  ];
}

export interface MatchTable {
  /** The extension, and the first part of the ids. */
  readonly name: string;
  readonly families: readonly Family[];
  /**
   * Matches as a rule writes them. Each '{!}' stands for a place that may be negated: such a match gives two rules,
   * with nothing and with '!' there. A function, where the words depend on the family.
   */
  readonly matches: readonly (string | ((family: Family) => string))[];
  readonly packets: (family: Family) => readonly CasePacket[];
  /** 'mangle' when absent: the only table that stands in every hook. */
  readonly table?: Table;
  /** The chains that the rules stand in; all of the table when absent. */
  readonly chains?: readonly string[];
  readonly host?: Host;
  readonly ipset?: string;
  /** Rules of other tables in front, e.g. one that sets a mark. */
  readonly before?: (family: Family) => string;
  readonly conntrack?: boolean;
  readonly more?: Partial<Case>;
}

/**
 * One case for each match: rules with it and its negation, without a target, in every chain; and all the packets.
 * The rules decide nothing, so every packet meets every rule of the hooks that it visits.
 */
export function matchCases(of: MatchTable): Case[] {
  const chains = of.chains ?? CHAINS[of.table ?? 'mangle'];
  const ids = new Set<string>();
  return of.matches.map((match) => {
    const dump = (family: Family) => {
      const words = typeof match === 'string' ? match : match(family);
      const forms = words.includes('{!}')
        ? [words.replaceAll('{!}', ''), words.replaceAll('{!}', '! ')]
        : [words];
      const rules = chains.flatMap((chain) => forms.map((form) => `${chain} ${form}`));
      return (of.before?.(family) ?? '') + table(of.table ?? 'mangle', ...rules);
    };
    const packets = of.families.flatMap((family) => of.packets(family));
    const id = unique(ids, `${of.name}/${slug(typeof match === 'string' ? match : match(of.families[0]!))}`);
    return {
      id,
      host: of.host ?? ROUTER,
      ...(of.families.includes(4) ? { rules4: dump(4) } : {}),
      ...(of.families.includes(6) ? { rules6: dump(6) } : {}),
      ...(of.ipset === undefined ? {} : { ipset: of.ipset }),
      packets,
      conntrack: of.conntrack ?? false,
      ...of.more,
    };
  });
}

/** The words of a match as a part of an id. */
export function slug(words: string): string {
  return words
    .replace(/(^| )-m \S+/g, '')
    .replace(/\{!\}|--/g, '')
    .replace(/[^A-Za-z0-9.:,=/-]+/g, '-')
    .replace(/^-+|-+$/g, '');
}

export function unique(taken: Set<string>, id: string): string {
  let name = id;
  for (let n = 2; taken.has(name); n++) name = `${id}#${n}`;
  taken.add(name);
  return name;
}

/** A case on the router: most of the hand-written ones. */
export function onRouter(
  id: string,
  rules: { v4?: string; v6?: string },
  packets: readonly CasePacket[],
  more: Partial<Case> = {},
): Case {
  return {
    id,
    host: ROUTER,
    ...(rules.v4 === undefined ? {} : { rules4: rules.v4 }),
    ...(rules.v6 === undefined ? {} : { rules6: rules.v6 }),
    packets,
    ...more,
  };
}
