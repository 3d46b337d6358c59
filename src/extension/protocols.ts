/**
 * Protocol names as iptables knows them. The program runs on any system, so the names of /etc/protocols (IANA's
 * registry as Debian's netbase 6.4 has it) are kept here: number, name, further names.
 */
const PROTOCOLS =
  '0:ip,IP 0:hopopt,HOPOPT 1:icmp,ICMP 2:igmp,IGMP 3:ggp,GGP 4:ipencap,IP-ENCAP 5:st,ST 6:tcp,TCP 8:egp,EGP ' +
  '9:igp,IGP 12:pup,PUP 17:udp,UDP 20:hmp,HMP 22:xns-idp,XNS-IDP 27:rdp,RDP 29:iso-tp4,ISO-TP4 33:dccp,DCCP ' +
  '36:xtp,XTP 37:ddp,DDP 38:idpr-cmtp,IDPR-CMTP 41:ipv6,IPv6 43:ipv6-route,IPv6-Route ' +
  '44:ipv6-frag,IPv6-Frag 45:idrp,IDRP 46:rsvp,RSVP 47:gre,GRE 50:esp,IPSEC-ESP 51:ah,IPSEC-AH 57:skip,SKIP ' +
  '58:ipv6-icmp,IPv6-ICMP 59:ipv6-nonxt,IPv6-NoNxt 60:ipv6-opts,IPv6-Opts 73:rspf,RSPF,CPHB 81:vmtp,VMTP ' +
  '88:eigrp,EIGRP 89:ospf,OSPFIGP 93:ax.25,AX.25 94:ipip,IPIP 97:etherip,ETHERIP 98:encap,ENCAP 103:pim,PIM ' +
  '108:ipcomp,IPCOMP 112:vrrp,VRRP 115:l2tp,L2TP 124:isis,ISIS 132:sctp,SCTP 133:fc,FC ' +
  '135:mobility-header,Mobility-Header 136:udplite,UDPLite 137:mpls-in-ip,MPLS-in-IP 138:manet 139:hip,HIP ' +
  '140:shim6,Shim6 141:wesp,WESP 142:rohc,ROHC 143:ethernet,Ethernet 262:mptcp,MPTCP';

/** The names iptables has of its own and looks up before /etc/protocols (xtables_chain_protos, in its order). */
const OWN_NAMES: readonly (readonly [string, number])[] = [
  ['tcp', 6],
  ['sctp', 132],
  ['udp', 17],
  ['udplite', 136],
  ['icmp', 1],
  ['icmpv6', 58],
  ['ipv6-icmp', 58],
  ['esp', 50],
  ['ah', 51],
  ['ipv6-mh', 135],
  ['mh', 135],
  ['all', 0],
];

const numberByName = new Map<string, number>();
const nameByNumber = new Map<number, string>();
for (const word of PROTOCOLS.split(' ')) {
  const [number, names] = word.split(':') as [string, string];
  for (const name of names.split(',')) {
    if (!numberByName.has(name)) numberByName.set(name, Number(number));
    if (!nameByNumber.has(Number(number))) nameByNumber.set(Number(number), name);
  }
}
for (const [name, number] of OWN_NAMES) numberByName.set(name, number);

/** Number of a protocol by its name, or undefined. Numbers as text are not taken: see parseProtocol. */
export function protocolNumber(name: string): number | undefined {
  return numberByName.get(name);
}

/** Name of a protocol, or undefined (proto_to_name() of iptables). */
export function protocolName(number: number): string | undefined {
  return nameByNumber.get(number);
}
