/**
 * What a fresh network namespace says, of all that netfilter and routing read. Compared with a running kernel by
 * test/host/sysctl.test.ts. Timeouts in seconds, thresholds in bytes.
 */

/** Keys below net.ipv4.conf.<interface>: net/ipv4/devinet.c, ipv4_devconf and ipv4_devconf_dflt. */
export const DEFAULTS_CONF4: Readonly<Record<string, number>> = {
  accept_local: 0,
  bc_forwarding: 0,
  forwarding: 0,
  ignore_routes_with_linkdown: 0,
  log_martians: 0,
  mc_forwarding: 0,
  route_localnet: 0,
  rp_filter: 0,
  send_redirects: 1,
  src_valid_mark: 0,
};

/** Keys below net.ipv6.conf.<interface>: net/ipv6/addrconf.c, ipv6_devconf and ipv6_devconf_dflt. */
export const DEFAULTS_CONF6: Readonly<Record<string, number>> = {
  accept_ra: 1,
  disable_ipv6: 0,
  force_forwarding: 0,
  forwarding: 0,
  hop_limit: 64,
  ignore_routes_with_linkdown: 0,
  mc_forwarding: 0,
  use_oif_addrs_only: 0,
  use_optimistic: 0,
  use_tempaddr: 0,
};

