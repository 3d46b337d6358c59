import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseIpv4, parseIpv6 } from '../../src/base/inet.ts';
import { loadHost } from '../../src/host/load.ts';
import { makeRouteResult } from '../../src/host/result.ts';
import {
  type Host,
  ROUTE_BROADCAST,
  ROUTE_LOCAL,
  ROUTE_MULTICAST,
  ROUTE_UNICAST,
} from '../../src/host/types.ts';
import {
  askHosts,
  askKernel,
  type Case,
  isJudgeAvailable,
  type Host as KernelHost,
} from '../kernel/judge.ts';
import { hex, ip, udp } from '../kernel/packets.ts';
import { type HostTexts, withHostFolder } from './kernel-network.ts';

/**
 * Real packets through a real kernel: whether INPUT or FORWARD saw them says how they were routed, and counters of
 * `-m addrtype` in raw PREROUTING, before any routing, say the types of addresses. What `ip route get` does not come
 * to is judged here: ip6_forward(), ip6_mc_input(), multicast groups, and the routes that are derived from addresses.
 */

const INTERFACES = [
  { name: 'eth0', type: 'tun' as const },
  { name: 'eth1', type: 'tun' as const },
  { name: 'eth2', type: 'tun' as const },
];

const WAYS_OUT = ['eth0', 'eth1', 'eth2', 'lo'];

const ADDRESSES = [
  '192.0.2.1/24 dev eth0',
  '192.0.2.17/28 dev eth0',
  '198.51.100.1/25 dev eth1',
  '10.9.9.1 peer 10.9.9.2/32 dev eth2',
  '2001:db8:0:1::1/64 dev eth0',
  'fe80::1/64 dev eth0',
  '2001:db8:0:2::1/64 dev eth1',
  '2001:db8:0:3::7/127 dev eth2',
];

const HOSTS: Readonly<Record<string, KernelHost>> = {
  router: { interfaces: INTERFACES, addresses: ADDRESSES },
  'router-with-routes': {
    interfaces: INTERFACES,
    addresses: ADDRESSES,
    routes: [
      'default via 192.0.2.254 dev eth0',
      'unreachable 203.0.113.0/24',
      'local 203.0.113.64/26 dev lo',
      '::/0 via 2001:db8:0:2::fe dev eth1',
      'prohibit 2001:db8:5::/48',
    ],
    rules: ['prio 5 from 192.0.2.7 lookup 100'],
  },
  host: {
    interfaces: INTERFACES,
    addresses: ADDRESSES,
    sysctls: {
      'net.ipv4.ip_forward': 0,
      'net.ipv6.conf.all.forwarding': 0,
      'net.ipv4.conf.all.rp_filter': 1,
    },
  },
  lenient: {
    interfaces: INTERFACES,
    addresses: ADDRESSES,
    sysctls: {
      'net.ipv4.conf.all.accept_local': 1,
      'net.ipv4.conf.all.route_localnet': 1,
      'net.ipv4.conf.all.bc_forwarding': 1,
      'net.ipv4.conf.eth0.bc_forwarding': 1,
    },
  },
};

