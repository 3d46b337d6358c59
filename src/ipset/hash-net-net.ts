import { defineHashType } from './hash-type.ts';

/** Two networks. Linux: net/netfilter/ipset/ip_set_hash_netnet.c. */
export const hashNetNet = defineHashType({
  name: 'hash:net,net',
  parts: ['net', 'net'],
  takesMask: true,
  takesNet0: true,
});
