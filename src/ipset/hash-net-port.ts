import { defineHashType } from './hash-type.ts';

/** Network and port. Linux: net/netfilter/ipset/ip_set_hash_netport.c. */
export const hashNetPort = defineHashType({
  name: 'hash:net,port',
  parts: ['net', 'port'],
});
