import { defineHashType } from './hash-type.ts';

/** Network and interface. Linux: net/netfilter/ipset/ip_set_hash_netiface.c. */
export const hashNetIface = defineHashType({
  name: 'hash:net,iface',
  parts: ['net', 'iface'],
  takesNet0: true,
});
