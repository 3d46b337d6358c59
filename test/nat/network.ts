/** The gateway of the random translations: an inside, an outside and a network of servers, in both families. */

import type { Host } from '../kernel/judge.ts';

export const GATEWAY: Host = {
  interfaces: [{ name: 'eth0' }, { name: 'eth1' }, { name: 'eth2' }],
  addresses: [
    '10.1.0.1/16 dev eth0',
    '10.2.0.1/16 dev eth1',
    '10.2.0.5/16 dev eth1',
    '10.3.0.1/24 dev eth2',
    '2001:db8:1::1/64 dev eth0',
    '2001:db8:2::1/64 dev eth1',
    '2001:db8:3::1/64 dev eth2',
  ],
  routes: ['default via 10.2.0.254 dev eth1', '::/0 via 2001:db8:2::fe dev eth1'],
  sysctls: { 'net.netfilter.nf_conntrack_acct': 1 },
};

export const ADDRESSES = {
  4: {
    inside: ['10.1.0.9', '10.1.0.10', '10.1.77.9'],
    outside: ['10.2.0.9', '10.2.0.10', '198.51.100.7'],
    servers: ['10.3.0.80', '10.3.0.81'],
    /** The gateway's own. */
    selfInside: '10.1.0.1',
    self: ['10.2.0.1', '10.2.0.5'],
    selfServers: '10.3.0.1',
    loopback: '127.0.0.1',
    /** Nobody's: only translations lead to and from them. Routed outside. */
    pool: (n: number) => `203.0.113.${n}`,
    router: '10.2.0.254',
    networks: ['10.1.0.0/16', '10.2.0.0/16', '10.3.0.0/24', '203.0.113.0/24'],
    mapped: ['10.3.0.0/24', '203.0.113.0/24', '10.1.0.0/24', '203.0.113.64/28'],
  },
  6: {
    inside: ['2001:db8:1::9', '2001:db8:1::a', '2001:db8:1::4d:9'],
    outside: ['2001:db8:2::9', '2001:db8:2::a', '2001:db8:f::7'],
    servers: ['2001:db8:3::80', '2001:db8:3::81'],
    selfInside: '2001:db8:1::1',
    self: ['2001:db8:2::1'],
    selfServers: '2001:db8:3::1',
    loopback: '::1',
    pool: (n: number) => `2001:db8:a::${n.toString(16)}`,
    router: '2001:db8:2::fe',
    networks: ['2001:db8:1::/64', '2001:db8:2::/64', '2001:db8:3::/64', '2001:db8:a::/64'],
    mapped: ['2001:db8:3::/64', '2001:db8:a::/64', '2001:db8:1::/112', '2001:db8:a::40/124'],
  },
} as const;

export type Family = 4 | 6;

const isOf = (address: string, prefixes: readonly string[]) =>
  prefixes.some((prefix) => address.startsWith(prefix));

/** Is it one of the gateway's own addresses? */
export function isOwn(family: Family, address: string): boolean {
  const a = ADDRESSES[family];
  const own: readonly string[] = [a.selfInside, ...a.self, a.selfServers, a.loopback];
  return own.includes(address) || (family === 4 && address.startsWith('127.'));
}

/** The interface behind which an address is; lo for the gateway's own. */
export function ifaceOf(family: Family, address: string): 'eth0' | 'eth1' | 'eth2' | 'lo' {
  if (isOwn(family, address)) return 'lo';
  if (isOf(address, family === 4 ? ['10.1.'] : ['2001:db8:1:'])) return 'eth0';
  return isOf(address, family === 4 ? ['10.3.0.'] : ['2001:db8:3:']) ? 'eth2' : 'eth1';
}
