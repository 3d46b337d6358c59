import { defineHashType } from './hash-type.ts';

/** Networks. Linux: net/netfilter/ipset/ip_set_hash_net.c. */
export const hashNet = defineHashType({
  name: 'hash:net',
  parts: ['net'],
});
