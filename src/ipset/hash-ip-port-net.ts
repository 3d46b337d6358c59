import { defineHashType } from './hash-type.ts';

/** Address, port and network. Linux: net/netfilter/ipset/ip_set_hash_ipportnet.c. */
export const hashIpPortNet = defineHashType({
  name: 'hash:ip,port,net',
  parts: ['ip', 'port', 'net'],
});
