/**
 * Rulesets as the field's tools write them (field/*.v4, *.v6: docker, kube-proxy, firewalld …; their sets in *.ipset),
 * and random traffic that is aimed at their rules: each conversation has what one rule asks for, as far as its own words
 * tell, so that nearly every rule is come to.
 *
 * The first line of a ruleset names the interfaces of the machine and their addresses.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { arrives, type Family, leaves } from './cases/build.ts';
import type { Case, CasePacket, Host } from './judge.ts';
import { icmp, icmpv6, ip, type Layer, raw, SCTP, sctp, sctpInit, tcp, text, udp } from './packets.ts';
import { FIRST_SPORT, Random } from './random.ts';

const FOLDER = join(import.meta.dirname, 'field');

export interface FieldRuleset {
  /** 'docker.v4' */
  readonly name: string;
  readonly family: Family;
  readonly rules: string;
  readonly ipset: string | undefined;
  readonly host: Host;
  /** Accounting objects that it names. */
  readonly accounting: readonly string[];
}

export function fieldRulesets(): FieldRuleset[] {
  return readdirSync(FOLDER)
    .filter((file) => /\.v[46]$/.test(file))
    .sort()
    .map((name): FieldRuleset => {
      const rules = readFileSync(join(FOLDER, name), 'utf8');
      const sets = join(FOLDER, `${name}.ipset`);
      const family = name.endsWith('6') ? 6 : 4;
      return {
        name,
        family,
        rules,
        ipset: existsSync(sets) ? readFileSync(sets, 'utf8') : undefined,
        host: hostOf(rules, family),
        accounting: [...new Set([...rules.matchAll(/--nfacct-name +(\S+)/g)].map(([, found]) => found!))],
      };
    });
}

function interfacesOf(rules: string): [name: string, address: string][] {
  const words = /^# Interfaces: (.*)$/m.exec(rules)?.[1] ?? '';
  return words.split(' ').map((word) => word.split('=') as [string, string]);
}

/** A router whose default route leaves by the first interface. */
function hostOf(rules: string, family: Family): Host {
  const all = interfacesOf(rules);
  const [first, address] = all[0]!;
  const gateway = address.replace(/[0-9a-f]+\/.*$/, family === 4 ? '254' : 'fe');
  return {
    interfaces: all.map(([name]) => ({ name })),
    addresses: all.map(([name, one]) => `${one} dev ${name}`),
    routes: [`${family === 4 ? 'default' : '::/0'} via ${gateway} dev ${first}`],
  };
}

/** The case of a ruleset and a seed. */
export function fieldCase(ruleset: FieldRuleset, seed: number): Case {
  const { name, family, host, ipset, accounting } = ruleset;
  // What the kernel draws by chance is drawn in turn here, and what depends on when it cleans up is out of reach.
  const rules = ruleset.rules
    .replace(/--mode random --probability \S+/g, '--mode nth --every 2 --packet 0')
    .replace(/--connlimit-above \d+/g, '--connlimit-above 500');
  return {
    id: `field/${name}/${seed}`,
    host,
    ...(family === 4 ? { rules4: rules } : { rules6: rules }),
    ...(ipset === undefined ? {} : { ipset }),
    ...(accounting.length === 0 ? {} : { accounting }),
    packets: new Traffic(ruleset, seed).packets(),
    varies: ['conntrack'],
  };
}

const CONVERSATIONS = 60;

class Traffic {
  readonly #random: Random;
  readonly #family: Family;
  readonly #rules: readonly string[];
  readonly #interfaces: [name: string, address: string][];
  readonly #addresses: readonly string[];
  readonly #ports: readonly number[];
  /** What connections are translated to, `address port`. */
  readonly #servers: readonly (readonly [string, number])[];

