import type { Family } from '../base/inet.ts';
import type { MatchDefinition } from '../extension/define.ts';
import { addrtype } from './addrtype.ts';
import { ah, ah6 } from './ah.ts';
import { bpf } from './bpf.ts';
import { cgroup } from './cgroup.ts';
import { cluster } from './cluster.ts';
import { comment } from './comment.ts';
import { connbytes } from './connbytes.ts';
import { connlabel } from './connlabel.ts';
import { connlimit } from './connlimit.ts';
import { connmark } from './connmark.ts';
import { conntrack, state } from './conntrack.ts';
import { cpu } from './cpu.ts';
import { dccp } from './dccp.ts';
import { devgroup } from './devgroup.ts';
import { dscp } from './dscp.ts';
import { ecn } from './ecn.ts';
import { esp } from './esp.ts';
import { eui64 } from './eui64.ts';
import { frag } from './frag.ts';
import { hashlimit } from './hashlimit.ts';
import { dst, hbh } from './hbh.ts';
import { helper } from './helper.ts';
import { hl } from './hl.ts';
import { icmp } from './icmp.ts';
import { icmp6 } from './icmp6.ts';
import { ipcomp } from './ipcomp.ts';
import { iprange } from './iprange.ts';
import { ipv6header } from './ipv6header.ts';
import { length } from './length.ts';
import { limit } from './limit.ts';
import { mac } from './mac.ts';
import { mark } from './mark.ts';
import { mh } from './mh.ts';
import { multiport } from './multiport.ts';
import { nfacct } from './nfacct.ts';
import { osf } from './osf.ts';
import { owner } from './owner.ts';
import { physdev } from './physdev.ts';
import { pkttype } from './pkttype.ts';
import { policy } from './policy.ts';
import { quota } from './quota.ts';
import { rateest } from './rateest.ts';
import { realm } from './realm.ts';
import { recent } from './recent.ts';
import { rpfilter } from './rpfilter.ts';
import { rt } from './rt.ts';
import { sctp } from './sctp.ts';
import { set } from './set.ts';
import { socket } from './socket.ts';
import { srh } from './srh.ts';
import { statistic } from './statistic.ts';
import { string } from './string.ts';
import { tcp } from './tcp.ts';
import { tcpmss } from './tcpmss.ts';
import { time } from './time.ts';
import { tos } from './tos.ts';
import { ttl } from './ttl.ts';
import { u32 } from './u32.ts';
import { udp } from './udp.ts';

/** Every match: one line each, in alphabetical order. */
// biome-ignore lint/suspicious/noExplicitAny: each definition has options and a state of its own.
export const MATCHES: readonly MatchDefinition<any, any>[] = [
  addrtype,
  ah,
  ah6,
  bpf,
  cgroup,
  cluster,
  comment,
  connbytes,
  connlabel,
  connlimit,
  connmark,
  conntrack,
  cpu,
  dccp,
  devgroup,
  dscp,
  dst,
  ecn,
  esp,
  eui64,
  frag,
  hashlimit,
  hbh,
  helper,
  hl,
  icmp,
  icmp6,
  ipcomp,
  iprange,
  ipv6header,
  length,
  limit,
  mac,
  mark,
  mh,
  multiport,
  nfacct,
  osf,
  owner,
  physdev,
  pkttype,
  policy,
  quota,
  rateest,
  realm,
  recent,
  rpfilter,
  rt,
  sctp,
  set,
  socket,
  state,
  srh,
  statistic,
  string,
  tcp,
  tcpmss,
  time,
  tos,
  ttl,
  u32,
  udp,
];

/** Other names that -m takes (xtables_find_match()). */
export const MATCH_ALIASES: Readonly<Record<string, string>> = { icmpv6: 'icmp6', 'ipv6-icmp': 'icmp6' };

const byName: Readonly<Record<Family, ReadonlyMap<string, MatchDefinition>>> = {
  4: new Map(MATCHES.filter((one) => one.families.includes(4)).map((one) => [one.name, one])),
  6: new Map(MATCHES.filter((one) => one.families.includes(6)).map((one) => [one.name, one])),
};

export function findMatch(name: string, family: Family): MatchDefinition | undefined {
  return byName[family].get(name);
}
