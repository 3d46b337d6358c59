import { defineHashType } from './hash-type.ts';

/** Addresses. Linux: net/netfilter/ipset/ip_set_hash_ip.c. */
export const hashIp = defineHashType({
  name: 'hash:ip',
  parts: ['ip'],
  refusesZero: true,
  takesMask: true,
});
