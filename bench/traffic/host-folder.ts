import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROUTER_MAC } from './address-plan.ts';

/** What `ip -j address show` says of the router: loopback and its one arm. */
const ADDRESSES = [
  {
    ifindex: 1,
    ifname: 'lo',
    flags: ['LOOPBACK', 'UP', 'LOWER_UP'],
    mtu: 65536,
    operstate: 'UNKNOWN',
    link_type: 'loopback',
    address: '00:00:00:00:00:00',
    addr_info: [
      { family: 'inet', local: '127.0.0.1', prefixlen: 8, scope: 'host', label: 'lo' },
      { family: 'inet6', local: '::1', prefixlen: 128, scope: 'host' },
    ],
  },
  {
    ifindex: 2,
    ifname: 'eth0',
    flags: ['BROADCAST', 'MULTICAST', 'UP', 'LOWER_UP'],
    mtu: 9000,
    operstate: 'UP',
    link_type: 'ether',
    address: ROUTER_MAC.map((byte) => byte.toString(16).padStart(2, '0')).join(':'),
    addr_info: [
      { family: 'inet', local: '10.0.0.1', prefixlen: 24, scope: 'global', label: 'eth0' },
      { family: 'inet6', local: '2001:db8::1', prefixlen: 64, scope: 'global' },
    ],
  },
];

const LOCAL = { table: 'local', protocol: 'kernel', scope: 'host' };

const ROUTES = [
  { dst: '10.128.0.0/9', gateway: '10.0.0.254', dev: 'eth0', flags: [] },
  { dst: '172.16.0.0/12', gateway: '10.0.0.253', dev: 'eth0', flags: [] },
  { dst: '10.0.0.0/24', dev: 'eth0', protocol: 'kernel', scope: 'link', prefsrc: '10.0.0.1', flags: [] },
  { type: 'local', dst: '10.0.0.1', dev: 'eth0', ...LOCAL, prefsrc: '10.0.0.1', flags: [] },
  { type: 'local', dst: '127.0.0.0/8', dev: 'lo', ...LOCAL, prefsrc: '127.0.0.1', flags: [] },
  { type: 'local', dst: '127.0.0.1', dev: 'lo', ...LOCAL, prefsrc: '127.0.0.1', flags: [] },
];

const ROUTES6 = [
  { dst: '2001:db8:1::/48', gateway: '2001:db8::fe', dev: 'eth0', metric: 1024, flags: [] },
  { dst: '2001:db8:2::/48', gateway: '2001:db8::fd', dev: 'eth0', metric: 1024, flags: [] },
  { dst: '2001:db8::/64', dev: 'eth0', protocol: 'kernel', metric: 256, flags: [] },
  { type: 'local', dst: '::1', dev: 'lo', table: 'local', protocol: 'kernel', metric: 0, flags: [] },
  {
    type: 'local',
    dst: '2001:db8::1',
    dev: 'eth0',
    table: 'local',
    protocol: 'kernel',
    metric: 0,
    flags: [],
  },
];

/** As on a tuned router. */
export const CONNTRACK_MAX = 524_288;

/** No redirects, since all traffic turns on one interface. */
const sysctls = (conntrackMax: number): string => `net.ipv4.conf.all.forwarding = 1
net.ipv4.conf.all.rp_filter = 0
net.ipv4.conf.all.send_redirects = 0
net.ipv4.conf.default.rp_filter = 0
net.ipv4.conf.eth0.forwarding = 1
net.ipv4.conf.eth0.rp_filter = 0
net.ipv4.conf.eth0.send_redirects = 0
net.ipv4.ip_forward = 1
net.ipv6.conf.all.forwarding = 1
net.ipv6.conf.eth0.forwarding = 1
net.netfilter.nf_conntrack_buckets = ${conntrackMax}
net.netfilter.nf_conntrack_max = ${conntrackMax}
`;

/**
 * Writes the HOST folder of the one-armed router: clients and servers are both reached by eth0, so that one capture
 * of what came in by eth0 holds both directions and every packet is forwarded. No rules: those are given apart. `conntrackMax`: nf_conntrack_max, the connections that its table has room for.
 */
export function writeHostFolder(dir: string, conntrackMax: number = CONNTRACK_MAX): void {
  mkdirSync(dir, { recursive: true });
  const json = (name: string, value: unknown): void =>
    writeFileSync(join(dir, name), `${JSON.stringify(value)}\n`);
  json('address.json', ADDRESSES);
  json('route.json', ROUTES);
  json('route6.json', ROUTES6);
  writeFileSync(join(dir, 'sysctl.txt'), sysctls(conntrackMax));
}
