/** IP protocol numbers that the decoder knows (include/uapi/linux/in.h). */
export const IPPROTO_HOPOPTS = 0;
export const IPPROTO_ICMP = 1;
export const IPPROTO_IGMP = 2;
export const IPPROTO_TCP = 6;
export const IPPROTO_UDP = 17;
export const IPPROTO_DCCP = 33;
export const IPPROTO_ROUTING = 43;
export const IPPROTO_FRAGMENT = 44;
export const IPPROTO_GRE = 47;
export const IPPROTO_ESP = 50;
export const IPPROTO_AH = 51;
export const IPPROTO_ICMPV6 = 58;
export const IPPROTO_NONE = 59;
export const IPPROTO_DSTOPTS = 60;
export const IPPROTO_COMP = 108;
export const IPPROTO_SCTP = 132;
export const IPPROTO_MH = 135;
export const IPPROTO_UDPLITE = 136;

/**
 * Bytes of a protocol's fixed header, by IP protocol number: what its match asks skb_header_pointer() for before
 * it looks at anything (net/netfilter/xt_tcpudp.c, xt_sctp.c, xt_esp.c, ip6t_ah.c …). 0 where there is none.
 */
export const FIXED_HEADER_BYTES: Uint8Array = Uint8Array.from({ length: 256 }, (_, proto) => {
  switch (proto) {
    case IPPROTO_TCP:
      return 20;
    case IPPROTO_SCTP:
    case IPPROTO_DCCP:
    case IPPROTO_AH:
      return 12;
    case IPPROTO_UDP:
    case IPPROTO_UDPLITE:
    case IPPROTO_ICMP:
    case IPPROTO_ICMPV6:
    case IPPROTO_IGMP:
    case IPPROTO_ESP:
      return 8;
    case IPPROTO_MH:
      return 6;
    case IPPROTO_GRE:
    case IPPROTO_COMP:
      return 4;
    default:
      return 0;
  }
});
