import { defineMatch } from '../extension/define.ts';
import { defineSyntax } from '../extension/syntax.ts';
import { custom } from '../extension/values.ts';
import { R_ICMP_TYPE } from '../packet/registers.ts';
import {
  emitIcmpType,
  type IcmpName,
  type IcmpType,
  icmpTypeMatches,
  listIcmpType,
  parseIcmpType,
  saveIcmpType,
} from './icmp-type.ts';
import { seesTransport } from './ports.ts';

interface Icmp6Options extends IcmpType {
  readonly inverted: boolean;
}

const NAMES: readonly IcmpName[] = [
  ['destination-unreachable', 1, 0, 0xff],
  ['no-route', 1, 0, 0],
  ['communication-prohibited', 1, 1, 1],
  ['beyond-scope', 1, 2, 2],
  ['address-unreachable', 1, 3, 3],
  ['port-unreachable', 1, 4, 4],
  ['failed-policy', 1, 5, 5],
  ['reject-route', 1, 6, 6],
  ['packet-too-big', 2, 0, 0xff],
  ['time-exceeded', 3, 0, 0xff],
  ['ttl-exceeded', 3, 0, 0xff],
  ['ttl-zero-during-transit', 3, 0, 0],
  ['ttl-zero-during-reassembly', 3, 1, 1],
  ['parameter-problem', 4, 0, 0xff],
  ['bad-header', 4, 0, 0],
  ['unknown-header-type', 4, 1, 1],
  ['unknown-option', 4, 2, 2],
  ['echo-request', 128, 0, 0xff],
  ['ping', 128, 0, 0xff],
  ['echo-reply', 129, 0, 0xff],
  ['pong', 129, 0, 0xff],
  ['router-solicitation', 133, 0, 0xff],
  ['router-advertisement', 134, 0, 0xff],
  ['neighbour-solicitation', 135, 0, 0xff],
  ['neighbor-solicitation', 135, 0, 0xff],
  ['neighbour-advertisement', 136, 0, 0xff],
  ['neighbor-advertisement', 136, 0, 0xff],
  ['redirect', 137, 0, 0xff],
];

/** `-m icmp6`. Linux: net/netfilter/xt_tcpudp.c, icmp6_match(). Unlike ICMP it has no type for "any". */
export const icmp6 = defineMatch<Icmp6Options>({
  name: 'icmp6',
  families: [6],
  scope: 'packet',
  reads: ['icmpType', 'icmpCode', 'fragOffset', 'decodeFlags'],
  syntax: defineSyntax({
    protocol: 58,
    options: {
      '--icmpv6-type': custom((text, call) => parseIcmpType(text, NAMES, 'ICMPv6', call), {
        invertible: true,
        mandatory: true,
      }),
    },
    build: (v): Icmp6Options => ({ ...v['--icmpv6-type']!.value, inverted: v['--icmpv6-type']!.inverted }),
    save: (o) => `${o.inverted ? ' !' : ''} --icmpv6-type ${saveIcmpType(o)}`,
    list: (o) => `ipv6-icmp${o.inverted ? ' ' : ''}${listIcmpType(o, o.inverted)}`,
  }),
  evaluate: (o, p) => {
    if (!seesTransport(p)) return false;
    return icmpTypeMatches(o, p) !== o.inverted;
  },
  compile: (o, e) => {
    e.range(R_ICMP_TYPE, 0, 255);
    emitIcmpType(e, o, o.inverted);
    return true;
  },
});
