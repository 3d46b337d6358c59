import type { Family } from '../base/inet.ts';
import { Fields, maskOf, realmNumber } from './fields.ts';
import type { JsonFile } from './host-file.ts';
import { DSFIELD_NAMES, type RouteReader } from './read-route.ts';
import {
  ACTION_BLACKHOLE,
  ACTION_GOTO,
  ACTION_NOP,
  ACTION_PROHIBIT,
  ACTION_TABLE,
  ACTION_UNREACHABLE,
  makeRule,
  type PolicyRule,
} from './rule.ts';

/** IP protocols by the names of /etc/protocols that `ip rule` may print. */
const PROTOCOLS: Readonly<Record<string, number>> = {
  ip: 0,
  icmp: 1,
  igmp: 2,
  tcp: 6,
  udp: 17,
  dccp: 33,
  gre: 47,
  esp: 50,
  ah: 51,
  'ipv6-icmp': 58,
  ospf: 89,
  pim: 103,
  vrrp: 112,
  sctp: 132,
  udplite: 136,
};

const ACTIONS: Readonly<Record<string, number>> = {
  blackhole: ACTION_BLACKHOLE,
  unreachable: ACTION_UNREACHABLE,
  prohibit: ACTION_PROHIBIT,
};

/** Reads `ip -j rule show` or `ip -j -6 rule show`. The rules come in the order in which the kernel asks them. */
export function readRuleJson(file: JsonFile, family: Family, reader: RouteReader): PolicyRule[] {
  const read = file.entries().map(({ entry, index }) => {
    const fields = new Fields(file, [index], entry);
    return { fields, rule: readRule(fields, family, reader) };
  });
  return read.map(({ fields, rule }) => {
    if (rule.action !== ACTION_GOTO) return rule;
    const target = fields.number('goto');
    return { ...rule, gotoIndex: read.findIndex((other) => other.rule.priority === target) };
  });
}

function readRule(fields: Fields, family: Family, reader: RouteReader): PolicyRule {
  const priority = fields.integer('priority', 0, 0xffffffff) ?? 0;
  const src = fields.prefix('src', family, 'srclen');
  const dst = fields.prefix('dst', family, 'dstlen');
  const mark = fields.integer('fwmark', 0, 0xffffffff);
  const dscp = fields.numberOrName('dscp');
  const uidStart = fields.integer('uid_start', 0, 0xffffffff) ?? 0;
  if (fields.has('uid_start'))
    reader.assume(
      'A policy rule asks for a user id, which a capture does not tell: packets count as those of root.',
    );
  if (fields.has('tun_id'))
    reader.assume(
      'A policy rule asks for a tunnel id (tun_id), which a capture does not tell: it matches nothing.',
    );
  let action = ACTION_TABLE;
  let table = 0;
  const actionName = fields.string('action');
  if (fields.has('goto')) action = ACTION_GOTO;
  else if (fields.has('nop')) action = ACTION_NOP;
  else if (actionName !== undefined && actionName !== 'to_tbl') {
    const known = ACTIONS[actionName];
    if (known === undefined) fields.bad('action', `"${actionName}" is not an action of a policy rule`);
    action = known;
  }
  const l3mdev = fields.has('l3mdev');
  if (action === ACTION_TABLE && !l3mdev) {
    const name = fields.numberOrName('table');
    if (name === undefined) fields.bad('table', 'a policy rule without "table" or "action"');
    table = reader.tables.id(name);
  }
  return makeRule({
    priority,
    invert: fields.has('not'),
    src: src === undefined || src.length === 0 ? undefined : src.words,
    srcMask: src === undefined || src.length === 0 ? undefined : maskOf(family, src.length),
    dst: dst === undefined || dst.length === 0 ? undefined : dst.words,
    dstMask: dst === undefined || dst.length === 0 ? undefined : maskOf(family, dst.length),
    iif: readInterface(fields, 'iif', reader),
    oif: readInterface(fields, 'oif', reader),
    mark: (mark ?? 0) | 0,
    markMask: (fields.integer('fwmask', 0, 0xffffffff) ?? (mark === undefined ? 0 : 0xffffffff)) | 0,
    tos: readDsfield(fields),
    dscp:
      dscp === undefined
        ? 0
        : ((typeof dscp === 'number' ? dscp : (DSFIELD_NAMES[dscp] ?? 0) >> 2) << 2) & 0xfc,
    dscpMask: dscp === undefined ? 0 : ((fields.integer('dscp_mask', 0, 63) ?? 63) << 2) & 0xfc,
    ipproto: readProtocol(fields),
    ...readPorts(fields, 'sport'),
    ...readPorts(fields, 'dport'),
    uidMin: uidStart,
    uidMax: fields.integer('uid_end', 0, 0xffffffff) ?? 0xffffffff,
    l3mdev,
    tunId: fields.number('tun_id') ?? 0,
    action,
    table,
    suppressPrefixLength: fields.integer('suppress_prefixlen', -1, 128) ?? -1,
    suppressGroup: readGroup(fields),
    realm:
      ((realmNumber(fields.numberOrName('flow_from')) << 16) |
        realmNumber(fields.numberOrName('flow_to'))) >>>
      0,
    text: describe(fields, priority),
  });
}

