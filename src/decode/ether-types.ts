/** Ethernet protocol numbers (include/uapi/linux/if_ether.h) as far as the decoder or the report names them. */
export const ETH_P_802_3 = 0x0001;
export const ETH_P_802_2 = 0x0004;
/** Below this the field is a length: the frame is IEEE 802.3. */
export const ETH_P_802_3_MIN = 0x0600;
export const ETH_P_IP = 0x0800;
export const ETH_P_IPV6 = 0x86dd;
export const ETH_P_8021Q = 0x8100;
export const ETH_P_8021AD = 0x88a8;
export const ETH_P_MPLS_UC = 0x8847;
export const ETH_P_MPLS_MC = 0x8848;
export const ETH_P_PPP_SES = 0x8864;

const NAMES: ReadonlyMap<number, string> = new Map([
  [0, 'no protocol (frame too short)'],
  [ETH_P_802_3, '802.3 (Novell)'],
  [ETH_P_802_2, 'LLC (802.2)'],
  [0x0806, 'ARP'],
  [0x0842, 'Wake-on-LAN'],
  [0x2000, 'CDP'],
  [0x22f3, 'TRILL'],
  [0x6558, 'transparent Ethernet bridging'],
  [0x8035, 'RARP'],
  [0x809b, 'AppleTalk'],
  [0x80f3, 'AppleTalk ARP'],
  [ETH_P_8021Q, 'VLAN tag cut short (802.1Q)'],
  [ETH_P_8021AD, 'VLAN tag cut short (802.1ad)'],
  [0x8137, 'IPX'],
  [0x8808, 'Ethernet flow control'],
  [0x8809, 'slow protocols (LACP)'],
  [ETH_P_MPLS_UC, 'MPLS'],
  [ETH_P_MPLS_MC, 'MPLS multicast'],
  [0x8863, 'PPPoE discovery'],
  [ETH_P_PPP_SES, 'PPPoE session, not IP'],
  [0x888e, 'EAPOL (802.1X)'],
  [0x88a2, 'ATA over Ethernet'],
  [0x88cc, 'LLDP'],
  [0x88e5, 'MACsec'],
  [0x88f7, 'PTP'],
  [0x8906, 'FCoE'],
  [0x9000, 'Ethernet loopback'],
  [0x9100, 'QinQ (0x9100), which Linux does not take off'],
]);

/** What the report calls packets that are not IP. `etherType` is the column's value. */
export function describeNotIp(etherType: number): string {
  return NAMES.get(etherType) ?? `Ethertype 0x${etherType.toString(16).padStart(4, '0')}`;
}
