import { Random } from '../base/random.ts';
import {
  CLIENT_NET6,
  CLIENTS,
  clientAddress4,
  portOf,
  SERVER_NET6,
  SERVER_PREFIX4,
  SERVICES,
  serverAddress4,
  serverOf,
  VIRTUAL_PREFIX4,
} from '../traffic/address-plan.ts';
import { HARD_SHAPES, hardRule, text4 } from './hard-shapes.ts';

export const SHAPES = ['acl', 'kube', ...HARD_SHAPES] as const;
export type Shape = (typeof SHAPES)[number];

export interface RulesetOptions {
  readonly shape: Shape;
  /** Rules that a packet has to pass which none of them matches. */
  readonly rules: number;
  /**
   * A rule in front that accepts established connections, so that only first packets go through the rest. Connections
   * are tracked without it, too, for INPUT's sake.
   */
  readonly stateful: boolean;
  readonly seed: number;
  readonly family: 4 | 6;
  /** Rules (`-m …`) of FORWARD in front of all others. They only count: every packet is asked. */
  readonly front?: readonly string[];
  /** Chains that lead from one to the next, so many deep, before the list; every packet goes down and comes back. */
  readonly depth?: number;
  /** All is translated, for traffic of the profile `translated` (IPv4). */
  readonly translating?: boolean;
}

/** Every so many rules one is about clients that there are; the others never match. */
const RULES_PER_REAL_ONE = 16;

/**
 * An iptables-save dump whose FORWARD chain is a long list, as firewalls (`acl`) or kube-proxy (`kube`) have them,
 * about the clients and services of the address plan. Few packets match before the end of the list, where the last
 * rule accepts the rest: a plain walk has to look at nearly all rules. The other tables are there, with policies
 * only. Shapes that are hard for an index: hard-shapes.ts.
 */
export function rulesetText(options: RulesetOptions): string {
  const random = new Random(options.seed);
  const lines: string[] = [];
  const chains: string[] = [];
  const established = '-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT';
  lines.push(`-A INPUT ${established}`);
  for (const rule of options.front ?? []) lines.push(`-A FORWARD ${rule}`);
  if (options.stateful) lines.push(`-A FORWARD ${established}`);
  addDescent(options.depth ?? 0, chains, lines);
  if (options.shape === 'acl') {
    for (let i = 0; i < options.rules; i++) lines.push(aclRule(options.family, i, random));
  } else if (options.shape === 'kube') addKubeRules(options, random, chains, lines);
  else {
    if (options.family === 6) throw new Error(`rules of shape ${options.shape} are of IPv4`);
    for (let i = 0; i < options.rules; i++) lines.push(hardRule(options.shape, i, random));
  }
  lines.push('-A FORWARD -j ACCEPT');
  const head = ['*filter', ':INPUT ACCEPT [0:0]', ':FORWARD DROP [0:0]', ':OUTPUT ACCEPT [0:0]'];
  const filter = [...head, ...chains, ...lines, 'COMMIT'];
  return [...otherTables(options.translating === true && options.family === 4), ...filter, ''].join('\n');
}

function otherTables(translating: boolean): string[] {
  const table = (name: string, hooks: string, ...rules: string[]): string[] => [
    `*${name}`,
    ...hooks.split(' ').map((hook) => `:${hook} ACCEPT [0:0]`),
    ...rules,
    'COMMIT',
  ];
  const netmap = `-A PREROUTING -d ${VIRTUAL_PREFIX4} -j NETMAP --to ${SERVER_PREFIX4}`;
  const masquerade = '-A POSTROUTING -o eth0 -j MASQUERADE';
  return [
    ...table('raw', 'PREROUTING OUTPUT'),
    ...table('mangle', 'PREROUTING INPUT FORWARD OUTPUT POSTROUTING'),
    ...table('nat', 'PREROUTING INPUT OUTPUT POSTROUTING', ...(translating ? [netmap, masquerade] : [])),
    ...table('security', 'INPUT FORWARD OUTPUT'),
  ];
}

