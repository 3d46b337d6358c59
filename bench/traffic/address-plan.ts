/**
 * Who talks to whom: the one plan that traffic and rulesets of a benchmark share.
 *
 *   clients 10.128.0.0/9 ─┐                            clients of no packet 10.0.0.0/9 (10.0.0.0/24 but for the router's net)
 *                         ├─ eth0 of the router 10.0.0.1, one-armed: packets leave by the interface they came in by
 *   servers 172.16.0.0/12 ┘
 *
 * and the same with 2001:db8:1::/48, 2001:db8:2::/48 and 2001:db8::1 for IPv6. A client or server is a number; all but the
 * last word of its IPv6 address is the same for all of a kind, so that one word is enough to tell it.
 *
 * Where everything is translated (IPv4), clients know servers by addresses of 100.64.0.0/12 that are theirs bit for bit
 * behind the prefix, and servers see nobody but the router.
 */
export const CLIENTS = 65536;
export const SERVERS = 4096;
/** A service is a server and a port. */
export const SERVICES = 16384;

const PORTS = [80, 443, 22, 25, 53, 123, 143, 389, 993, 1433, 3306, 5060, 5432, 5672, 6379, 8080, 8443, 9092];

export const ROUTER_MAC = [0x02, 0, 0, 0, 0, 0x01] as const;
/** Next hop towards the clients, and towards the servers. */
export const CLIENT_SIDE_MAC = [0x02, 0, 0, 0, 0, 0xfe] as const;
export const SERVER_SIDE_MAC = [0x02, 0, 0, 0, 0, 0xfd] as const;

const CLIENT_NET4 = 0x0a800000;
const SERVER_NET4 = 0xac100000 | 0;

/** First three words of IPv6 addresses. */
export const CLIENT_NET6 = [0x20010db8, 0x00010000, 0] as const;
export const SERVER_NET6 = [0x20010db8, 0x00020000, 0] as const;

/** IPv4 address of a client (any number up to 2^23 has its own), spread over its /9 by an odd factor. */
export function clientAddress4(client: number): number {
  return CLIENT_NET4 | (Math.imul(client, 0x2545f5) & 0x7fffff);
}

/** IPv4 address of a server, spread over its /12. */
export function serverAddress4(server: number): number {
  return SERVER_NET4 | (Math.imul(server, 0x9e375) & 0xfffff);
}

/** The router's own address, as servers see all clients where connections are translated. */
export const ROUTER_ADDRESS4 = 0x0a000001;

/** The address under which clients know a server where connections are translated (NETMAP of one /12 to the other). */
export function virtualAddress4(server: number): number {
  return 0x64400000 | (server & 0xfffff);
}

export const SERVER_PREFIX4 = '172.16.0.0/12';
export const VIRTUAL_PREFIX4 = '100.64.0.0/12';

export function serverOf(service: number): number {
  return service % SERVERS;
}

/** The four services of a server have ports of their own. */
export function portOf(service: number): number {
  return PORTS[((service % SERVERS) + Math.floor(service / SERVERS)) % PORTS.length]!;
}