export const SYSCTL_DEFAULTS: Readonly<Record<string, number>> = {
  // net/ipv4/af_inet.c, net/ipv4/sysctl_net_ipv4.c, net/ipv4/ip_fragment.c
  'net.ipv4.ip_forward': 0,
  'net.ipv4.ip_default_ttl': 64,
  'net.ipv4.ip_no_pmtu_disc': 0,
  'net.ipv4.ip_forward_use_pmtu': 0,
  'net.ipv4.ip_early_demux': 1,
  'net.ipv4.fwmark_reflect': 0,
  'net.ipv4.tcp_fwmark_accept': 0,
  'net.ipv4.icmp_echo_ignore_all': 0,
  'net.ipv4.icmp_echo_ignore_broadcasts': 1,
  'net.ipv4.fib_multipath_hash_policy': 0,
  'net.ipv4.ipfrag_time': 30,
  'net.ipv4.ipfrag_high_thresh': 4194304,
  'net.ipv4.ipfrag_low_thresh': 3145728,
  'net.ipv4.ipfrag_max_dist': 64,
  // net/ipv6/sysctl_net_ipv6.c, net/ipv6/reassembly.c
  'net.ipv6.fib_multipath_hash_policy': 0,
  'net.ipv6.fwmark_reflect': 0,
  'net.ipv6.ip6frag_time': 60,
  'net.ipv6.ip6frag_high_thresh': 4194304,
  'net.ipv6.ip6frag_low_thresh': 3145728,
  // net/bridge/br_netfilter_hooks.c, brnf_net_init()
  'net.bridge.bridge-nf-call-arptables': 1,
  'net.bridge.bridge-nf-call-iptables': 1,
  'net.bridge.bridge-nf-call-ip6tables': 1,
  'net.bridge.bridge-nf-filter-vlan-tagged': 0,
  'net.bridge.bridge-nf-filter-pppoe-tagged': 0,
  'net.bridge.bridge-nf-pass-vlan-input-dev': 0,
  // net/netfilter/nf_conntrack_standalone.c, nf_conntrack_core.c. The two sizes are those of a machine with more
  // than 4 GB (nf_conntrack_init_start()).
  'net.netfilter.nf_conntrack_acct': 0,
  'net.netfilter.nf_conntrack_buckets': 262144,
  'net.netfilter.nf_conntrack_checksum': 1,
  'net.netfilter.nf_conntrack_count': 0,
  'net.netfilter.nf_conntrack_events': 2,
  'net.netfilter.nf_conntrack_expect_max': 4096,
  // Gone since Linux 6.0; it was 0 since 4.7.
  'net.netfilter.nf_conntrack_helper': 0,
  'net.netfilter.nf_conntrack_log_invalid': 0,
  'net.netfilter.nf_conntrack_max': 262144,
  'net.netfilter.nf_conntrack_timestamp': 0,
  'net.netfilter.nf_log_all_netns': 0,
  // net/ipv6/netfilter/nf_conntrack_reasm.c
  'net.netfilter.nf_conntrack_frag6_high_thresh': 4194304,
  'net.netfilter.nf_conntrack_frag6_low_thresh': 3145728,
  'net.netfilter.nf_conntrack_frag6_timeout': 60,
  // net/netfilter/nf_conntrack_proto_generic.c, _icmp.c, _icmpv6.c, _udp.c, _gre.c
  'net.netfilter.nf_conntrack_generic_timeout': 600,
  'net.netfilter.nf_conntrack_icmp_timeout': 30,
  'net.netfilter.nf_conntrack_icmpv6_timeout': 30,
  'net.netfilter.nf_conntrack_udp_timeout': 30,
  'net.netfilter.nf_conntrack_udp_timeout_stream': 120,
  'net.netfilter.nf_conntrack_gre_timeout': 30,
  'net.netfilter.nf_conntrack_gre_timeout_stream': 180,
  // net/netfilter/nf_conntrack_proto_tcp.c
  'net.netfilter.nf_conntrack_tcp_be_liberal': 0,
  'net.netfilter.nf_conntrack_tcp_ignore_invalid_rst': 0,
  'net.netfilter.nf_conntrack_tcp_loose': 1,
  'net.netfilter.nf_conntrack_tcp_max_retrans': 3,
  'net.netfilter.nf_conntrack_tcp_timeout_close': 10,
  'net.netfilter.nf_conntrack_tcp_timeout_close_wait': 60,
  'net.netfilter.nf_conntrack_tcp_timeout_established': 432000,
  'net.netfilter.nf_conntrack_tcp_timeout_fin_wait': 120,
  'net.netfilter.nf_conntrack_tcp_timeout_last_ack': 30,
  'net.netfilter.nf_conntrack_tcp_timeout_max_retrans': 300,
  'net.netfilter.nf_conntrack_tcp_timeout_syn_recv': 60,
  'net.netfilter.nf_conntrack_tcp_timeout_syn_sent': 120,
  'net.netfilter.nf_conntrack_tcp_timeout_time_wait': 120,
  'net.netfilter.nf_conntrack_tcp_timeout_unacknowledged': 300,
  // net/netfilter/nf_conntrack_proto_sctp.c. Heartbeat_acked is gone since Linux 6.3.
  'net.netfilter.nf_conntrack_sctp_timeout_closed': 10,
  'net.netfilter.nf_conntrack_sctp_timeout_cookie_echoed': 3,
  'net.netfilter.nf_conntrack_sctp_timeout_cookie_wait': 3,
  'net.netfilter.nf_conntrack_sctp_timeout_established': 210,
  'net.netfilter.nf_conntrack_sctp_timeout_heartbeat_acked': 210,
  'net.netfilter.nf_conntrack_sctp_timeout_heartbeat_sent': 30,
  'net.netfilter.nf_conntrack_sctp_timeout_shutdown_ack_sent': 3,
  'net.netfilter.nf_conntrack_sctp_timeout_shutdown_recd': 3,
  'net.netfilter.nf_conntrack_sctp_timeout_shutdown_sent': 3,
  // net/netfilter/nf_conntrack_proto_dccp.c (gone since Linux 6.16)
  'net.netfilter.nf_conntrack_dccp_loose': 1,
  'net.netfilter.nf_conntrack_dccp_timeout_closereq': 64,
  'net.netfilter.nf_conntrack_dccp_timeout_closing': 64,
  'net.netfilter.nf_conntrack_dccp_timeout_open': 43200,
  'net.netfilter.nf_conntrack_dccp_timeout_partopen': 480,
  'net.netfilter.nf_conntrack_dccp_timeout_request': 240,
  'net.netfilter.nf_conntrack_dccp_timeout_respond': 480,
  'net.netfilter.nf_conntrack_dccp_timeout_timewait': 240,
};
