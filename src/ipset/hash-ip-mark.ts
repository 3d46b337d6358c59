import { defineHashType } from './hash-type.ts';

/** Address and packet mark. Linux: net/netfilter/ipset/ip_set_hash_ipmark.c. */
export const hashIpMark = defineHashType({
  name: 'hash:ip,mark',
  parts: ['ip', 'mark'],
});
