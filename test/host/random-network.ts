import { randomWord } from '../../src/base/prng.ts';
import { KernelNetwork } from './kernel-network.ts';

/** Random numbers of a seed, one after the other. */
export class Dice {
  readonly seed: number;
  private drawn = 0;

  constructor(seed: number) {
    this.seed = seed;
  }

  below(limit: number): number {
    return randomWord(this.seed, this.drawn++, 0) % limit;
  }

  chance(percent: number): boolean {
    return this.below(100) < percent;
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)]!;
  }
}

export const INTERFACES = ['v0', 'v1', 'v2', 'v3'];
const TABLES = ['main', 'main', 'main', '100', '200', 'default', 'local'];
const TYPES = ['unicast', 'unicast', 'unicast', 'blackhole', 'unreachable', 'prohibit', 'throw'];

export interface Query {
  readonly src: string | undefined;
  readonly dst: string;
  readonly iif: string | undefined;
  readonly oif: string | undefined;
  readonly mark: number;
  readonly tos: number;
  /** ipproto, sport, dport. */
  readonly ports: readonly [number, number, number] | undefined;
}

export function queryText(q: Query): string {
  const parts = [q.dst];
  if (q.src !== undefined) parts.push('from', q.src);
  if (q.iif !== undefined) parts.push('iif', q.iif);
  if (q.oif !== undefined) parts.push('oif', q.oif);
  if (q.mark !== 0) parts.push('mark', String(q.mark));
  if (q.tos !== 0) parts.push('tos', `0x${q.tos.toString(16)}`);
  if (q.ports !== undefined)
    parts.push('ipproto', String(q.ports[0]), 'sport', String(q.ports[1]), 'dport', String(q.ports[2]));
  return parts.join(' ');
}

/** Addresses from a small set, so that routes, rules and queries meet. */
export function randomAddress(family: 4 | 6, dice: Dice): string {
  if (family === 4)
    return `10.${dice.below(3)}.${dice.pick([0, 1, 2, 128])}.${dice.pick([0, 1, 2, 3, 127, 128, 129, 254, 255])}`;
  return `2001:db8:${dice.below(3)}:${dice.pick(['0', '1', '8000'])}::${dice.pick(['0', '1', '2', '3', 'ffff'])}`;
}

function randomPrefix(family: 4 | 6, dice: Dice): string {
  if (family === 4) {
    const length = dice.pick([0, 8, 9, 15, 16, 17, 23, 24, 25, 30, 31, 32, 32]);
    return length === 0 ? 'default' : maskText4(randomAddress(4, dice), length);
  }
  const length = dice.pick([0, 32, 47, 48, 49, 63, 64, 65, 127, 128, 128]);
  return length === 0 ? 'default' : `${maskText6(randomAddress(6, dice), length)}/${length}`;
}

function maskText4(address: string, length: number): string {
  const word = address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
  const size = 2 ** (32 - length);
  const masked = Math.floor(word / size) * size;
  return `${[24, 16, 8, 0].map((shift) => Math.floor(masked / 2 ** shift) % 256).join('.')}/${length}`;
}

/** The addresses above have bits in groups 3, 4 and 8 only. */
function maskText6(address: string, length: number): string {
  const groups = address.replace('::', ':0:0:0:').split(':');
  return groups
    .map((group, i) => {
      const bits = Math.min(16, Math.max(0, length - 16 * i));
      return (Number.parseInt(group, 16) & (0xffff << (16 - bits)) & 0xffff).toString(16);
    })
    .join(':');
}

