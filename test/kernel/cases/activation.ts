/**
 * Which rules make the kernel track connections, and which make it put fragments together: the presence of a rule
 * is enough, whether or not a packet ever meets it, so each rule stands in a chain that nothing jumps to.
 *
 * Every case plays one datagram in two fragments through a raw table that counts packets (2: the fragments went
 * by themselves; 1: the whole one did), and lists the connections (none: nobody tracks).
 */

import type { Case, CasePacket, Result } from '../judge.ts';
import { filler, fragment4, fragment6, ipv4, ipv6, udp } from '../packets.ts';
import { addresses, arrives, type Family, type Table, table } from './build.ts';
import { ROUTER } from './hosts.ts';

interface Rule {
  readonly name: string;
  readonly table: Table;
  readonly rule: string;
  readonly families: readonly Family[];
  readonly ipset?: boolean;
}

const both: readonly Family[] = [4, 6];

const match = (name: string, rule: string, families = both, from: Table = 'mangle'): Rule => ({
  name,
  table: from,
  rule,
  families,
});

const target = (name: string, from: Table, rule: string, families = both): Rule => ({
  name,
  table: from,
  rule,
  families,
});

/**
 * One line for every match and target that iptables 1.8.9 knows and this kernel has. Missing, since the kernel at
 * hand lacks them or they need objects of their own: cgroup, nfacct, rateest, CLUSTERIP, LED, SECMARK.
 */
