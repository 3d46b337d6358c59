import { TRANSLATING } from '../compile/dependence.ts';
import type { Share } from '../decode/share.ts';
import { passesOn } from '../direction/direction-stage.ts';
import { loadHost } from '../host/load.ts';
import { NAT_PROTO_SPECIFIED, type NatRange } from '../packet/conntrack-access.ts';
import type { Rule, RuleMatch, RuleTarget } from '../ruleset/model.ts';
import type { LoadedRulesets, MachineConfig } from './machine.ts';

/**
 * How packets may be dealt into shares, or why they may not. `drawsPorts`: rules translate sources, so that of many connections
 * some are likely to be given another port, and the shares to be given up.
 */
export type Sharable =
  | { readonly by: Share['by']; readonly drawsPorts: boolean }
  | { readonly because: string };

/**
 * May connections be replayed apart from each other, each share of them by another thread (workers/shares.ts)? They may
 * where no rule, and nothing in the machine, looks at packets of one connection to judge those of another. What only the
 * packets tell (a port that has to be drawn, too many fragments) comes out during the replay: NotSharable.
 */
export function sharable(config: MachineConfig, { rulesets }: LoadedRulesets): Sharable {
  const host = loadHost(config.host, { captureInterfaces: config.captureInterfaces });
  if (config.perPacket) return { because: 'packets are listed one by one' };
  if (config.conntrack !== undefined && config.conntrack.text.trim() !== '')
    return { because: 'connections stood before the capture' };
  if (host.interfaces.some((iface) => iface?.kind === 'bridge')) return { because: 'the host has a bridge' };
  if (config.mayHoldEchoes && passesOn(host))
    return { because: 'captures do not tell which way packets went' };
  if (host.sysctl('net.netfilter.nf_conntrack_helper') !== 0)
    return { because: 'helpers expect connections' };
  let translates = false;
  let drawsPorts = false;
  for (const { ruleset } of rulesets) {
    for (const table of ruleset.tables) {
      for (const chain of table.chains) {
        for (const [i, rule] of chain.rules.entries()) {
          const name = entangles(rule);
          if (name !== undefined) return { because: `${name} in ${table.name} ${chain.name} ${i + 1}` };
          if (rule.target.kind !== 'extension') continue;
          const { name: target } = rule.target.definition;
          if (TRANSLATING.has(target)) translates = true;
          if (target === 'SNAT' || target === 'MASQUERADE') drawsPorts = true;
        }
      }
    }
  }
  return { by: translates ? 'ports' : 'addresses', drawsPorts };
}

/** What in a rule looks at more than one connection, or undefined. */
function entangles(rule: Rule): string | undefined {
  for (const match of rule.matches) if (matchEntangles(match)) return `-m ${match.definition.name}`;
  if (targetEntangles(rule.target)) return `-j ${targetName(rule.target)}`;
  return undefined;
}

/** Of scope 'global', but for what the connection itself has seen: accounts, labels, a hash of its source. */
const OF_ITS_CONNECTION: ReadonlySet<string> = new Set(['connbytes', 'connlabel', 'cluster']);
/** Expected connections; sockets that transparent proxies have taken over. */
const ENTANGLED_MATCHES: ReadonlySet<string> = new Set(['helper', 'socket']);

function matchEntangles({ definition, options }: RuleMatch): boolean {
  const { name, scope } = definition;
  if (ENTANGLED_MATCHES.has(name)) return true;
  if (OF_ITS_CONNECTION.has(name)) return false;
  return (typeof scope === 'function' ? scope(options) : scope) === 'global';
}

/** Neither change what others see nor which connection a packet belongs to. */
const PLAIN_TARGETS: ReadonlySet<string> = new Set([
  'ACCEPT',
  'DROP',
  'RETURN',
  'QUEUE',
  'REJECT',
  'LOG',
  'NFLOG',
  'NFQUEUE',
  'AUDIT',
  'TRACE',
  'MARK',
  'HMARK',
  'CONNMARK',
  'TOS',
  'DSCP',
  'ECN',
  'TTL',
  'HL',
  'CLASSIFY',
  'CHECKSUM',
  'TCPMSS',
  'TCPOPTSTRIP',
  'SECMARK',
  'CONNSECMARK',
  'NOTRACK',
]);

function targetEntangles(target: RuleTarget): boolean {
  if (target.kind !== 'extension') return false;
  const { definition, options } = target;
  switch (definition.name) {
    case 'CT':
      return (options as { helper: string }).helper !== '';
    case 'SNAT':
      // From several addresses one is chosen that the sender has had before (find_appropriate_src()).
      return hasPorts(options as NatRange) || isWide(options as NatRange);
    case 'MASQUERADE':
      return hasPorts(options as NatRange);
    case 'DNAT':
    case 'REDIRECT':
    case 'NETMAP':
      return false;
    default:
      return !PLAIN_TARGETS.has(definition.name);
  }
}

function hasPorts({ flags }: NatRange): boolean {
  return (flags & NAT_PROTO_SPECIFIED) !== 0;
}

function isWide({ minAddr, maxAddr }: NatRange): boolean {
  return minAddr.some((word, i) => word !== maxAddr[i]);
}

function targetName(target: RuleTarget): string {
  return target.kind === 'extension' ? target.definition.name : target.kind;
}
