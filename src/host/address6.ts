import type { Device, InterfaceAddress } from './device.ts';

/**
 * IPv6 address classes and source address selection. Linux: net/ipv6/addrconf_core.c (__ipv6_addr_type),
 * net/ipv6/addrconf.c (ipv6_dev_get_saddr), net/ipv6/addrlabel.c. Addresses are four words.
 */

/** IPV6_ADDR_* of include/net/ipv6.h. */
export const ADDR6_ANY = 0;
export const ADDR6_UNICAST = 0x0001;
export const ADDR6_MULTICAST = 0x0002;
export const ADDR6_LOOPBACK = 0x0010;
export const ADDR6_LINKLOCAL = 0x0020;
export const ADDR6_SITELOCAL = 0x0040;
export const ADDR6_COMPATV4 = 0x0080;
export const ADDR6_MAPPED = 0x1000;
export const ADDR6_RESERVED = 0x2000;
/** The bits that tell a scope: IPV6_ADDR_SCOPE_MASK. */
export const ADDR6_SCOPE_MASK = 0x00f0;

/** Scopes as multicast addresses write them: IPV6_ADDR_SCOPE_*. */
export const SCOPE6_NODELOCAL = 1;
export const SCOPE6_LINKLOCAL = 2;
export const SCOPE6_SITELOCAL = 5;
export const SCOPE6_GLOBAL = 14;

/** __ipv6_addr_type() without the scope in the upper half: see addressScope6(). */
export function addressType6(words: ArrayLike<number>, at: number): number {
  const first = words[at]!;
  const top = first >>> 29;
  if (top !== 0 && top !== 7) return ADDR6_UNICAST;
  if (first >>> 24 === 0xff) {
    const scope = (first >>> 16) & 15;
    return (
      ADDR6_MULTICAST |
      (scope === 1 ? ADDR6_LOOPBACK : scope === 2 ? ADDR6_LINKLOCAL : scope === 5 ? ADDR6_SITELOCAL : 0)
    );
  }
  if (first >>> 22 === 0xfe800000 >>> 22) return ADDR6_LINKLOCAL | ADDR6_UNICAST;
  if (first >>> 22 === 0xfec00000 >>> 22) return ADDR6_SITELOCAL | ADDR6_UNICAST;
  if (first >>> 25 === 0xfc000000 >>> 25) return ADDR6_UNICAST;
  if ((first | words[at + 1]!) === 0) {
    if (words[at + 2] === 0) {
      if (words[at + 3] === 0) return ADDR6_ANY;
      if (words[at + 3] === 1) return ADDR6_LOOPBACK | ADDR6_UNICAST;
      return ADDR6_COMPATV4 | ADDR6_UNICAST;
    }
    if (words[at + 2] === 0xffff) return ADDR6_MAPPED;
  }
  return ADDR6_RESERVED;
}

/** ipv6_addr_src_scope(): SCOPE6_*. */
export function addressScope6(words: ArrayLike<number>, at: number): number {
  const type = addressType6(words, at);
  if ((type & ADDR6_MULTICAST) !== 0) return (words[at]! >>> 16) & 15;
  if ((type & (ADDR6_LOOPBACK | ADDR6_LINKLOCAL)) !== 0) return SCOPE6_LINKLOCAL;
  if ((type & ADDR6_SITELOCAL) !== 0) return SCOPE6_SITELOCAL;
  return type === ADDR6_ANY ? 0 : SCOPE6_GLOBAL;
}

export function isMulticast6(words: ArrayLike<number>, at: number): boolean {
  return words[at]! >>> 24 === 0xff;
}

export function equals6(a: ArrayLike<number>, i: number, b: ArrayLike<number>, j: number): boolean {
  return a[i] === b[j] && a[i + 1] === b[j + 1] && a[i + 2] === b[j + 2] && a[i + 3] === b[j + 3];
}

/** ipv6_addr_diff(): how many leading bits are equal. */
function commonBits6(a: ArrayLike<number>, i: number, b: ArrayLike<number>, j: number): number {
  for (let w = 0; w < 4; w++) {
    const x = a[i + w]! ^ b[j + w]!;
    if (x !== 0) return w * 32 + Math.clz32(x);
  }
  return 128;
}

/** Default policy table of net/ipv6/addrlabel.c (`ip addrlabel`), which differs from RFC 6724 for ULA and 6to4. */
function label6(words: ArrayLike<number>, at: number): number {
  const type = addressType6(words, at);
  const first = words[at]!;
  if ((type & ADDR6_LOOPBACK) !== 0 && (type & ADDR6_UNICAST) !== 0) return 0;
  if ((type & ADDR6_MAPPED) !== 0) return 4;
  if ((type & ADDR6_COMPATV4) !== 0) return 3;
  if (first === 0x20010000) return 6;
  if (first >>> 4 === 0x20010010 >>> 4) return 7;
  if (first >>> 16 === 0x2002) return 2;
  if (first >>> 16 === 0x3ffe) return 12;
  if (first >>> 22 === 0xfec00000 >>> 22) return 11;
  if (first >>> 25 === 0xfc000000 >>> 25) return 5;
  return 1;
}