  constructor({ rules, family, ipset = '' }: FieldRuleset, seed: number) {
    this.#random = new Random(seed);
    this.#family = family;
    this.#rules = rules.split('\n').filter((line) => line.startsWith('-A'));
    this.#interfaces = interfacesOf(rules);
    const far =
      family === 4 ? ['192.0.2.9', '198.51.100.7', '203.0.113.8'] : ['2001:db8::9', '2001:db8:f::7'];
    const pattern =
      family === 4 ? /\d+\.\d+\.\d+\.\d+(?:\/\d+)?/g : /[0-9a-f]*:[0-9a-f:]*:[0-9a-f:]*(?:\/\d+)?/g;
    const named = [...`${rules}\n${ipset}`.matchAll(pattern)].map(([found]) => found);
    this.#addresses = [...new Set([...far, ...named.filter((one) => isUsable(one)).map(member)])];
    const ports = [...rules.matchAll(/--(?:dports?|sport) (\d+)/g)].map(([, port]) => Number(port));
    this.#ports = [...new Set([22, 53, 80, ...ports])];
    this.#servers = [...rules.matchAll(/--to-destination \[?([0-9a-f.:]+?)\]?(?::(\d+))?$/gm)]
      .filter(([, address]) => address !== '')
      .map(([, address, port]) => [address!, Number(port ?? 0)]);
  }

