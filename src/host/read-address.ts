import type { Family } from '../base/inet.ts';
import type { InterfaceAddress } from './device.ts';
import { Fields, parseAddress, type TableNames } from './fields.ts';
import type { JsonFile } from './host-file.ts';
import { SCOPE_UNIVERSE } from './route.ts';

/** One interface as address.json shows it, before ids are given. */
export interface InterfaceRecord {
  readonly name: string;
  readonly ifindex: number | undefined;
  readonly mac: Uint8Array | undefined;
  readonly mtu: number;
  readonly isLoopback: boolean;
  readonly isUp: boolean;
  readonly hasCarrier: boolean;
  readonly isMulticast: boolean;
  readonly isNoarp: boolean;
  readonly masterName: string | undefined;
  readonly linkName: string | undefined;
  readonly linkIfindex: number | undefined;
  readonly kind: string | undefined;
  readonly isHairpin: boolean | undefined;
  readonly vlanId: number | undefined;
  readonly group: number;
  readonly vrfTable: number;
  readonly addresses4: InterfaceAddress[];
  readonly addresses6: InterfaceAddress[];
}

const DEFAULT_MTU = 1500;

/** Reads `ip -j [-d] address show`. `assume` is told what the file leaves open. */
export function readAddressJson(
  file: JsonFile,
  tables: TableNames,
  assume: (sentence: string) => void,
): InterfaceRecord[] {
  const records: InterfaceRecord[] = [];
  const names = new Set<string>();
  for (const { entry, index } of file.entries()) {
    const fields = new Fields(file, [index], entry);
    const record = readInterface(fields, tables, assume);
    if (names.has(record.name)) fields.bad('ifname', `a second interface of the name "${record.name}"`);
    names.add(record.name);
    records.push(record);
  }
  guessBridges(records, assume);
  return records;
}

/** Names that people give to masters of other kinds. */
const NO_BRIDGE = /^(bond|team|vrf)/;

/**
 * Only `ip -d` says what kind of interface one is (`linkinfo`). Without it, an interface that others have as their
 * master is taken as a bridge, unless its name says otherwise.
 */
function guessBridges(records: InterfaceRecord[], assume: (sentence: string) => void): void {
  const masters = new Set(records.map(({ masterName }) => masterName));
  for (const [i, record] of records.entries()) {
    if (record.kind !== undefined || !masters.has(record.name) || NO_BRIDGE.test(record.name)) continue;
    records[i] = { ...record, kind: 'bridge' };
    assume(
      `${record.name} is taken as a bridge: address.json does not say its kind (ip -d -j address does).`,
    );
  }
}

function readInterface(
  fields: Fields,
  tables: TableNames,
  assume: (sentence: string) => void,
): InterfaceRecord {
  const written = fields.string('ifname');
  if (written === undefined || written === '') fields.bad('ifname', 'an interface without "ifname"');
  // iproute2 before 4.18 wrote "eth0.5@eth0" here.
  const [name, link] = written.split('@') as [string, string | undefined];
  const flags = fields.strings('flags');
  const linkType = fields.string('link_type');
  const info = fields.child('linkinfo');
  const data = info?.child('info_data');
  const linkName = fields.string('link') ?? link;
  const kind = info?.string('info_kind') ?? guessKind(name, linkName);
  const vrfTable = kind === 'vrf' ? data?.numberOrName('table') : undefined;
  const addresses4: InterfaceAddress[] = [];
  const addresses6: InterfaceAddress[] = [];
  for (const address of fields.objects('addr_info')) {
    const family = address.string('family');
    if (family === 'inet') addresses4.push(readAddress(address, 4));
    else if (family === 'inet6') addresses6.push(readAddress(address, 6));
  }
  return {
    name,
    ifindex: fields.integer('ifindex', 1, 0x7fffffff),
    mac: linkType === undefined || linkType === 'ether' ? readMac(fields) : undefined,
    mtu: fields.integer('mtu', 0, 0xffffffff) ?? DEFAULT_MTU,
    isLoopback:
      flags.includes('LOOPBACK') || linkType === 'loopback' || (flags.length === 0 && name === 'lo'),
    isUp: flags.length === 0 || flags.includes('UP'),
    hasCarrier: !flags.includes('NO-CARRIER') && (flags.length === 0 || flags.includes('LOWER_UP')),
    isMulticast: flags.length === 0 || flags.includes('MULTICAST'),
    isNoarp: flags.includes('NOARP'),
    masterName: fields.string('master'),
    linkName,
    linkIfindex: fields.integer('link_index', 0, 0x7fffffff),
    kind,
    isHairpin: readHairpin(info),
    vlanId: kind === 'vlan' ? (data?.integer('id', 0, 4095) ?? vlanOfName(name)) : undefined,
    group: readGroup(fields, name, assume),
    vrfTable: vrfTable === undefined ? 0 : tables.id(vrfTable),
    addresses4,
    addresses6,
  };
}

