/**
 * Random rules that translate, and that look at what was translated. What the kernel draws at random is left out as
 * far as a ruleset can leave it out; where a port is taken it is drawn all the same, and random-traffic.ts sees to that.
 */

import type { Dice } from '../conntrack/tcp-conversations.ts';
import { CHAINS, type Table } from '../kernel/cases/build.ts';
import { ADDRESSES, type Family } from './network.ts';

export const SERVER_PORTS = [80, 443, 5000];

type Chain = string;

export function randomNatRules(dice: Dice, family: Family): string {
  const nat = natRules(dice, family);
  const raw = dice.chance(25) ? rawRules(dice, family) : [];
  const tables: [Table, string[]][] = [
    ['raw', raw],
    ['mangle', lookingRules(dice, family, 'mangle')],
    ['nat', nat],
    ['filter', lookingRules(dice, family, 'filter')],
  ];
  return tables.map(([name, rules]) => dump(name, rules)).join('');
}

function dump(table: Table, rules: readonly string[]): string {
  const chains = CHAINS[table].map((chain) => `:${chain} ACCEPT [0:0]`);
  return [`*${table}`, ...chains, ...rules.map((rule) => `-A ${rule}`), 'COMMIT', ''].join('\n');
}

function natRules(dice: Dice, family: Family): string[] {
  const rules: string[] = [];
  const add = (
    chain: Chain,
    most: number,
    target: (dice: Dice, family: Family, protocol?: string) => string,
  ) => {
    for (let i = dice.below(most + 1); i > 0; i--) {
      const protocol = dice.chance(60) ? dice.pick(['tcp', 'tcp', 'udp']) : undefined;
      rules.push(`${chain}${where(dice, family, chain, protocol)} -j ${target(dice, family, protocol)}`);
    }
  };
  add('PREROUTING', 4, (d, f, protocol) => destination(d, f, protocol));
  add('OUTPUT', 2, (d, f, protocol) => destination(d, f, protocol));
  add('INPUT', 1, (d, f, protocol) => source(d, f, protocol, false));
  add('POSTROUTING', 4, (d, f, protocol) => source(d, f, protocol, true));
  return rules;
}

/** Which packets a translation is for. */
function where(dice: Dice, family: Family, chain: Chain, protocol: string | undefined): string {
  const a = ADDRESSES[family];
  let words = '';
  if (chain === 'PREROUTING' && dice.chance(50))
    words += ` -i ${dice.pick(['eth0', 'eth1', 'eth1', 'eth2'])}`;
  if (chain === 'POSTROUTING' && dice.chance(60))
    words += ` -o ${dice.pick(['eth1', 'eth1', 'eth2', 'eth0', 'eth+'])}`;
  if (dice.chance(20)) words += ` ${dice.chance(20) ? '! ' : ''}-s ${dice.pick(a.networks)}`;
  if (dice.chance(30))
    words += ` ${dice.chance(20) ? '! ' : ''}-d ${dice.pick([...a.networks, ...a.self, ...a.outside, a.pool(7)])}`;
  if (protocol !== undefined) {
    words += ` -p ${protocol}`;
    if (dice.chance(40)) words += ` -m ${protocol} --dport ${dice.pick(SERVER_PORTS)}`;
  }
  if (dice.chance(10))
    words += ` -m conntrack --ctstate ${dice.pick(['NEW', 'DNAT', 'NEW,RELATED', 'SNAT'])}`;
  return words;
}

function destination(dice: Dice, family: Family, protocol: string | undefined): string {
  const a = ADDRESSES[family];
  const what = dice.below(100);
  if (what < 8) return dice.pick(['ACCEPT', 'RETURN']);
  if (what < 25) {
    if (protocol === undefined) return 'REDIRECT';
    return `REDIRECT --to-ports ${dice.pick(['8080', '8000-8003', '80'])}`;
  }
  if (what < 37) return `NETMAP --to ${dice.pick(a.mapped)}`;
  const persistent = dice.chance(20) ? ' --persistent' : '';
  const to = dice.pick([
    a.servers[0],
    a.servers[1],
    a.inside[0],
    a.pool(9),
    `${a.servers[0]}-${a.servers[1]}`,
    `${a.pool(16)}-${a.pool(40)}`,
    ...(dice.chance(20) ? [a.self[0], a.loopback] : []),
  ]);
  if (protocol === undefined || dice.chance(50)) return `DNAT --to-destination ${to}${persistent}`;
  // From a range the kernel tries one after the other, from the first on: nothing is drawn.
  return `DNAT --to-destination ${withPorts(family, to, dice.pick(['8080', '8080', '8000-8003', '5000-5100/5000']))}${persistent}`;
}

