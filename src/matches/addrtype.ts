import type { Family } from '../base/inet.ts';
import { defineMatch } from '../extension/define.ts';
import { defineSyntax, type KernelRule, type OptionCall } from '../extension/syntax.ts';
import { custom, flag } from '../extension/values.ts';
import type { Host } from '../host/types.ts';
import type { Packet } from '../packet/packet.ts';
import { R_DADDR, R_IIF, R_OIF, R_SADDR } from '../packet/registers.ts';

/** XT_ADDRTYPE_* by bit: include/uapi/linux/netfilter/xt_addrtype.h. */
const TYPES = [
  'UNSPEC',
  'UNICAST',
  'LOCAL',
  'BROADCAST',
  'ANYCAST',
  'MULTICAST',
  'BLACKHOLE',
  'UNREACHABLE',
  'PROHIBIT',
  'THROW',
  'NAT',
  'XRESOLVE',
] as const;

const bit = (name: (typeof TYPES)[number]) => 1 << TYPES.indexOf(name);
/** For IPv6 each of these must hold when asked for (match_type6()) … */
const ADDRESS_KINDS_6 = bit('UNSPEC') | bit('UNICAST') | bit('MULTICAST');
/** … and one of these, when any is asked for. */
const ROUTE_KINDS_6 = bit('LOCAL') | bit('ANYCAST') | bit('UNREACHABLE');

interface TypeTest {
  readonly types: number;
  readonly inverted: boolean;
}

interface AddrtypeOptions {
  readonly source: TypeTest | undefined;
  readonly destination: TypeTest | undefined;
  readonly limit: 'in' | 'out' | undefined;
}

function parseTypes(text: string, call: OptionCall): number {
  let types = 0;
  for (const part of text.split(',')) {
    const upper = part.toUpperCase();
    const index = part === '' ? -1 : TYPES.findIndex((name) => name.startsWith(upper));
    if (index < 0) call.fail(`addrtype: bad type "${part}"`, `Known: ${TYPES.join(' ')}.`);
    types |= 1 << index;
  }
  return types;
}

function typesToText(types: number): string {
  return TYPES.filter((_, i) => (types & (1 << i)) !== 0).join(',');
}

function kernelCheck(o: AddrtypeOptions, rule: KernelRule): string | undefined {
  const reached = (...hooks: string[]) => rule.hooks.some((hook) => hooks.includes(hook));
  if (o.limit === 'out' && reached('PREROUTING', 'INPUT')) {
    return 'xt_addrtype: output interface limitation not valid in PREROUTING and INPUT';
  }
  if (o.limit === 'in' && reached('POSTROUTING', 'OUTPUT')) {
    return 'xt_addrtype: input interface limitation not valid in POSTROUTING and OUTPUT';
  }
  if (rule.family === 4) return undefined;
  const types = (o.source?.types ?? 0) | (o.destination?.types ?? 0);
  if ((types & bit('BLACKHOLE')) !== 0) return 'xt_addrtype: ipv6 BLACKHOLE matching not supported';
  if (types >= bit('PROHIBIT')) {
    return 'xt_addrtype: ipv6 PROHIBIT (THROW, NAT ..) matching not supported';
  }
  if ((types & bit('BROADCAST')) !== 0) return 'xt_addrtype: ipv6 does not support BROADCAST matching';
  return undefined;
}

/** `-m addrtype`: what the routing tables say of an address. Linux: net/netfilter/xt_addrtype.c, addrtype_mt_v1(). */
export const addrtype = defineMatch<AddrtypeOptions, AddrtypeState>({
  name: 'addrtype',
  families: [4, 6],
  scope: 'connection',
  reads: (o) => [
    ...(o.source === undefined ? [] : (['saddr'] as const)),
    ...(o.destination === undefined ? [] : (['daddr'] as const)),
    ...(o.limit === undefined ? [] : (['iif', 'oif'] as const)),
  ],
  syntax: defineSyntax({
    options: {
      '--src-type': custom(parseTypes, { invertible: true }),
      '--dst-type': custom(parseTypes, { invertible: true }),
      '--limit-iface-in': flag({ excludes: ['--limit-iface-out'] }),
      '--limit-iface-out': flag({ excludes: ['--limit-iface-in'] }),
    },
    finalCheck: (v, rule) => {
      if (v['--src-type'] === undefined && v['--dst-type'] === undefined) {
        rule.fail('addrtype: you must specify --src-type or --dst-type');
      }
    },
    build: (v): AddrtypeOptions => ({
      source: typeTest(v['--src-type']),
      destination: typeTest(v['--dst-type']),
      limit: v['--limit-iface-in'] ? 'in' : v['--limit-iface-out'] ? 'out' : undefined,
    }),
    save: (o) =>
      save('--src-type', o.source) +
      save('--dst-type', o.destination) +
      (o.limit === undefined ? '' : ` --limit-iface-${o.limit}`),
    list: (o) =>
      `ADDRTYPE match${list('src-type', o.source)}${list('dst-type', o.destination)}` +
      (o.limit === undefined ? '' : ` limit-${o.limit}`),
    kernelCheck,
  }),
  prepare: (_, environment) => ({ host: environment.host, family: environment.family }),
  evaluate: (o, p, state) => {
    const interfaceId = o.limit === undefined ? 0 : p.r[o.limit === 'in' ? R_IIF : R_OIF]!;
    return (
      holds(o.source, p, R_SADDR, interfaceId, state) && holds(o.destination, p, R_DADDR, interfaceId, state)
    );
  },
});

interface AddrtypeState {
  readonly host: Host;
  readonly family: Family;
}

function typeTest(given: { value: number; inverted: boolean } | undefined): TypeTest | undefined {
  return given && { types: given.value, inverted: given.inverted };
}

function holds(
  wanted: TypeTest | undefined,
  p: Packet,
  at: number,
  interfaceId: number,
  { host, family }: AddrtypeState,
): boolean {
  if (wanted === undefined) return true;
  const types = host.addressTypes(family, p.r, at, interfaceId);
  return isOfType(wanted.types, types, family) !== wanted.inverted;
}

function isOfType(wanted: number, types: number, family: Family): boolean {
  if (family === 4) return (wanted & types) !== 0;
  if ((wanted & ADDRESS_KINDS_6 & ~types) !== 0) return false;
  const routes = wanted & ROUTE_KINDS_6;
  return routes === 0 || (routes & types) !== 0;
}

function save(option: string, o: TypeTest | undefined): string {
  return o === undefined ? '' : `${o.inverted ? ' !' : ''} ${option} ${typesToText(o.types)}`;
}

function list(name: string, o: TypeTest | undefined): string {
  return o === undefined ? '' : ` ${name} ${o.inverted ? '!' : ''}${typesToText(o.types)}`;
}