export const RULES: readonly Rule[] = [
  match('(empty rule)', ''),
  match('addrtype', '-m addrtype --dst-type LOCAL'),
  match('ah', '-p ah -m ah --ahspi 1'),
  match('bpf', '-m bpf --bytecode "1,6 0 0 1"'),
  match('cluster', '-m cluster --cluster-total-nodes 2 --cluster-local-node 1 --cluster-hash-seed 1'),
  match('comment', '-m comment --comment words'),
  match('connbytes', '-m connbytes --connbytes 1:2 --connbytes-dir both --connbytes-mode packets'),
  match('connlabel', '-m connlabel --label 1'),
  match('connlimit', '-m connlimit --connlimit-above 1'),
  match('connmark', '-m connmark --mark 1'),
  match('conntrack', '-m conntrack --ctstate NEW'),
  match('cpu', '-m cpu --cpu 0'),
  match('dccp', '-p dccp -m dccp --dport 1'),
  match('devgroup', '-m devgroup --src-group 1'),
  match('dscp', '-m dscp --dscp 1'),
  match('dst', '-m dst --dst-len 8', [6]),
  match('ecn', '-p tcp -m ecn --ecn-tcp-cwr'),
  match('esp', '-p esp -m esp --espspi 1'),
  match('eui64', '-m eui64', [6], 'filter'),
  match('frag', '-m frag --fragid 1', [6]),
  match('hashlimit', '-m hashlimit --hashlimit-upto 1/sec --hashlimit-mode srcip --hashlimit-name x'),
  match('hbh', '-m hbh --hbh-len 8', [6]),
  match('helper', '-m helper --helper ftp'),
  match('hl', '-m hl --hl-eq 1', [6]),
  match('icmp', '-p icmp -m icmp --icmp-type 8', [4]),
  match('icmp6', '-p icmpv6 -m icmp6 --icmpv6-type 128', [6]),
  match('ipcomp', '-p ipcomp -m ipcomp --ipcompspi 1'),
  match('iprange', '-m iprange --src-range 192.0.2.1-192.0.2.2', [4]),
  match('iprange', '-m iprange --src-range 2001:db8::1-2001:db8::2', [6]),
  match('ipv6header', '-m ipv6header --header hop --soft', [6]),
  match('length', '-m length --length 1'),
  match('limit', '-m limit --limit 1/sec'),
  match('mac', '-m mac --mac-source 02:00:00:00:00:01', both, 'raw'),
  match('mark', '-m mark --mark 1'),
  match('mh', '-p mobility-header -m mh --mh-type 1', [6]),
  match('multiport', '-p tcp -m multiport --dports 1,2'),
  match('osf', '-p tcp -m osf --genre Linux', [4]),
  match('owner', '-m owner --uid-owner 0', both, 'mangle'),
  match('physdev', '-m physdev --physdev-in eth0'),
  match('pkttype', '-m pkttype --pkt-type unicast'),
  match('policy', '-m policy --dir in --pol none'),
  match('quota', '-m quota --quota 1'),
  match('realm', '-m realm --realm 1', [4]),
  match('recent', '-m recent --name x --set'),
  match('rpfilter', '-m rpfilter', both, 'raw'),
  match('rt', '-m rt --rt-type 0', [6]),
  match('sctp', '-p sctp -m sctp --dport 1'),
  { ...match('set', '-m set --match-set s4 src', [4]), ipset: true },
  { ...match('set', '-m set --match-set s6 src', [6]), ipset: true },
  match('socket', '-m socket --transparent'),
  match('srh', '-m srh --srh-next-hdr 17', [6]),
  match('state', '-m state --state NEW'),
  match('statistic', '-m statistic --mode nth --every 2 --packet 0'),
  match('string', '-m string --string x --algo bm'),
  match('tcp', '-p tcp -m tcp --dport 1'),
  match('tcpmss', '-p tcp -m tcp --tcp-flags SYN SYN -m tcpmss --mss 1'),
  match('time', '-m time --timestart 00:00'),
  match('tos', '-m tos --tos 1'),
  match('ttl', '-m ttl --ttl-eq 1', [4]),
  match('u32', '-m u32 --u32 "0=0"'),
  match('udp', '-p udp -m udp --dport 1'),
  target('AUDIT', 'filter', '-j AUDIT --type accept'),
  target('CHECKSUM', 'mangle', '-p udp -j CHECKSUM --checksum-fill'),
  target('CLASSIFY', 'mangle', '-j CLASSIFY --set-class 1:1'),
  target('CONNMARK', 'mangle', '-j CONNMARK --set-mark 1'),
  target('CONNSECMARK', 'mangle', '-j CONNSECMARK --save'),
  target('CT (nothing)', 'raw', '-j CT'),
  target('CT --notrack', 'raw', '-j CT --notrack'),
  target('CT --zone', 'raw', '-j CT --zone 1'),
  target('CT --helper', 'raw', '-p tcp -j CT --helper ftp'),
  target('DNAT', 'nat', '-p udp -j DNAT --to-destination 192.0.2.50', [4]),
  target('DNAT', 'nat', '-p udp -j DNAT --to-destination 2001:db8::50', [6]),
  target('DNPT', 'mangle', '-j DNPT --src-pfx 2001:db8::/64 --dst-pfx 2001:db8:5::/64', [6]),
  target('DSCP', 'mangle', '-j DSCP --set-dscp 1'),
  target('ECN', 'mangle', '-p tcp -j ECN --ecn-tcp-remove', [4]),
  target('HL', 'mangle', '-j HL --hl-set 1', [6]),
  target('HMARK', 'mangle', '-j HMARK --hmark-tuple src,dst --hmark-mod 2 --hmark-rnd 1'),
  target('IDLETIMER', 'mangle', '-j IDLETIMER --timeout 10 --label x'),
  target('LOG', 'filter', '-j LOG'),
  target('MARK', 'mangle', '-j MARK --set-mark 1'),
  target('MASQUERADE', 'nat', '-j MASQUERADE'),
  target('NETMAP', 'nat', '-j NETMAP --to 192.0.2.0/24', [4]),
  target('NETMAP', 'nat', '-j NETMAP --to 2001:db8::/64', [6]),
  target('NFLOG', 'filter', '-j NFLOG'),
  target('NFQUEUE', 'filter', '-j NFQUEUE'),
  target('NOTRACK', 'raw', '-j NOTRACK'),
  target('RATEEST', 'mangle', '-j RATEEST --rateest-name x --rateest-interval 250ms --rateest-ewmalog 500ms'),
  target('REDIRECT', 'nat', '-p udp -j REDIRECT --to-ports 1'),
  target('REJECT', 'filter', '-j REJECT'),
  { ...target('SET', 'mangle', '-j SET --add-set s4 src', [4]), ipset: true },
  { ...target('SET', 'mangle', '-j SET --add-set s6 src', [6]), ipset: true },
  target('SNAT', 'nat', '-j SNAT --to-source 192.0.2.50', [4]),
  target('SNAT', 'nat', '-j SNAT --to-source 2001:db8::50', [6]),
  target('SNPT', 'mangle', '-j SNPT --src-pfx 2001:db8::/64 --dst-pfx 2001:db8:5::/64', [6]),
  target('SYNPROXY', 'filter', '-p tcp -m tcp --syn -j SYNPROXY --mss 1460'),
  target('TCPMSS', 'mangle', '-p tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu'),
  target('TCPOPTSTRIP', 'mangle', '-p tcp -j TCPOPTSTRIP --strip-options 5'),
  target('TEE', 'mangle', '-j TEE --gateway 192.0.2.9', [4]),
  target('TEE', 'mangle', '-j TEE --gateway 2001:db8::9', [6]),
  target('TOS', 'mangle', '-j TOS --set-tos 1'),
  target('TPROXY', 'mangle', '-p tcp -j TPROXY --on-port 1'),
  target('TRACE', 'raw', '-j TRACE'),
  target('TTL', 'mangle', '-j TTL --ttl-set 1', [4]),
  target('ACCEPT in nat', 'nat', '-j ACCEPT'),
  target('RETURN in nat', 'nat', '-j RETURN'),
];

