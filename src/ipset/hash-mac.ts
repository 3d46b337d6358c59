import { defineHashType } from './hash-type.ts';

/** Ethernet addresses. Linux: net/netfilter/ipset/ip_set_hash_mac.c. */
export const hashMac = defineHashType({
  name: 'hash:mac',
  parts: ['mac'],
  families: [0],
  refusesZero: true,
});