  packets(): CasePacket[] {
    const packets: CasePacket[] = [];
    const all = Array.from({ length: CONVERSATIONS }, (_, i) => this.#conversation(FIRST_SPORT + i));
    let open = all.filter((one) => one.length > 0);
    while (open.length > 0) {
      packets.push(this.#random.pick(open).shift()!);
      open = open.filter((one) => one.length > 0);
    }
    return packets;
  }

  #conversation(sport: number): CasePacket[] {
    const random = this.#random;
    const rule = random.pick(this.#rules);
    const word = (option: string): string | undefined =>
      new RegExp(`(?<!! )(?:^| )${option} (\\S+)`).exec(rule)?.[1];
    const inside = word('-i');
    const known = this.#interfaces.find(([name]) =>
      inside?.endsWith('+') ? name.startsWith(inside.slice(0, -1)) : name === inside,
    );
    const [iface] = known ?? random.pick(this.#interfaces);
    const saddr = this.#address(word('-s'));
    const daddr = this.#address(word('-d'));
    const dport = Number(/^\d+/.exec(word('--dports?') ?? '')?.[0] ?? random.pick(this.#ports));
    const protocol = word('-p') ?? random.pick(['tcp', 'tcp', 'udp', 'icmp']);
    const isOwn =
      rule.startsWith('-A OUTPUT') || known === undefined ? random.chance(0.4) : random.chance(0.1);
    const steps = this.#steps(protocol, Number(word('--sport') ?? sport), dport, rule);
    // Half of those that may be translated are answered by where they were sent to.
    const server = this.#servers.length > 0 && random.chance(0.5) ? random.pick(this.#servers) : undefined;
    return steps.flatMap(([direction, layer]) => {
      if (random.chance(0.05)) return [];
      if (direction === 'forth') return [this.#send(isOwn ? undefined : iface, saddr, daddr, layer(dport))];
      const from = server?.[0] ?? daddr;
      const own = this.#isOwn(from);
      const back = layer(server === undefined || server[1] === 0 ? dport : server[1]);
      return [this.#send(own ? undefined : this.#towards(from), from, saddr, back)];
    });
  }

  /** `iface` by which it arrives; undefined when this host sends it. */
  #send(iface: string | undefined, saddr: string, daddr: string, layer: Layer): CasePacket {
    if (iface !== undefined) return arrives(iface, ip({ saddr, daddr }, layer));
    // A raw socket would send from a group, too, but no host does.
    const source = /^(22[4-9]|23\d)\.|^ff/.test(saddr) ? bare(this.#interfaces[0]![1]) : saddr;
    const packet = ip({ saddr: source, daddr }, layer);
    return leaves(this.#isOwn(daddr) ? 'lo' : this.#towards(daddr), packet);
  }

  #steps(
    protocol: string,
    sport: number,
    dport: number,
    rule: string,
  ): [direction: 'forth' | 'back', layer: (server: number) => Layer][] {
    const flags = /(?<!! )--tcp-flags \S+ (\S+)/.exec(rule)?.[1] ?? 'SYN';
    switch (protocol) {
      case 'tcp':
        return [
          ['forth', () => tcp({ sport, dport, flags: short(flags), seq: 1000 })],
          ['back', (server) => tcp({ sport: server, dport: sport, flags: 'SA', seq: 5000, ack: 1001 })],
          [
            'forth',
            () => tcp({ sport, dport, flags: 'A', seq: 1001, ack: 5001, payload: text('GET / HTTP/1.1') }),
          ],
          ['back', (server) => tcp({ sport: server, dport: sport, flags: 'A', seq: 5001, ack: 1015 })],
          ['forth', () => tcp({ sport, dport, flags: 'FA', seq: 1015, ack: 5001 })],
        ];
      case 'udp':
        return [
          ['forth', () => udp({ sport, dport, payload: text('question') })],
          ['back', (server) => udp({ sport: server, dport: sport, payload: text('the answer') })],
          ['forth', () => udp({ sport, dport, payload: text('another') })],
        ];
      case 'icmp':
      case 'ipv6-icmp': {
        const echo = this.#family === 4 ? icmp : icmpv6;
        const [request, reply] = this.#family === 4 ? [8, 0] : [128, 129];
        const asked = /--icmp(?:v6)?-type (\d+)/.exec(rule)?.[1];
        if (asked !== undefined && Number(asked) !== request) {
          return [['forth', () => echo({ type: Number(asked), code: 0, payload: text('x') })]];
        }
        return [
          ['forth', () => echo({ type: request!, id: sport, seq: 1, payload: text('ping') })],
          ['back', () => echo({ type: reply!, id: sport, seq: 1, payload: text('ping') })],
        ];
      }
      case 'sctp':
        return [
          ['forth', () => sctp({ sport, dport, vtag: 0, chunks: [{ type: SCTP.INIT, value: sctpInit(7) }] })],
          [
            'back',
            (server) =>
              sctp({
                sport: server,
                dport: sport,
                vtag: 7,
                chunks: [{ type: SCTP.INIT_ACK, value: sctpInit(9) }],
              }),
          ],
        ];
      default:
        return [['forth', () => raw(NUMBERS[protocol] ?? 47, text('something'))]];
    }
  }

  #address(wanted: string | undefined): string {
    if (wanted !== undefined && isUsable(wanted)) return member(wanted);
    if (this.#random.chance(0.3)) return bare(this.#random.pick(this.#interfaces)[1]);
    return this.#random.pick(this.#addresses);
  }

  #isOwn(address: string): boolean {
    return (
      address.startsWith('127.') ||
      address === '::1' ||
      this.#interfaces.some(([, one]) => bare(one) === address)
    );
  }

  /** The interface in whose network the address seems to be: good enough to say where an answer comes from. */
  #towards(address: string): string {
    const near = this.#interfaces.find(
      ([, one]) => shared(bare(one), address) >= (this.#family === 4 ? 3 : 2),
    );
    return (near ?? this.#interfaces[0]!)[0];
  }
}

const NUMBERS: Readonly<Record<string, number>> = { igmp: 2, ipencap: 4, esp: 50, ah: 51, gre: 47, '51': 51 };

/** Addresses that a raw socket sends from and to, and that are no masks. */
function isUsable(address: string): boolean {
  return !/^(0\.|255\.|ffff:|::\/|::$|::ffff|::127)/.test(address);
}

function bare(address: string): string {
  return address.replace(/\/.*$/, '');
}

/** An address of the network: one ending in 0 gets another end. */
function member(network: string): string {
  const address = bare(network);
  if (address.includes(':')) return address.endsWith('::') ? `${address}77` : address;
  return address.endsWith('.0') ? address.replace(/0$/, '77') : address;
}

/** Leading parts that two addresses share. */
function shared(a: string, b: string): number {
  const [left, right] = [a, b].map((one) => one.split(/[.:]/)) as [string[], string[]];
  const at = left.findIndex((part, i) => part !== right[i]);
  return at < 0 ? left.length : at;
}

const LETTERS: Readonly<Record<string, string>> = {
  SYN: 'S',
  ACK: 'A',
  FIN: 'F',
  RST: 'R',
  PSH: 'P',
  URG: 'U',
  NONE: '',
};

function short(flags: string): string {
  return flags
    .split(',')
    .map((flag) => LETTERS[flag] ?? '')
    .join('');
}
