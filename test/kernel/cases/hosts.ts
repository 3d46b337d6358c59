/** The machines that the cases run on. */

import type { Host } from '../judge.ts';

/**
 * The default: a router. eth0 is outside (the default routes leave by it), eth1 inside. Both are TUN devices, so
 * packets have no link layer.
 */
export const ROUTER: Host = {
  interfaces: [{ name: 'eth0' }, { name: 'eth1' }],
  addresses: [
    '192.0.2.1/24 dev eth0',
    '2001:db8:0::1/64 dev eth0',
    'fe80::1/64 dev eth0',
    '10.0.0.1/24 dev eth1',
    '2001:db8:1::1/64 dev eth1',
    'fe80::1:1/64 dev eth1',
  ],
  routes: ['default via 192.0.2.254 dev eth0', '::/0 via 2001:db8::fe dev eth0'],
};

/** The hardware addresses of ETHERNET_ROUTER's own interfaces and of its neighbours. */
export const MAC = {
  eth0: '02:00:00:00:00:01',
  eth1: '02:00:00:00:01:01',
  outside: '02:00:00:00:00:fe',
  inside: '02:00:00:00:01:09',
  broadcast: 'ff:ff:ff:ff:ff:ff',
} as const;

/** The same router with Ethernet (TAP) interfaces. */
export const ETHERNET_ROUTER: Host = {
  ...ROUTER,
  interfaces: [
    { name: 'eth0', type: 'tap', mac: MAC.eth0 },
    { name: 'eth1', type: 'tap', mac: MAC.eth1 },
  ],
  neighbours: [
    `192.0.2.254 lladdr ${MAC.outside} dev eth0`,
    `192.0.2.9 lladdr ${MAC.outside} dev eth0`,
    `2001:db8::fe lladdr ${MAC.outside} dev eth0`,
    `2001:db8::9 lladdr ${MAC.outside} dev eth0`,
    `10.0.0.9 lladdr ${MAC.inside} dev eth1`,
    `2001:db8:1::9 lladdr ${MAC.inside} dev eth1`,
  ],
};

/** Addresses by role, for both families. */
export const A4 = {
  self: '192.0.2.1',
  selfInside: '10.0.0.1',
  outside: '192.0.2.9',
  outside2: '192.0.2.10',
  inside: '10.0.0.9',
  inside2: '10.0.0.10',
  /** Somewhere on the Internet, behind the default route. */
  far: '198.51.100.7',
  far2: '203.0.113.8',
  loopback: '127.0.0.1',
} as const;

export const A6 = {
  self: '2001:db8::1',
  selfInside: '2001:db8:1::1',
  outside: '2001:db8::9',
  outside2: '2001:db8::a',
  inside: '2001:db8:1::9',
  inside2: '2001:db8:1::a',
  far: '2001:db8:f::7',
  far2: '2001:db8:e::8',
  loopback: '::1',
} as const;