/** A namespace with random addresses, routes, rules and sysctls of the family. */
export function randomNetwork(family: 4 | 6, dice: Dice): { network: KernelNetwork; own: string[] } {
  const network = new KernelNetwork(`replay-host${family}-${dice.seed}`);
  const lines: string[] = ['link set lo up'];
  for (const [i, name] of INTERFACES.entries()) {
    lines.push(`link add ${name} type veth peer name w${i}`);
    lines.push(`link set ${name} addrgenmode none`, `link set w${i} addrgenmode none`);
    // v3 has no carrier: its peer stays down.
    lines.push(`link set ${name} up group ${i}`);
    if (i !== 3) lines.push(`link set w${i} up`);
  }
  network.batch(lines, true);
  network.sysctl(randomSysctls(family, dice));
  const own = family === 4 ? ['127.0.0.1'] : ['::1'];
  const addresses: string[] = [];
  for (const [i, name] of INTERFACES.entries()) {
    if (family === 6) addresses.push(`address add fe80::${i + 1}/64 dev ${name} nodad`);
    const count = dice.below(4) + (i === 0 ? 1 : 0);
    for (let n = 0; n < count; n++) {
      const address = randomAddress(family, dice);
      const length = dice.pick(
        family === 4 ? [8, 16, 24, 24, 25, 30, 31, 32] : [32, 48, 64, 64, 64, 127, 128],
      );
      own.push(address);
      const more =
        family === 4 ? dice.pick(['', 'brd +', 'scope link']) : dice.pick(['', '', 'preferred_lft 0']);
      addresses.push(`address add ${address}/${length} dev ${name} ${family === 6 ? 'nodad' : ''} ${more}`);
    }
  }
  network.batch(addresses, true, family);
  network.batch(randomRoutes(family, dice, own), true, family);
  if (dice.chance(70)) network.batch(randomRules(family, dice), true, family);
  const shown = JSON.parse(network.run('ip', '-j', `-${family}`, 'address', 'show')) as {
    addr_info?: { local?: string }[];
  }[];
  const present = shown.flatMap((entry) => entry.addr_info ?? []).map((entry) => entry.local!);
  return { network, own: present.filter((address) => address !== undefined) };
}

function randomSysctls(family: 4 | 6, dice: Dice): string[] {
  const forwarding = dice.chance(80) ? 1 : 0;
  if (family === 6)
    return [
      `net.ipv6.conf.all.forwarding=${forwarding}`,
      ...INTERFACES.map((name) => `net.ipv6.conf.${name}.ignore_routes_with_linkdown=${dice.below(2)}`),
    ];
  const out = [`net.ipv4.ip_forward=${forwarding}`];
  out.push(`net.ipv4.conf.all.rp_filter=${dice.pick([0, 0, 0, 1, 2])}`);
  for (const key of ['accept_local', 'route_localnet', 'src_valid_mark', 'send_redirects', 'bc_forwarding'])
    out.push(`net.ipv4.conf.all.${key}=${key === 'bc_forwarding' ? 1 : dice.chance(20) ? 1 : 0}`);
  for (const name of INTERFACES) {
    out.push(`net.ipv4.conf.${name}.rp_filter=${dice.pick([0, 0, 1, 2])}`);
    if (dice.chance(20)) out.push(`net.ipv4.conf.${name}.forwarding=${1 - forwarding}`);
    for (const key of [
      'accept_local',
      'route_localnet',
      'src_valid_mark',
      'send_redirects',
      'bc_forwarding',
      'ignore_routes_with_linkdown',
    ])
      out.push(`net.ipv4.conf.${name}.${key}=${dice.chance(25) ? 1 : 0}`);
  }
  return out;
}

function randomRoutes(family: 4 | 6, dice: Dice, own: readonly string[]): string[] {
  const lines: string[] = [];
  const count = 10 + dice.below(30);
  for (let n = 0; n < count; n++) {
    const type = dice.pick(TYPES);
    const table = dice.pick(TABLES);
    const dev = dice.pick(INTERFACES);
    const gateway = `via ${randomAddress(family, dice)} dev ${dev} onlink`;
    let way = '';
    if (type === 'unicast') {
      way = dice.chance(50) ? gateway : `dev ${dev}`;
      if (dice.chance(15))
        way = [0, 1, 2]
          .slice(0, 2 + dice.below(2))
          .map(
            () =>
              `nexthop via ${randomAddress(family, dice)} dev ${dice.pick(INTERFACES)} onlink weight ${1 + dice.below(3)}`,
          )
          .join(' ');
      else if (dice.chance(18)) way += ` src ${dice.pick(own)}`;
      if (family === 4 && dice.chance(10)) way += ` realm ${dice.below(5)}`;
    }
    const isLocal = table === 'local' || dice.chance(4);
    const from = family === 6 && dice.chance(12) ? `from ${randomPrefix(6, dice)}` : '';
    const tos = family === 4 && dice.chance(10) ? `tos ${dice.pick(['0x10', '0x08'])}` : '';
    lines.push(
      `route add ${isLocal ? 'local' : type} ${randomPrefix(family, dice)} ${from} ${tos} ${isLocal ? `dev ${dice.pick(['lo', dev])}` : way} table ${table} ${dice.chance(40) ? `metric ${dice.below(4) * 100 + 1}` : ''}`,
    );
  }
  return lines;
}

