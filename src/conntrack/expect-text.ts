import { formatIpv4, formatIpv6 } from '../base/inet.ts';
import {
  TUPLE_DADDR,
  TUPLE_DPORT,
  TUPLE_PROTO,
  TUPLE_SADDR,
  TUPLE_SPORT,
} from '../packet/conntrack-access.ts';
import { IPPROTO_GRE } from '../packet/packet.ts';
import type { ConntrackCore } from './core.ts';
import { EXPECT_INACTIVE, EXPECT_PERMANENT, type Expectation } from './expect.ts';
import { RECORD_SHIFT } from './layout.ts';
import { SECOND_NS } from './timeouts.ts';

/**
 * Expectations as `conntrack -L expect` writes them (libnetfilter_conntrack's default form):
 *
 *   299 proto=17 src=… dst=… sport=0 dport=40000 mask-src=… mask-dst=… sport=0 dport=65535 master-src=… master-dst=…
 *   sport=40000 dport=69 class=0 helper=tftp
 */
export function dumpExpectations(core: ConntrackCore, nowNs: number): string[] {
  const lines: string[] = [];
  for (const expectation of core.expectations.all(nowNs)) {
    const seconds = Math.floor((expectation.expiresNs - nowNs) / SECOND_NS);
    lines.push(`${seconds} ${formatExpectation(core, expectation)}`);
  }
  return lines.sort();
}

function formatExpectation(core: ConntrackCore, expectation: Expectation): string {
  const { tuple, flags, helper, class: expectClass, zone } = expectation;
  const mask = new Int32Array(tuple.length);
  mask.set(expectation.maskSaddr, TUPLE_SADDR);
  mask.fill(-1, TUPLE_DADDR, TUPLE_DADDR + (tuple[TUPLE_PROTO]! >> 8 === 4 ? 1 : 4));
  mask[TUPLE_SPORT] = expectation.maskSport;
  mask[TUPLE_DPORT] = 0xffff;
  mask[TUPLE_PROTO] = tuple[TUPLE_PROTO]!;
  const named = [
    (flags & EXPECT_PERMANENT) !== 0 ? 'PERMANENT' : '',
    (flags & EXPECT_INACTIVE) !== 0 ? 'INACTIVE' : '',
  ].filter((name) => name !== '');
  return (
    `proto=${tuple[TUPLE_PROTO]! & 255} ${formatTuple(tuple, 0, '')} ${formatTuple(mask, 0, 'mask-')} ` +
    `${formatTuple(core.words, expectation.master << RECORD_SHIFT, 'master-')} ` +
    (zone === 0 ? '' : `zone=${zone} `) +
    (named.length === 0 ? '' : `${named.join(',')} `) +
    `class=${expectClass} helper=${helper!.name}`
  );
}

function formatTuple(words: Int32Array, at: number, prefix: string): string {
  const proto = words[at + TUPLE_PROTO]! & 255;
  const isIpv4 = words[at + TUPLE_PROTO]! >> 8 === 4;
  const address = (from: number) => (isIpv4 ? formatIpv4(words[from]!) : formatIpv6(words, from));
  const sport = words[at + TUPLE_SPORT]!;
  const dport = words[at + TUPLE_DPORT]!;
  const ports =
    proto === IPPROTO_GRE
      ? `srckey=0x${sport.toString(16)} dstkey=0x${dport.toString(16)}`
      : `sport=${sport} dport=${dport}`;
  return `${prefix}src=${address(at + TUPLE_SADDR)} ${prefix}dst=${address(at + TUPLE_DADDR)} ${ports}`;
}
