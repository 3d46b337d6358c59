import { PKT_BROADCAST, PKT_HOST, PKT_MULTICAST, PKT_OTHERHOST } from '../batch/layout.ts';
import { defineMatch } from '../extension/define.ts';
import { defineSyntax, type OptionCall } from '../extension/syntax.ts';
import { custom } from '../extension/values.ts';
import type { Packet } from '../packet/packet.ts';
import { R_DADDR, R_FAMILY, R_PKT_TYPE } from '../packet/registers.ts';

interface PkttypeOptions {
  /** PKT_*. */
  readonly type: number;
  readonly inverted: boolean;
}

/** The first name of each type is the one that is printed. */
const NAMES: readonly (readonly [string, number])[] = [
  ['unicast', PKT_HOST],
  ['broadcast', PKT_BROADCAST],
  ['multicast', PKT_MULTICAST],
  ['otherhost', PKT_OTHERHOST],
  ['host', PKT_HOST],
  ['bcast', PKT_BROADCAST],
  ['mcast', PKT_MULTICAST],
];

/** PACKET_LOOPBACK (include/uapi/linux/if_packet.h): a copy of a packet that this host sends to a group. */
const PACKET_LOOPBACK = 5;

function parseType(text: string, call: OptionCall): number {
  const lower = text.toLowerCase();
  const known = NAMES.find(([name]) => name === lower);
  return known === undefined ? call.fail(`Bad packet type '${text}'`) : known[1];
}

function nameOf(type: number): string {
  return NAMES.find(([, known]) => known === type)![0];
}

/** `-m pkttype`: to whom the link layer says the packet is. Linux: net/netfilter/xt_pkttype.c, pkttype_mt(). */
export const pkttype = defineMatch<PkttypeOptions>({
  name: 'pkttype',
  families: [4, 6],
  scope: 'packet',
  reads: ['pktType', 'daddr', 'family'],
  syntax: defineSyntax({
    options: { '--pkt-type': custom(parseType, { invertible: true, mandatory: true }) },
    build: (v): PkttypeOptions => ({ type: v['--pkt-type']!.value, inverted: v['--pkt-type']!.inverted }),
    save: (o) => `${o.inverted ? ' !' : ''} --pkt-type ${nameOf(o.type)}`,
    list: (o) => `PKTTYPE ${o.inverted ? '!=' : '='} ${nameOf(o.type)}`,
  }),
  evaluate: (o, p) => (packetType(p) === o.type) !== o.inverted,
});

/** A looped copy has lost its type: it is told by its address. */
function packetType(p: Packet): number {
  const type = p.r[R_PKT_TYPE]!;
  if (type !== PACKET_LOOPBACK) return type;
  const top = p.r[R_DADDR]! >>> 24;
  const isMulticast = p.r[R_FAMILY] === 4 ? top >>> 4 === 0xe : top === 0xff;
  return isMulticast ? PKT_MULTICAST : PKT_BROADCAST;
}
