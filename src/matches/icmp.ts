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

interface IcmpOptions extends IcmpType {
  readonly inverted: boolean;
}

/** Type 255 stands for every type. */
const ANY_TYPE = 255;

const NAMES: readonly IcmpName[] = [
  ['any', 0xff, 0, 0xff],
  ['echo-reply', 0, 0, 0xff],
  ['pong', 0, 0, 0xff],
  ['destination-unreachable', 3, 0, 0xff],
  ['network-unreachable', 3, 0, 0],
  ['host-unreachable', 3, 1, 1],
  ['protocol-unreachable', 3, 2, 2],
  ['port-unreachable', 3, 3, 3],
  ['fragmentation-needed', 3, 4, 4],
  ['source-route-failed', 3, 5, 5],
  ['network-unknown', 3, 6, 6],
  ['host-unknown', 3, 7, 7],
  ['network-prohibited', 3, 9, 9],
  ['host-prohibited', 3, 10, 10],
  ['TOS-network-unreachable', 3, 11, 11],
  ['TOS-host-unreachable', 3, 12, 12],
  ['communication-prohibited', 3, 13, 13],
  ['host-precedence-violation', 3, 14, 14],
  ['precedence-cutoff', 3, 15, 15],
  ['source-quench', 4, 0, 0xff],
  ['redirect', 5, 0, 0xff],
  ['network-redirect', 5, 0, 0],
  ['host-redirect', 5, 1, 1],
  ['TOS-network-redirect', 5, 2, 2],
  ['TOS-host-redirect', 5, 3, 3],
  ['echo-request', 8, 0, 0xff],
  ['ping', 8, 0, 0xff],
  ['router-advertisement', 9, 0, 0xff],
  ['router-solicitation', 10, 0, 0xff],
  ['time-exceeded', 11, 0, 0xff],
  ['ttl-exceeded', 11, 0, 0xff],
  ['ttl-zero-during-transit', 11, 0, 0],
  ['ttl-zero-during-reassembly', 11, 1, 1],
  ['parameter-problem', 12, 0, 0xff],
  ['ip-header-bad', 12, 0, 0],
  ['required-option-missing', 12, 1, 1],
  ['timestamp-request', 13, 0, 0xff],
  ['timestamp-reply', 14, 0, 0xff],
  ['address-mask-request', 17, 0, 0xff],
  ['address-mask-reply', 18, 0, 0xff],
];

/** `-m icmp`. Linux: net/netfilter/xt_tcpudp.c, icmp_match(). */
export const icmp = defineMatch<IcmpOptions>({
  name: 'icmp',
  families: [4],
  scope: 'packet',
  reads: ['icmpType', 'icmpCode', 'fragOffset', 'decodeFlags'],
  syntax: defineSyntax({
    protocol: 1,
    options: {
      '--icmp-type': custom((text, call) => parseIcmpType(text, NAMES, 'ICMP', call), {
        invertible: true,
        mandatory: true,
      }),
    },
    build: (v): IcmpOptions => ({ ...v['--icmp-type']!.value, inverted: v['--icmp-type']!.inverted }),
    save: (o) => {
      const type = o.type === ANY_TYPE ? 'any' : saveIcmpType(o);
      return `${o.inverted ? ' !' : ''} --icmp-type ${type}`;
    },
    list: (o) => `icmp${o.inverted ? ' ' : ''}${listIcmpType(o, o.inverted)}`,
  }),
  evaluate: (o, p) => {
    if (!seesTransport(p)) return false;
    return (o.type === ANY_TYPE || icmpTypeMatches(o, p)) !== o.inverted;
  },
  compile: (o, e) => {
    e.range(R_ICMP_TYPE, 0, 255);
    if (o.type === ANY_TYPE) {
      if (o.inverted) e.never();
      return true;
    }
    emitIcmpType(e, o, o.inverted);
    return true;
  },
});