const POOL = {
  4: {
    sources: [
      '192.0.2.7',
      '192.0.2.1',
      '198.51.100.9',
      '203.0.113.5',
      '0.0.0.0',
      '127.0.0.1',
      '224.0.0.9',
      '255.255.255.255',
      '192.0.2.255',
      '240.0.0.1',
    ],
    destinations: [
      '192.0.2.1',
      '192.0.2.17',
      '192.0.2.16',
      '192.0.2.31',
      '192.0.2.255',
      '192.0.2.0',
      '192.0.2.8',
      '198.51.100.1',
      '198.51.100.9',
      '198.51.100.127',
      '198.51.100.0',
      '10.9.9.1',
      '10.9.9.2',
      '127.0.0.1',
      '127.9.9.9',
      '127.255.255.255',
      '0.0.0.0',
      '255.255.255.255',
      '224.0.0.1',
      '224.0.0.5',
      '239.1.1.1',
      '240.0.0.1',
      '203.0.113.1',
      '203.0.113.65',
      '8.8.8.8',
    ],
    types: [
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
    ],
  },
  6: {
    sources: ['2001:db8:0:1::7', '2001:db8:0:1::1', '2001:db8:9::9', 'fe80::7', '::1', '::', 'ff02::9'],
    destinations: [
      '2001:db8:0:1::1',
      '2001:db8:0:1::',
      '2001:db8:0:1::8',
      '2001:db8:0:2::1',
      '2001:db8:0:2::',
      '2001:db8:0:2::9',
      '2001:db8:0:3::6',
      '2001:db8:0:3::7',
      'fe80::1',
      'fe80::2',
      '::1',
      'ff02::1',
      'ff02::2',
      'ff05::2',
      'ff02::1:ff00:1',
      'ff02::1:ff00:9',
      'ff02::fb',
      'ff0e::1',
      '2001:db8:5::1',
      '2001:db8:8::8',
    ],
    types: ['UNSPEC', 'UNICAST', 'LOCAL', 'ANYCAST', 'MULTICAST', 'UNREACHABLE'],
  },
} as const;

/** Order of the bits of Host.addressTypes(). */
const TYPE_BITS = [
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
];

function rulesOf(family: 4 | 6): string {
  const { sources, destinations, types } = POOL[family];
  const raw: string[] = [];
  for (const address of destinations)
    for (const type of types) {
      raw.push(`-A PREROUTING -i eth0 -d ${address} -m addrtype --dst-type ${type}`);
      raw.push(`-A PREROUTING -i eth0 -d ${address} -m addrtype --dst-type ${type} --limit-iface-in`);
    }
  const mangle: string[] = [];
  for (const src of sources)
    for (const dst of destinations) {
      mangle.push(`-A INPUT -s ${src} -d ${dst}`);
      for (const name of WAYS_OUT) mangle.push(`-A FORWARD -s ${src} -d ${dst} -o ${name}`);
    }
  return `*raw\n${raw.join('\n')}\nCOMMIT\n*mangle\n${mangle.join('\n')}\nCOMMIT\n`;
}

/** Which rules of a chain were hit, in their order: a digit 1 or 0 each. */
function hits(save: string, table: string, chain: string): string {
  const part = save.split(/^\*/m).find((text) => text.startsWith(`${table}\n`)) ?? '';
  return [...part.matchAll(/^\[(\d+):\d+\] -A (\S+)/gm)]
    .filter((m) => m[2] === chain)
    .map((m) => (m[1] === '0' ? '0' : '1'))
    .join('');
}

interface Told {
  files: HostTexts;
  input: string;
  forward: string;
  types: string;
}

const folder = join(import.meta.dirname, 'recorded');

async function tellOf(name: string, family: 4 | 6): Promise<Told | undefined> {
  const path = join(folder, `packets-${name}-${family}.jsonl`);
  if (!isJudgeAvailable())
    return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as Told) : undefined;
  const host = HOSTS[name]!;
  const { sources, destinations } = POOL[family];
  const packets = sources.flatMap((saddr) =>
    destinations.map((daddr) => ({
      iface: 'eth0',
      dir: 'in' as const,
      hex: hex(ip({ saddr, daddr }, udp({ sport: 1024, dport: 9 }))),
    })),
  );
  const one: Case = {
    id: `${name}-${family}`,
    host,
    ...(family === 4 ? { rules4: rulesOf(4) } : { rules6: rulesOf(6) }),
    packets,
    conntrack: false,
  };
  const [result] = await askKernel([one]);
  const [files] = await askHosts([host]);
  const save = family === 4 ? result!.save4 : result!.save6;
  if (save === undefined) throw new Error(`no counters: ${JSON.stringify(result)}`);
  const kept = Object.entries(files!).filter(([file]) => /^(address|route6?|rule6?|sysctl)\./.test(file));
  const told = {
    files: Object.fromEntries(
      kept.map(([file, text]) => [
        file,
        file === 'sysctl.txt'
          ? text
              .split('\n')
              .filter((l) =>
                /^net\.ipv[46]\.(conf\.[^=]*(forwarding|rp_filter|accept_local|localnet|_redirects)|ip_forward)/.test(
                  l,
                ),
              )
              .join('\n')
          : text,
      ]),
    ),
    input: hits(save, 'mangle', 'INPUT'),
    forward: hits(save, 'mangle', 'FORWARD'),
    types: hits(save, 'raw', 'PREROUTING'),
  };
  if (process.env.RECORD === '1') {
    mkdirSync(folder, { recursive: true });
    writeFileSync(path, `${JSON.stringify(told)}\n`);
  }
  return told;
}

