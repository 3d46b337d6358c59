import type { Device, InterfaceAddress } from './device.ts';
import { SCOPE_HOST, SCOPE_LINK } from './route.ts';

/** IPv4 address classes: include/linux/in.h. Words in host order. */
export function isMulticast4(word: number): boolean {
  return word >>> 28 === 14;
}

/** 224.0.0.0/24: never forwarded. */
export function isLocalMulticast4(word: number): boolean {
  return word >>> 8 === 0xe00000;
}

export function isLimitedBroadcast4(word: number): boolean {
  return word === -1;
}

export function isZeronet4(word: number): boolean {
  return word === 0;
}

export function isLoopback4(word: number): boolean {
  return word >>> 24 === 127;
}

function inNetwork(word: number, address: InterfaceAddress): boolean {
  const mask = address.prefixLength === 0 ? 0 : -1 << (32 - address.prefixLength);
  return ((word ^ address.peer[0]!) & mask) === 0;
}

/** in_dev_select_addr(): the first address that may be used on other links too. */
function selectForeign(device: Device, scope: number): number {
  for (let i = 0; i < device.addresses4.length; i++) {
    const address = device.addresses4[i]!;
    if (address.isSecondary) continue;
    if (address.scope !== SCOPE_LINK && address.scope <= scope) return address.address[0]!;
  }
  return 0;
}

/**
 * inet_select_addr() of net/ipv4/devinet.c: the source address for packets by `device` towards `daddr` (0: anywhere),
 * with a scope at least as wide as `scope`; 0 when the host has none.
 */
export function selectAddress4(
  devices: readonly Device[],
  device: Device | undefined,
  daddr: number,
  scope: number,
): number {
  let chosen = 0;
  if (device !== undefined) {
    const localnetScope = device.conf4.routeLocalnet ? SCOPE_HOST : SCOPE_LINK;
    for (let i = 0; i < device.addresses4.length; i++) {
      const address = device.addresses4[i]!;
      if (address.isSecondary) continue;
      if (Math.min(address.scope, localnetScope) > scope) continue;
      if (daddr === 0 || inNetwork(daddr, address)) return address.address[0]!;
      if (chosen === 0) chosen = address.address[0]!;
    }
    if (chosen !== 0) return chosen;
  }
  const vrf = device === undefined ? 0 : device.l3mdev;
  if (vrf !== 0) {
    chosen = selectForeign(devices[vrf]!, scope);
    if (chosen !== 0) return chosen;
  }
  // The interfaces in the order of HOST, which is the kernel's (dev_base: by age).
  for (let id = 1; id < devices.length; id++) {
    if (devices[id]!.l3mdev !== vrf) continue;
    chosen = selectForeign(devices[id]!, scope);
    if (chosen !== 0) return chosen;
  }
  return 0;
}
