import { defineHashType } from './hash-type.ts';

/** Two addresses and a port. Linux: net/netfilter/ipset/ip_set_hash_ipportip.c. */
export const hashIpPortIp = defineHashType({
  name: 'hash:ip,port,ip',
  parts: ['ip', 'port', 'ip'],
});