/** `linkinfo.info_slave_data.hairpin` of a port of a bridge. */
function readHairpin(info: Fields | undefined): boolean | undefined {
  const slave = info?.child('info_slave_data');
  return slave === undefined ? undefined : slave.flag('hairpin');
}

/** Without `-d` a VLAN shows only by its name and the interface below: eth0.100@eth0, vlan100@eth0. */
function guessKind(name: string, link: string | undefined): string | undefined {
  if (link === undefined || vlanOfName(name) === undefined) return undefined;
  return name === `${link}.${vlanOfName(name)}` || /^vlan\d+$/.test(name) ? 'vlan' : undefined;
}

function vlanOfName(name: string): number | undefined {
  const match = /(?:\.|^vlan)(\d{1,4})$/.exec(name);
  if (match === null) return undefined;
  const id = Number(match[1]);
  return id <= 4094 ? id : undefined;
}

function readGroup(fields: Fields, name: string, assume: (sentence: string) => void): number {
  const group = fields.numberOrName('group');
  if (group === undefined || group === 'default') return 0;
  if (typeof group === 'number') return group;
  assume(
    `The group of ${name} is given by the name "${group}", which only the machine's /etc/iproute2/group could translate: it matches no number.`,
  );
  return -1;
}

function readMac(fields: Fields): Uint8Array | undefined {
  const text = fields.string('address');
  if (text === undefined) return undefined;
  if (!/^([0-9a-fA-F]{2}:){5}[0-9a-fA-F]{2}$/.test(text)) return undefined;
  return Uint8Array.from(text.split(':'), (part) => Number.parseInt(part, 16));
}

function readAddress(fields: Fields, family: Family): InterfaceAddress {
  const address = fields.address('local', family);
  if (address === undefined) fields.bad('local', 'an address without "local"');
  const prefixLength = fields.integer('prefixlen', 0, family === 4 ? 32 : 128) ?? (family === 4 ? 32 : 128);
  const broadcast = family === 4 ? fields.address('broadcast', 4) : undefined;
  const isDadFailed = fields.flag('dadfailed');
  return {
    address,
    peer: fields.address('address', family) ?? address,
    prefixLength,
    broadcast: broadcast?.[0],
    scope: fields.scope('scope') ?? SCOPE_UNIVERSE,
    isSecondary: fields.flag('secondary') && family === 4,
    isDeprecated: fields.flag('deprecated'),
    isTentative: fields.flag('tentative') || isDadFailed,
    isOptimistic: fields.flag('optimistic'),
    isDadFailed,
    isTemporary: fields.flag('temporary') || (family === 6 && fields.flag('secondary')),
    isHome: fields.flag('home'),
    noPrefixRoute: fields.flag('noprefixroute'),
    metric: fields.integer('metric', 0, 0xffffffff) ?? 0,
  };
}

/** Reads `ip -j maddress show`: the groups that each interface has joined. */
export function readMaddrJson(file: JsonFile): Map<string, { groups4: Int32Array[]; groups6: Int32Array[] }> {
  const out = new Map<string, { groups4: Int32Array[]; groups6: Int32Array[] }>();
  for (const { entry, index } of file.entries()) {
    const fields = new Fields(file, [index], entry);
    const name = fields.string('ifname');
    if (name === undefined) continue;
    const groups4: Int32Array[] = [];
    const groups6: Int32Array[] = [];
    for (const group of fields.objects('maddr')) {
      const family = group.string('family');
      const text = group.string('address');
      if (text === undefined) continue;
      const words = parseAddress(text, family === 'inet6' ? 6 : 4);
      if (words !== undefined) (family === 'inet6' ? groups6 : groups4).push(words);
    }
    out.set(name, { groups4, groups6 });
  }
  return out;
}