/** `[detached]`: the interface does not exist, so that the rule can match no packet by it. */
function readInterface(fields: Fields, key: 'iif' | 'oif', reader: RouteReader): number {
  const name = fields.string(key);
  if (name === undefined) return 0;
  return fields.has(`${key}_detached`) ? -1 : reader.interfaceId(name);
}

function readDsfield(fields: Fields): number {
  const tos = fields.numberOrName('tos') ?? 0;
  return typeof tos === 'number' ? tos & 0xff : (DSFIELD_NAMES[tos] ?? 0);
}

function readProtocol(fields: Fields): number {
  const value = fields.numberOrName('ipproto');
  if (value === undefined || typeof value === 'number') return value ?? 0;
  const name = value.replace(/^ipproto-/, '');
  return PROTOCOLS[name] ?? fields.bad('ipproto', `"${value}" is not a protocol that is known here`);
}

function readPorts(fields: Fields, key: 'sport' | 'dport'): Partial<PolicyRule> {
  const one = fields.integer(key, 0, 65535);
  const min = one ?? fields.integer(`${key}_start`, 0, 65535);
  if (min === undefined) return {};
  const max = one ?? fields.integer(`${key}_end`, 0, 65535) ?? min;
  const mask = fields.integer(`${key}_mask`, 0, 65535) ?? 0xffff;
  return key === 'sport'
    ? { sportMin: min, sportMax: max, sportMask: mask }
    : { dportMin: min, dportMax: max, dportMask: mask };
}

function readGroup(fields: Fields): number {
  const group = fields.numberOrName('suppress_ifgroup');
  if (group === undefined) return -1;
  return typeof group === 'number' ? group : group === 'default' ? 0 : -1;
}

/** Near to what `ip rule` prints: every field of the entry, in the order of the file. */
function describe(fields: Fields, priority: number): string {
  const parts: string[] = [];
  for (const [key, value] of Object.entries(fields.raw)) {
    if (key === 'priority' || key === 'srclen' || key === 'dstlen' || key === 'fwmask') continue;
    if (key === 'src') parts.push('from', withLength(value, fields.raw.srclen));
    else if (key === 'dst') parts.push('to', withLength(value, fields.raw.dstlen));
    else if (key === 'table') parts.push('lookup', String(value));
    else if (key === 'action') parts.push(String(value));
    else if (key === 'fwmark')
      parts.push('fwmark', fields.raw.fwmask === undefined ? String(value) : `${value}/${fields.raw.fwmask}`);
    else parts.push(key, ...(value === null ? [] : [String(value)]));
  }
  return `rule ${priority}: ${parts.join(' ')}`;
}

function withLength(value: unknown, length: unknown): string {
  return length === undefined ? String(value) : `${value}/${length}`;
}