function randomRules(family: 4 | 6, dice: Dice): string[] {
  const lines: string[] = [];
  const count = dice.below(8);
  for (let n = 0; n < count; n++) {
    const parts = [`rule add prio ${dice.pick([10, 20, 30, 40, 50, 32766])}`];
    if (dice.chance(15)) parts.push('not');
    if (dice.chance(35)) parts.push(`from ${randomPrefix(family, dice).replace('default', 'all')}`);
    if (dice.chance(35)) parts.push(`to ${randomPrefix(family, dice).replace('default', 'all')}`);
    if (dice.chance(25)) parts.push(`iif ${dice.pick([...INTERFACES, 'lo', 'gone0'])}`);
    if (dice.chance(15)) parts.push(`oif ${dice.pick(INTERFACES)}`);
    if (dice.chance(30)) parts.push(`fwmark ${dice.below(4)}${dice.chance(50) ? `/${dice.below(4)}` : ''}`);
    if (dice.chance(10)) parts.push(`tos ${dice.pick(['0x10', '0x08'])}`);
    if (dice.chance(10)) parts.push(`ipproto ${dice.pick(['tcp', 'udp'])}`);
    if (dice.chance(10)) parts.push(dice.pick(['sport 1000-2000', 'dport 80']));
    if (dice.chance(10))
      parts.push(dice.pick(['suppress_prefixlength 0', 'suppress_prefixlength 24', 'suppress_ifgroup 1']));
    parts.push(
      dice.chance(75)
        ? `lookup ${dice.pick(['main', '100', '200', '100', '300'])}`
        : dice.pick(['blackhole', 'unreachable', 'prohibit', 'nop', 'goto 40', 'goto 50']),
    );
    lines.push(parts.join(' '));
  }
  // suppress_* only goes with a table; the kernel refuses the rest.
  if (family === 4 && dice.chance(20)) lines.push('rule add prio 5 lookup main realms 7/8');
  if (dice.chance(15)) lines.push(`rule del prio 0`, `rule add prio 25 lookup local`);
  return lines;
}

const SPECIAL_4 = [
  '0.0.0.0',
  '0.0.0.1',
  '127.0.0.1',
  '127.1.2.3',
  '224.0.0.1',
  '224.0.0.5',
  '239.1.2.3',
  '240.0.0.1',
  '255.255.255.255',
  '192.0.2.1',
  '169.254.1.1',
];
const SPECIAL_6 = [
  '::1',
  '::ffff:10.0.0.1',
  'fe80::1',
  'fe80::2',
  'fe80::99',
  'ff02::1',
  'ff02::99',
  'ff05::2',
  'ff0e::1',
  'fc00::1',
  '2002::1',
  '64:ff9b::1',
  '2001:db9::1',
];

function anyAddress(family: 4 | 6, dice: Dice, own: readonly string[]): string {
  const die = dice.below(100);
  if (die < 15) return dice.pick(own);
  if (die < 30) return dice.pick(family === 4 ? SPECIAL_4 : SPECIAL_6);
  return randomAddress(family, dice);
}

export function randomQueries(family: 4 | 6, dice: Dice, own: readonly string[], count: number): Query[] {
  const out: Query[] = [];
  for (let n = 0; n < count; n++) {
    const isInput = dice.chance(65);
    out.push({
      dst: anyAddress(family, dice, own),
      // The output path of `ip route get` refuses sources that are not the host's own.
      src: isInput ? anyAddress(family, dice, own) : dice.chance(50) ? dice.pick(own) : undefined,
      iif: isInput ? dice.pick(INTERFACES) : undefined,
      oif: !isInput && dice.chance(25) ? dice.pick(INTERFACES) : undefined,
      mark: dice.chance(40) ? dice.below(4) : 0,
      tos: dice.chance(25) ? dice.pick([0x10, 0x08, 0x0c, 0xb8]) : 0,
      ports: dice.chance(25)
        ? [dice.pick([6, 17]), dice.pick([999, 1000, 1500, 2001]), dice.pick([80, 81])]
        : undefined,
    });
  }
  return out;
}