function source(dice: Dice, family: Family, protocol: string | undefined, mayMasquerade: boolean): string {
  const a = ADDRESSES[family];
  const what = dice.below(100);
  if (what < 8) return dice.pick(['ACCEPT', 'RETURN']);
  if (mayMasquerade && what < 45) {
    const ports =
      protocol !== undefined && dice.chance(20) ? ` --to-ports ${dice.pick(['1024-65535', '7777'])}` : '';
    return `MASQUERADE${ports}`;
  }
  if (what < 58) return `NETMAP --to ${dice.pick(a.mapped)}`;
  const persistent = dice.chance(20) ? ' --persistent' : '';
  const to = dice.pick([
    a.pool(5),
    a.pool(6),
    a.self[0],
    `${a.pool(16)}-${a.pool(40)}`,
    `${a.pool(100)}-${a.pool(101)}`,
  ]);
  if (protocol === undefined || dice.chance(70)) return `SNAT --to-source ${to}${persistent}`;
  return `SNAT --to-source ${withPorts(family, to, dice.pick(['1024-65535', '1-65535', '4444']))}${persistent}`;
}

function withPorts(family: Family, to: string, ports: string): string {
  return family === 4 ? `${to}:${ports}` : `[${to}]:${ports}`;
}

function rawRules(dice: Dice, family: Family): string[] {
  const a = ADDRESSES[family];
  const targets = ['CT --notrack', 'CT --zone 3', 'CT --zone-orig 3', 'CT --zone-reply 3', 'CT', 'DROP'];
  return Array.from({ length: 1 + dice.below(2) }, () => {
    const narrow = ` -s ${dice.pick([...a.inside, ...a.outside, ...a.servers])}`;
    return `${dice.pick(['PREROUTING', 'PREROUTING', 'OUTPUT'])}${narrow} -j ${dice.pick(targets)}`;
  });
}

/** Rules that count, and now and then decide. */
function lookingRules(dice: Dice, family: Family, table: 'mangle' | 'filter'): string[] {
  return Array.from({ length: 6 + dice.below(10) }, () => {
    const chain = dice.pick(CHAINS[table]);
    let words = '';
    const isIn = chain === 'PREROUTING' || chain === 'INPUT' || chain === 'FORWARD';
    const isOut = chain === 'OUTPUT' || chain === 'POSTROUTING' || chain === 'FORWARD';
    if (isIn && dice.chance(10)) words += ` -i ${dice.pick(['eth0', 'eth1', 'eth2', 'lo'])}`;
    if (isOut && dice.chance(10)) words += ` -o ${dice.pick(['eth0', 'eth1', 'eth2', 'lo'])}`;
    if (dice.chance(15)) words += ` -${dice.pick(['s', 'd'])} ${dice.pick(ADDRESSES[family].networks)}`;
    if (dice.chance(15)) words += ` -p ${dice.pick(['tcp', 'udp'])}`;
    words += ` -m conntrack ${connectionMatch(dice, family)}`;
    if (dice.chance(25)) words += ` -m conntrack ${connectionMatch(dice, family)}`;
    const what = dice.below(100);
    if (what < 4) return `${chain}${words} -j DROP`;
    if (what < 10) return `${chain}${words} -j ACCEPT`;
    if (what < 16)
      return `${chain}${words} -j CONNMARK ${dice.pick(['--set-mark 1', '--or-mark 2', '--save-mark'])}`;
    if (what < 19) return `${chain}${words} -j MARK --set-mark 5`;
    if (what < 22)
      return `${chain}${words} -m connbytes --connbytes ${dice.pick(['3', '2:5', '200:'])} --connbytes-dir ${dice.pick(['original', 'reply', 'both'])} --connbytes-mode ${dice.pick(['packets', 'bytes', 'avgpkt'])}`;
    return `${chain}${words}`;
  });
}

function connectionMatch(dice: Dice, family: Family): string {
  const a = ADDRESSES[family];
  const not = dice.chance(20) ? '! ' : '';
  const own = [...a.self, a.selfInside, a.pool(5)];
  const port = () => dice.pick(['80', '443', '5000', '8080', '8000:8003', '1024:65535']);
  return dice.pick([
    () =>
      `${not}--ctstate ${dice.pick(['NEW', 'ESTABLISHED', 'RELATED', 'INVALID', 'UNTRACKED', 'SNAT', 'DNAT', 'SNAT,DNAT', 'NEW,RELATED'])}`,
    () => `${not}--ctstate ${dice.pick(['NEW', 'ESTABLISHED', 'INVALID', 'SNAT', 'DNAT'])}`,
    () =>
      `${not}--ctstatus ${dice.pick(['NONE', 'EXPECTED', 'SEEN_REPLY', 'ASSURED', 'CONFIRMED', 'SEEN_REPLY,ASSURED'])}`,
    () => `--ctdir ${dice.pick(['ORIGINAL', 'REPLY'])}`,
    () => `${not}--ctproto ${dice.pick(['tcp', 'udp', family === 4 ? '1' : '58'])}`,
    () => `${not}--ctorigsrc ${dice.pick([...a.inside, ...a.networks])}`,
    () => `${not}--ctorigdst ${dice.pick([...a.outside, ...own, ...a.networks])}`,
    () => `${not}--ctreplsrc ${dice.pick([...a.servers, ...own, ...a.networks])}`,
    () => `${not}--ctrepldst ${dice.pick([...own, ...a.inside, ...a.networks])}`,
    () => `${not}--ctorigsrcport ${dice.pick(['20000:20005', '20000:20010'])}`,
    () => `${not}--ctorigdstport ${port()}`,
    () => `${not}--ctreplsrcport ${port()}`,
  ])();
}