const DATAGRAM_BYTES = 64;

function fragments(family: Family): CasePacket[] {
  const a = addresses(family);
  const whole = udp({ sport: 1000, dport: 2000, payload: filler(DATAGRAM_BYTES) });
  const packets =
    family === 4
      ? fragment4(ipv4({ saddr: a.outside, daddr: a.self, id: 7 }, whole), 32)
      : fragment6(ipv6({ saddr: a.outside, daddr: a.self }, whole), 7, [32]);
  return packets.map((packet) => arrives('eth0', packet));
}

const COUNT = 'PREROUTING -m comment --comment counts';

/** The chains of a hook that the target may stand in; others would be refused at load. */
function hooked(rule: Rule, family: Family): string {
  // The user chain hangs on a rule that never matches: targets check which hooks can reach them.
  const never = family === 4 ? '-s 203.0.113.99' : '-s 2001:db8:ffff::99';
  const from: Record<string, string> = {
    SNAT: 'POSTROUTING',
    MASQUERADE: 'POSTROUTING',
    NETMAP: 'POSTROUTING',
    DNAT: 'PREROUTING',
    REDIRECT: 'PREROUTING',
    owner: 'OUTPUT',
    CHECKSUM: 'POSTROUTING',
    CLASSIFY: 'POSTROUTING',
    TCPMSS: 'POSTROUTING',
    eui64: 'INPUT',
    realm: 'INPUT',
    SNPT: 'POSTROUTING',
    SYNPROXY: 'INPUT',
    REJECT: 'INPUT',
    LOG: 'INPUT',
    NFLOG: 'INPUT',
    NFQUEUE: 'INPUT',
    AUDIT: 'INPUT',
  };
  return `${from[rule.name] ?? 'PREROUTING'} ${never} -j user`;
}

/** The rule stands in one family only; the packets are of both, since a rule might turn tracking on for both. */
export function activationCases(): Case[] {
  return RULES.flatMap((rule) =>
    rule.families.map((family): Case => {
      const inner = `user ${rule.rule}`.trimEnd();
      const own = [hooked(rule, family), inner];
      const dump =
        rule.table === 'raw' ? table('raw', COUNT, ...own) : table('raw', COUNT) + table(rule.table, ...own);
      const other = table('raw', COUNT);
      return {
        id: `activation/${rule.table}/${rule.name}/${family}`,
        host: ROUTER,
        rules4: family === 4 ? dump : other,
        rules6: family === 6 ? dump : other,
        ...(rule.ipset ? { ipset: 'create s4 hash:ip\ncreate s6 hash:ip family inet6\n' } : {}),
        packets: [...fragments(4), ...fragments(6)],
      };
    }),
  );
}

/** What a result of such a case says: for the family of the rule, and for the other one. */
export function activationOf(result: Result): Record<'own' | 'other', { defrag: boolean; tracked: boolean }> {
  const family = result.id.endsWith('/4') ? 4 : 6;
  const say = (of: Family) => ({
    defrag:
      (of === 4 ? result.save4 : result.save6)!.includes('[1:92] -A PREROUTING -m comment') ||
      (of === 4 ? result.save4 : result.save6)!.includes('[1:112] -A PREROUTING -m comment'),
    tracked: result.conntrack!.some((line) => line.startsWith(`ipv${of} `)),
  });
  return { own: say(family), other: say(family === 4 ? 6 : 4) };
}
