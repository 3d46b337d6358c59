/** Entries of HOST's address.json (`ip -json address`). */

export const inet = (family: 'inet' | 'inet6', local: string, prefixlen: number) => ({
  family,
  local,
  prefixlen,
  scope: 'global',
});

export const iface = (ifindex: number, ifname: string, ...addr_info: object[]) => ({
  ifindex,
  ifname,
  flags: ['BROADCAST', 'MULTICAST', 'UP', 'LOWER_UP'],
  mtu: 1500,
  operstate: 'UP',
  link_type: 'none',
  addr_info,
});
