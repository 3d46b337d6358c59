import { defineMatch } from '../extension/define.ts';
import { noOptions } from '../extension/syntax.ts';
import { R_SADDR } from '../packet/registers.ts';

const ETHERTYPE_IPV6 = 0x86dd;

/** `-m eui64` (IPv6): the source address ends in the sender's MAC address. Linux: net/ipv6/netfilter/ip6t_eui64.c. */
export const eui64 = defineMatch<null>({
  name: 'eui64',
  families: [6],
  hooks: ['PREROUTING', 'INPUT', 'FORWARD'],
  scope: 'packet',
  reads: ['saddr', 'payload'],
  syntax: noOptions('eui64'),
  evaluate: (_, p) => {
    const mac = p.macOffset;
    if (mac < 0 || p.view.getUint16(mac + 12) !== ETHERTYPE_IPV6) return false;
    const from = mac + 6;
    // ff:fe stands in the middle, and the bit that says "universal" is turned.
    const high = (p.view.getUint16(from) << 16) | (p.view.getUint8(from + 2) << 8) | 0xff;
    const low = (0xfe << 24) | (p.view.getUint8(from + 3) << 16) | p.view.getUint16(from + 4);
    return (high ^ 0x02000000) === p.r[R_SADDR + 2] && low === p.r[R_SADDR + 3];
  },
});
