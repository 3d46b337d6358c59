import { defineHashType } from './hash-type.ts';

/** Address and Ethernet address. Linux: net/netfilter/ipset/ip_set_hash_ipmac.c. */
export const hashIpMac = defineHashType({
  name: 'hash:ip,mac',
  parts: ['ip', 'mac'],
});