/** Each chain has a rule that does not match, leads on to the next, and has one more after coming back. */
function addDescent(depth: number, chains: string[], lines: string[]): void {
  if (depth > 0) lines.push('-A FORWARD -j DOWN-1');
  for (let i = 1; i <= depth; i++) {
    chains.push(`:DOWN-${i} - [0:0]`);
    lines.push(`-A DOWN-${i} -p sctp -j DROP`);
    if (i < depth) lines.push(`-A DOWN-${i} -j DOWN-${i + 1}`);
    lines.push(`-A DOWN-${i} -p dccp -j DROP`);
  }
}

/** `-s NET -d NET -p tcp --dport PORT`: who may use what. */
function aclRule(family: 4 | 6, i: number, random: Random): string {
  const service = random.below(SERVICES);
  const isReal = i % RULES_PER_REAL_ONE === RULES_PER_REAL_ONE - 1;
  const source = isReal ? realNet(family, random) : absentNet(family, random);
  const destination = `${serverText(family, service)}/${family === 4 ? 32 : 128}`;
  return `-A FORWARD -s ${source} -d ${destination} -p tcp -m tcp --dport ${portOf(service)} -j ACCEPT`;
}

/** A network in which there are clients. */
function realNet(family: 4 | 6, random: Random): string {
  const client = random.below(CLIENTS);
  if (family === 6) {
    const length = 112 + random.below(12);
    return `${text6(CLIENT_NET6, client & (-1 << (128 - length)))}/${length}`;
  }
  const length = 10 + random.below(8);
  return `${text4(clientAddress4(client) & (-1 << (32 - length)))}/${length}`;
}

/** A network without clients: 10.1.0.0 to 10.127.255.255, 2001:db8:1:0:1::/80. */
function absentNet(family: 4 | 6, random: Random): string {
  if (family === 6) {
    const length = 112 + random.below(17);
    return `${text6([CLIENT_NET6[0], CLIENT_NET6[1], 1], masked(random.word(), length - 96))}/${length}`;
  }
  const length = 16 + random.below(17);
  const address = 0x0a010000 + random.below(127 * 65536);
  return `${text4(masked(address, length))}/${length}`;
}

function masked(word: number, bits: number): number {
  return bits === 0 ? 0 : word & (-1 << (32 - bits));
}

/**
 * `-d ADDRESS/32 -p tcp --dport PORT -j KUBE-SVC-…`, a chain for each service; nearly all services are of
 * addresses that nobody in the capture talks to.
 */
function addKubeRules(options: RulesetOptions, random: Random, chains: string[], lines: string[]): void {
  const { family, rules } = options;
  chains.push(':KUBE-SERVICES - [0:0]');
  lines.push('-A FORWARD -j KUBE-SERVICES');
  const bodies: string[] = [];
  for (let i = 0; i < rules; i++) {
    const isReal = i % RULES_PER_REAL_ONE === RULES_PER_REAL_ONE - 1;
    const service = random.below(SERVICES);
    const chain = `KUBE-SVC-${chainName(i, random)}`;
    const address = isReal ? serverText(family, service) : clusterAddress(family, i);
    const host = `${address}/${family === 4 ? 32 : 128}`;
    chains.push(`:${chain} - [0:0]`);
    lines.push(`-A KUBE-SERVICES -d ${host} -p tcp -m tcp --dport ${portOf(service)} -j ${chain}`);
    bodies.push(`-A ${chain} -j ACCEPT`);
  }
  lines.push(...bodies);
}

/** 10.96.0.0/12 and on, as cluster addresses are; no packet goes there. */
function clusterAddress(family: 4 | 6, i: number): string {
  return family === 4 ? text4(0x0a600001 + i) : text6([0xfd000000, 0, 0], i + 1);
}

const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

/** Sixteen characters; the first four are the number, so that no two chains have one name. */
function chainName(i: number, random: Random): string {
  let name = '';
  for (let k = 15; k >= 0; k -= 5) name += BASE32[(i >> k) & 31];
  while (name.length < 16) name += BASE32[random.below(32)];
  return name;
}

function serverText(family: 4 | 6, service: number): string {
  const server = serverOf(service);
  return family === 4 ? text4(serverAddress4(server)) : text6(SERVER_NET6, server);
}

function text6(net: readonly number[], last: number): string {
  return [...net, last]
    .flatMap((word) => [word >>> 16, word & 0xffff])
    .map((half) => half.toString(16))
    .join(':');
}