const words = new Int32Array(8);
const out = makeRouteResult();

function set(family: 4 | 6, at: number, text: string): void {
  words.fill(0, at, at + 4);
  if (family === 4) words[at] = parseIpv4(text)!;
  else words.set(parseIpv6(text)!, at);
}

/** What ip_rcv() and ip6_rcv_core() drop before any routing: the engine's, not the host's. */
function reachesRouting(family: 4 | 6, src: string, dst: string): boolean {
  return family === 4 || !(src === '::1' || dst === '::1' || src.startsWith('ff'));
}

function compareHooks(host: Host, family: 4 | 6, told: Told): string[] {
  const found: string[] = [];
  let n = 0;
  for (const src of POOL[family].sources)
    for (const dst of POOL[family].destinations) {
      set(family, 0, src);
      set(family, 4, dst);
      host.routeInput(family, words, 0, 4, 0, 0, host.findInterface('eth0'), 17, 1024, 9, out);
      const isInput = [ROUTE_LOCAL, ROUTE_BROADCAST, ROUTE_MULTICAST].includes(out.kind as 0);
      const by = WAYS_OUT.findIndex((_, i) => told.forward[n * WAYS_OUT.length + i] === '1');
      const kernel = told.input[n] === '1' ? 'INPUT' : by >= 0 ? `FORWARD to ${WAYS_OUT[by]}` : 'dropped';
      const ours = isInput
        ? 'INPUT'
        : out.kind === ROUTE_UNICAST
          ? `FORWARD to ${host.interfaces[out.oif]!.name}`
          : 'dropped';
      if (ours !== kernel && reachesRouting(family, src, dst))
        found.push(`${src} -> ${dst}: ours ${ours} (${out.reason}), kernel ${kernel}`);
      n++;
    }
  return found;
}

function compareTypes(host: Host, family: 4 | 6, told: Told): string[] {
  const found: string[] = [];
  let n = 0;
  for (const dst of POOL[family].destinations)
    for (const type of POOL[family].types)
      for (const limit of ['', 'eth0']) {
        set(family, 0, dst);
        const types = host.addressTypes(family, words, 0, limit === '' ? 0 : host.findInterface(limit));
        const ours = (types & (1 << TYPE_BITS.indexOf(type))) !== 0;
        const kernel = told.types[n] === '1';
        if (ours !== kernel && reachesRouting(family, '', dst))
          found.push(`${dst} ${type} ${limit}: ours ${ours} (types ${types}), kernel ${kernel}`);
        n++;
      }
  return found;
}

describe('packets through the kernel', () => {
  for (const name of Object.keys(HOSTS))
    for (const family of [4, 6] as const)
      test(`${name}, IPv${family}`, async (context) => {
        const told = await tellOf(name, family);
        if (told === undefined) return context.skip();
        const host = withHostFolder(told.files, (dir) => loadHost(dir));
        expect(compareHooks(host, family, told)).toEqual([]);
        expect(compareTypes(host, family, told)).toEqual([]);
        if (HOSTS[name]!.routes !== undefined) return;
        const { 'route.json': _, 'route6.json': __, ...addressesAlone } = told.files;
        const derived = withHostFolder(addressesAlone, (dir) => loadHost(dir));
        expect(compareHooks(derived, family, told)).toEqual([]);
        expect(compareTypes(derived, family, told)).toEqual([]);
      });
});
