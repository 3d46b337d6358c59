/** Random sets, rules that ask and change them, and traffic between few addresses and ports: cases for the kernel. */

import { randomWord } from '../../src/base/prng.ts';
import { parseSets } from '../../src/ipset/parse.ts';
import { ETHERNET_ROUTER, MAC } from '../kernel/cases/hosts.ts';
import type { Case, CasePacket } from '../kernel/judge.ts';
import { ethernet, filler, gre, icmp, icmpv6, ip, type Layer, tcp, udp } from '../kernel/packets.ts';

type Family = 4 | 6;

class Dice {
  readonly #seed: number;
  #draws = 0;

  constructor(seed: number) {
    this.#seed = seed;
  }

  below(n: number): number {
    return randomWord(this.#seed, this.#draws++, 0) % n;
  }

  of<T>(values: readonly T[]): T {
    return values[this.below(values.length)]!;
  }

  chance(percent: number): boolean {
    return this.below(100) < percent;
  }
}

const ADDRESSES: Readonly<Record<Family, readonly string[]>> = {
  4: ['192.0.2.9', '192.0.2.10', '192.0.2.1', '10.0.0.9', '198.51.100.7', '203.0.113.8', '0.0.0.0'],
  6: ['2001:db8::9', '2001:db8::a', '2001:db8::1', '2001:db8:1::9', '2001:db8:f::7', '2001:db8:e::8', '::'],
};
const LENGTHS: Readonly<Record<Family, readonly number[]>> = {
  4: [32, 32, 31, 28, 24, 16, 8, 1],
  6: [128, 128, 127, 120, 64, 48, 33, 1],
};
const PORTS = [53, 80, 1024];

/** The hash types that the judge's kernel has: parts by name. */
const HASH_TYPES: readonly (readonly [string, readonly string[]])[] = [
  ['hash:ip', ['ip']],
  ['hash:net', ['net']],
  ['hash:ip,port', ['ip', 'port']],
  ['hash:ip,port,ip', ['ip', 'port', 'ip']],
  ['hash:ip,port,net', ['ip', 'port', 'net']],
  ['hash:net,port', ['net', 'port']],
  ['hash:net,iface', ['net', 'iface']],
];

interface MadeSet {
  readonly name: string;
  readonly family: Family | 0;
  readonly parts: number;
  readonly text: string;
}

function part(kind: string, family: Family, d: Dice): string {
  // The last address is all zeros, which most types refuse.
  const address = () => d.of(ADDRESSES[family].slice(0, -1));
  switch (kind) {
    case 'ip':
      return address();
    case 'net':
      return `${address()}/${d.of(LENGTHS[family])}`;
    case 'iface':
      return d.of(['eth0', 'eth1', 'lo']);
    case 'port':
      return d.of([
        `tcp:${d.of(PORTS)}`,
        `udp:${d.of(PORTS)}`,
        family === 4 ? 'icmp:echo-request' : 'icmpv6:echo-request',
        'gre:0',
        `tcp:${d.of(PORTS)}`,
        `udp:${d.of(PORTS)}`,
      ]);
  }
  throw new Error(kind);
}

function extensions(d: Dice): string[] {
  return [
    ...(d.chance(40) ? ['counters'] : []),
    ...(d.chance(40) ? ['skbinfo'] : []),
    ...(d.chance(20) ? ['comment'] : []),
  ];
}

function values(made: readonly string[], d: Dice): string {
  let text = '';
  if (made.includes('counters') && d.chance(50)) text += ` packets ${d.below(4)} bytes ${d.below(200)}`;
  if (made.includes('skbinfo') && d.chance(70))
    text += ` skbmark 0x${d.below(8)}/0x${d.of(['f', '1', 'ffffffff'])}`;
  return text;
}

function hashSet(name: string, family: Family, d: Dice): MadeSet {
  const [type, parts] = d.of(HASH_TYPES);
  const made = extensions(d);
  let options = family === 6 ? ' family inet6' : '';
  if (d.chance(20) && (type === 'hash:ip' || type === 'hash:ip,port')) {
    options += family === 4 ? d.of([' netmask 24', ' bitmask 255.255.0.3']) : ' netmask 64';
  }
  if (d.chance(15)) options += ' maxelem 3';
  const lines = [`create ${name} ${type}${options}${made.map((one) => ` ${one}`).join('')}`];
  for (let i = d.below(options.includes('maxelem') ? 4 : 9); i > 0; i--) {
    const element = parts.map((kind) => part(kind, family, d)).join(',');
    const nomatch = parts.includes('net') && d.chance(25) ? ' nomatch' : '';
    lines.push(`add ${name} ${element}${values(made, d)}${nomatch}`);
  }
  return { name, family, parts: parts.length, text: accepted(lines) };
}

/** The lines without elements that are there already, as different words may say the same network. */
function accepted(lines: readonly string[]): string {
  const wrong = new Set(parseSets(lines.join('\n'), 'random').findings.map(({ position }) => position.line));
  return `${lines.filter((_, i) => !wrong.has(i + 1)).join('\n')}\n`;
}

function bitmapSet(name: string, d: Dice): MadeSet {
  const made = extensions(d);
  const tail = made.map((one) => ` ${one}`).join('');
  const kind = d.below(3);
  if (kind === 0) {
    const text = `create ${name} bitmap:port range 50-1024${tail}\nadd ${name} ${d.of(PORTS)}${values(made, d)}\n`;
    return { name, family: 0, parts: 1, text };
  }
  if (kind === 1) {
    const netmask = d.chance(30) ? ' netmask 28' : '';
    const text = `create ${name} bitmap:ip range 192.0.2.0/24${netmask}${tail}\nadd ${name} 192.0.2.9${values(made, d)}\n`;
    return { name, family: 4, parts: 1, text };
  }
  const mac = d.chance(50) ? `,${d.of([MAC.outside, MAC.inside])}` : '';
  const text = `create ${name} bitmap:ip,mac range 192.0.2.0/24${tail}\nadd ${name} 192.0.2.9${mac}${values(made, d)}\n`;
  return { name, family: 4, parts: 2, text };
}

function directions(set: MadeSet, d: Dice): string {
  // Sometimes one word too few, which never matches, or one too many, which is not looked at.
  const count = Math.max(1, set.parts + (d.chance(10) ? d.of([-1, 1]) : 0));
  return Array.from({ length: count }, () => d.of(['src', 'dst'])).join(',');
}

function match(set: MadeSet, d: Dice): string {
  const not = d.chance(20) ? '! ' : '';
  let text = `-m set ${not}--match-set ${set.name} ${directions(set, d)}`;
  if (d.chance(15)) text += ' --return-nomatch';
  if (d.chance(15)) text += ' ! --update-counters';
  if (d.chance(15)) text += ' ! --update-subcounters';
  if (d.chance(15)) text += ` --packets-${d.of(['lt', 'gt', 'eq'])} ${d.below(6)}`;
  if (d.chance(10)) text += ` ! --bytes-eq ${28 + d.below(60)}`;
  return text;
}

function rule(sets: readonly MadeSet[], chain: string, d: Dice): string {
  const set = d.of(sets);
  const words = d.chance(20) ? `-m mark --mark 0x${d.below(4)}/0x3` : match(set, d);
  const target = d.below(10);
  let act = '';
  if (target === 0)
    act = ` -j SET --add-set ${set.name} ${directions(set, d)}${d.chance(40) ? ' --exist' : ''}`;
  else if (target === 1) act = ` -j SET --del-set ${set.name} ${directions(set, d)}`;
  else if (target < 4) act = ` -j SET --map-set ${set.name} ${directions(set, d)} --map-mark`;
  return `-A ${chain} ${target < 4 && d.chance(50) ? '' : words}${act}`.replace(/ +/g, ' ');
}

function layer(family: Family, d: Dice): Layer {
  const ports = () => ({ sport: d.of(PORTS), dport: d.of(PORTS) });
  switch (d.below(6)) {
    case 0:
    case 1:
      return tcp({ ...ports(), flags: 'S' });
    case 2:
      return family === 4
        ? icmp({ type: d.of([8, 13]), code: 0 })
        : icmpv6({ type: d.of([128, 129]), code: 0 });
    case 3:
      return gre({ payload: filler(4) });
    default:
      return udp({ ...ports(), payload: filler(d.below(40)) });
  }
}

function packet(family: Family, d: Dice): CasePacket {
  const [outside, outside2, self, inside, far, far2] = ADDRESSES[family] as readonly string[] as [
    string,
    string,
    string,
    string,
    string,
    string,
  ];
  const iface = d.of(['eth0', 'eth1'] as const);
  const saddr = iface === 'eth0' ? d.of([outside, outside2, far, far2]) : inside;
  const daddr = iface === 'eth0' ? d.of([self, self, inside]) : d.of([self, outside, far]);
  const [to, from] = iface === 'eth0' ? [MAC.eth0, MAC.outside] : [MAC.eth1, MAC.inside];
  const bytes = ethernet({ dst: to, src: from }, ip({ saddr, daddr }, layer(family, d)));
  return { iface, dir: 'in', hex: Buffer.from(bytes).toString('hex') };
}

export function randomSetCase(seed: number): Case {
  const d = new Dice(seed);
  const sets: MadeSet[] = [];
  for (const family of [4, 6] as const) {
    for (let i = 0; i < 4; i++) sets.push(hashSet(`h${family}${i}`, family, d));
  }
  for (let i = 0; i < 2; i++) sets.push(bitmapSet(`b${i}`, d));
  const made = extensions(d);
  const members = sets.filter(() => d.chance(30));
  const list: MadeSet = {
    name: 'list',
    family: 0,
    parts: 1 + d.below(2),
    text:
      `create list list:set${made.map((one) => ` ${one}`).join('')}\n` +
      members.map(({ name }) => `add list ${name}${values(made, d)}\n`).join(''),
  };
  sets.push(list);
  const dump = (family: Family) => {
    const usable = sets.filter((set) => set.family === family || set.family === 0);
    const lines: string[] = [];
    for (const chain of ['PREROUTING', 'INPUT', 'FORWARD', 'POSTROUTING']) {
      for (let i = 0; i < 8; i++) lines.push(rule(usable, chain, d));
    }
    return `*mangle\n${lines.join('\n')}\nCOMMIT\n`;
  };
  return {
    id: `sets/${seed}`,
    host: ETHERNET_ROUTER,
    ipset: sets.map(({ text }) => text).join(''),
    rules4: dump(4),
    rules6: dump(6),
    packets: Array.from({ length: 40 }, () => packet(d.of([4, 4, 6] as const), d)),
    conntrack: false,
  };
}
