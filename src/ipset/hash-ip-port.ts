import { defineHashType } from './hash-type.ts';

/** Addresses with protocol and port. Linux: net/netfilter/ipset/ip_set_hash_ipport.c. */
export const hashIpPort = defineHashType({
  name: 'hash:ip,port',
  parts: ['ip', 'port'],
  refusesZero: true,
  takesMask: true,
});