function isOrchid6(words: ArrayLike<number>, at: number): boolean {
  return words[at]! >>> 4 === 0x20010010 >>> 4;
}

/** An address that duplicate address detection has not confirmed yet is not assigned (RFC 4862, 5.4). */
export function isUsable6(address: InterfaceAddress): boolean {
  return !address.isTentative || address.isOptimistic;
}

/**
 * Whether `a` on `onA` is a better source than `b` on `onB`: the rules of ipv6_get_saddr_eval() in their order.
 * Positive when a is better, negative when b is, 0 when the first one seen stays.
 */
function compareSources(
  a: InterfaceAddress,
  onA: Device,
  b: InterfaceAddress,
  onB: Device,
  words: Int32Array,
  daddrAt: number,
  oif: number,
): number {
  // 1. The destination itself.
  let difference = yes(equals6(a.address, 0, words, daddrAt)) - yes(equals6(b.address, 0, words, daddrAt));
  if (difference !== 0) return difference;
  // 2. Appropriate scope: the smallest that suffices, else the largest.
  const scope = addressScope6(words, daddrAt);
  difference = scopeScore(a, scope) - scopeScore(b, scope);
  if (difference !== 0) return difference;
  // 3. Not deprecated, not optimistic.
  difference = yes(isPreferred(a, onA)) - yes(isPreferred(b, onB));
  if (difference !== 0) return difference;
  // 4. Home addresses.
  difference = yes(a.isHome) - yes(b.isHome);
  if (difference !== 0) return difference;
  // 5. The outgoing interface.
  difference = yes(oif === 0 || onA.id === oif) - yes(oif === 0 || onB.id === oif);
  if (difference !== 0) return difference;
  // 6. The destination's label.
  const label = label6(words, daddrAt);
  difference = yes(label6(a.address, 0) === label) - yes(label6(b.address, 0) === label);
  if (difference !== 0) return difference;
  // 7. Temporary addresses where the interface prefers them, else public ones.
  difference =
    yes(a.isTemporary === onA.conf6.useTempaddr >= 2) - yes(b.isTemporary === onB.conf6.useTempaddr >= 2);
  if (difference !== 0) return difference;
  // ORCHIDs for ORCHIDs.
  const wantsOrchid = isOrchid6(words, daddrAt);
  difference = yes(isOrchid6(a.address, 0) === wantsOrchid) - yes(isOrchid6(b.address, 0) === wantsOrchid);
  if (difference !== 0) return difference;
  // 8. The longest matching prefix, within the address's own prefix length.
  difference = matchLength(a, words, daddrAt) - matchLength(b, words, daddrAt);
  if (difference !== 0) return difference;
  return yes(!a.isOptimistic) - yes(!b.isOptimistic);
}

function yes(condition: boolean): number {
  return condition ? 1 : 0;
}

function scopeScore(address: InterfaceAddress, wanted: number): number {
  const scope = addressScope6(address.address, 0);
  return scope >= wanted ? -scope : scope - 128;
}

function isPreferred(address: InterfaceAddress, device: Device): boolean {
  const type = addressType6(address.address, 0);
  if ((type & (ADDR6_MAPPED | ADDR6_COMPATV4 | ADDR6_LOOPBACK | ADDR6_RESERVED)) !== 0) return true;
  return !address.isDeprecated && (!address.isOptimistic || device.conf6.useOptimistic);
}

function matchLength(address: InterfaceAddress, words: Int32Array, at: number): number {
  return Math.min(commonBits6(address.address, 0, words, at), address.prefixLength);
}

/**
 * ipv6_dev_get_saddr(): the source address for packets to the destination by interface `oif` (0: not known yet), or
 * undefined when the host has none.
 */
export function selectAddress6(
  devices: readonly Device[],
  oif: number,
  words: Int32Array,
  daddrAt: number,
): InterfaceAddress | undefined {
  let best: InterfaceAddress | undefined;
  let bestOn: Device | undefined;
  const vrf = oif === 0 ? 0 : devices[oif]!.l3mdev;
  const onlyOif =
    oif !== 0 &&
    (isMulticast6(words, daddrAt) ||
      addressScope6(words, daddrAt) <= SCOPE6_LINKLOCAL ||
      devices[oif]!.conf6.useOifAddrsOnly);
  for (let id = 1; id < devices.length; id++) {
    const device = devices[id]!;
    if (onlyOif ? id !== oif : device.l3mdev !== vrf && id !== vrf) continue;
    const { addresses6 } = device;
    for (let i = 0; i < addresses6.length; i++) {
      const address = addresses6[i]!;
      if (!isUsable6(address)) continue;
      if (best === undefined || compareSources(address, device, best, bestOn!, words, daddrAt, oif) > 0) {
        best = address;
        bestOn = device;
      }
    }
  }
  return best;
}
