import { defineHashType } from './hash-type.ts';

/** Two networks and a port. Linux: net/netfilter/ipset/ip_set_hash_netportnet.c. */
export const hashNetPortNet = defineHashType({
  name: 'hash:net,port,net',
  parts: ['net', 'port', 'net'],
  takesNet0: true,
});
