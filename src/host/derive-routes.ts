import type { Device } from './device.ts';
import { makeKernelRoute } from './read-route.ts';
import {
  type Route,
  RTN_ANYCAST,
  RTN_BROADCAST,
  RTN_LOCAL,
  RTN_MULTICAST,
  RTN_UNICAST,
  TABLE_LOCAL,
  TABLE_MAIN,
} from './route.ts';

/**
 * The routes that the kernel makes for addresses by itself, for a HOST without route.json or route6.json. Linux:
 * fib_add_ifaddr() of net/ipv4/fib_frontend.c; addrconf_prefix_route(), addrconf_dad_completed() and addrconf_join_anycast()
 * of net/ipv6/addrconf.c.
 */
export function deriveRoutes4(devices: readonly Device[]): Route[] {
  const routes: Route[] = [];
  const seen = new Set<string>();
  const add = (
    device: Device,
    type: number,
    table: number,
    word: number,
    prefixLength: number,
    prefsrc: Int32Array,
    metric = 0,
  ) => {
    const key = `${type} ${word} ${prefixLength} ${device.id}`;
    if (seen.has(key)) return;
    seen.add(key);
    routes.push(
      makeKernelRoute(4, {
        type,
        table,
        address: Int32Array.of(word, 0, 0, 0),
        prefixLength,
        oif: device.id,
        deviceName: device.name,
        prefsrc,
        metric,
        isLinkdown: !device.hasCarrier,
      }),
    );
  };
  for (const device of devices.slice(1)) {
    for (const address of device.addresses4) {
      const local = address.address[0]!;
      const { prefixLength } = address;
      const mask = prefixLength === 0 ? 0 : -1 << (32 - prefixLength);
      const network = address.peer[0]! & mask;
      const primary = !address.isSecondary
        ? address.address
        : (device.addresses4.find(
            (other) =>
              !other.isSecondary &&
              other.prefixLength === prefixLength &&
              (other.peer[0]! & mask) === network,
          )?.address ?? address.address);
      add(device, RTN_LOCAL, TABLE_LOCAL, local, 32, primary);
      if (!device.isUp) continue;
      if (address.broadcast !== undefined && address.broadcast !== -1)
        add(device, RTN_BROADCAST, TABLE_LOCAL, address.broadcast, 32, primary);
      if (network === 0 || address.isSecondary || (network === local && prefixLength === 32)) continue;
      if (!address.noPrefixRoute) {
        if (device.isLoopback) add(device, RTN_LOCAL, TABLE_LOCAL, network, prefixLength, primary);
        else add(device, RTN_UNICAST, TABLE_MAIN, network, prefixLength, primary, address.metric);
      }
      if (prefixLength < 31) add(device, RTN_BROADCAST, TABLE_LOCAL, network | ~mask, 32, primary);
    }
  }
  return routes;
}

export function deriveRoutes6(devices: readonly Device[]): Route[] {
  const routes: Route[] = [];
  const seen = new Set<string>();
  for (const device of devices.slice(1)) {
    if (!device.isUp || device.conf6.disabled) continue;
    const add = (type: number, table: number, address: Int32Array, prefixLength: number, metric: number) => {
      const route = makeKernelRoute(6, {
        type,
        table,
        address,
        prefixLength,
        oif: device.id,
        deviceName: device.name,
        metric,
        isLinkdown: !device.hasCarrier,
      });
      if (seen.has(`${route.prefix.join()} ${route.text}`)) return;
      seen.add(`${route.prefix.join()} ${route.text}`);
      routes.push(route);
    };
    for (const address of device.addresses6) {
      if (address.isTentative && !address.isOptimistic) continue;
      add(RTN_LOCAL, TABLE_LOCAL, address.address, 128, 0);
      if (device.isLoopback) continue;
      if (!address.noPrefixRoute) {
        const metric = address.metric === 0 ? 256 : address.metric;
        if (address.prefixLength < 128)
          add(RTN_UNICAST, TABLE_MAIN, address.peer, address.prefixLength, metric);
        else if (address.peer !== address.address) add(RTN_UNICAST, TABLE_MAIN, address.peer, 128, metric);
      }
      if (device.conf6.forwarding && address.prefixLength < 127)
        add(RTN_ANYCAST, TABLE_LOCAL, maskLow(address.address, address.prefixLength), 128, 0);
    }
    if (!device.isLoopback && device.isMulticast)
      add(RTN_MULTICAST, TABLE_LOCAL, Int32Array.of(0xff000000, 0, 0, 0), 8, 256);
  }
  return routes;
}

function maskLow(address: Int32Array, prefixLength: number): Int32Array {
  return Int32Array.from(address, (word, i) => {
    const bits = Math.min(32, Math.max(0, prefixLength - 32 * i));
    return bits === 0 ? 0 : word & (-1 << (32 - bits));
  });
}
