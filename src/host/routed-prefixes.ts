import type { Family } from '../base/inet.ts';
import type { Device } from './device.ts';
import type { Route } from './route.ts';
import type { PolicyRule } from './rule.ts';

/** A prefix of addresses: four words (IPv4 in the first), bits beyond `length` are 0. */
export interface Prefix {
  readonly words: Int32Array;
  readonly length: number;
}

/**
 * All prefixes that a routing decision of a host tells unicast addresses apart by - those of routes and policy rules,
 * the host's own addresses, and (for the subnet-router anycast address) the first address of each prefix. Two
 * addresses that lie in the same of them are routed alike. Undefined where a decision depends on more of a packet
 * than its addresses, interface, mark and TOS: on its ports, or on a hash of them that picks one of several nexthops.
 */
export function routedPrefixes(
  family: Family,
  devices: readonly Device[],
  routes: readonly Route[],
  rules: readonly PolicyRule[],
): Prefix[] | undefined {
  const whole = family === 4 ? 32 : 128;
  const prefixes: Prefix[] = [];
  for (const { ipproto, sportMin, dportMin, src, srcMask, dst, dstMask } of rules) {
    if (ipproto !== 0 || sportMin >= 0 || dportMin >= 0) return undefined;
    for (const [words, mask] of [
      [src, srcMask],
      [dst, dstMask],
    ] as const) {
      if (words !== undefined) prefixes.push({ words, length: bitsOf(mask!) });
    }
  }
  for (const { nexthops, prefix, prefixLength, srcPrefix, srcPrefixLength } of routes) {
    if (nexthops.length > 1) return undefined;
    prefixes.push({ words: prefix, length: prefixLength }, { words: prefix, length: whole });
    if (srcPrefix !== undefined) prefixes.push({ words: srcPrefix, length: srcPrefixLength });
  }
  for (const device of devices) {
    for (const { address, peer, prefixLength } of family === 4
      ? (device?.addresses4 ?? [])
      : (device?.addresses6 ?? [])) {
      prefixes.push({ words: address, length: whole }, { words: peer, length: whole });
      prefixes.push({ words: address, length: prefixLength });
    }
  }
  return prefixes;
}

function bitsOf(mask: Int32Array): number {
  let bits = 0;
  for (const word of mask) bits += Math.clz32(~word);
  return bits;
}
