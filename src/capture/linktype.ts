/** Link types as the capture formats number them: https://www.tcpdump.org/linktypes.html. */
export const LINKTYPE_NULL = 0;
export const LINKTYPE_ETHERNET = 1;
export const LINKTYPE_PPP = 9;
/** DLT_RAW as most systems number it; files should say 101, some say this. */
export const LINKTYPE_RAW_BSD = 12;
/** DLT_RAW of OpenBSD. */
export const LINKTYPE_RAW_OPENBSD = 14;
export const LINKTYPE_PPP_HDLC = 50;
export const LINKTYPE_PPP_ETHER = 51;
export const LINKTYPE_RAW = 101;
export const LINKTYPE_LOOP = 108;
export const LINKTYPE_LINUX_SLL = 113;
export const LINKTYPE_IPV4 = 228;
export const LINKTYPE_IPV6 = 229;
export const LINKTYPE_NFLOG = 239;
export const LINKTYPE_LINUX_SLL2 = 276;

const SUPPORTED: ReadonlyMap<number, string> = new Map([
  [LINKTYPE_NULL, 'NULL'],
  [LINKTYPE_ETHERNET, 'ETHERNET'],
  [LINKTYPE_PPP, 'PPP'],
  [LINKTYPE_RAW_BSD, 'RAW'],
  [LINKTYPE_RAW_OPENBSD, 'RAW'],
  [LINKTYPE_PPP_HDLC, 'PPP_HDLC'],
  [LINKTYPE_PPP_ETHER, 'PPP_ETHER'],
  [LINKTYPE_RAW, 'RAW'],
  [LINKTYPE_LOOP, 'LOOP'],
  [LINKTYPE_LINUX_SLL, 'LINUX_SLL'],
  [LINKTYPE_IPV4, 'IPV4'],
  [LINKTYPE_IPV6, 'IPV6'],
  [LINKTYPE_NFLOG, 'NFLOG'],
  [LINKTYPE_LINUX_SLL2, 'LINUX_SLL2'],
]);

/** Names of link types that cannot be replayed, for the message that says so. */
const OTHERS: ReadonlyMap<number, string> = new Map([
  [3, 'AX25'],
  [6, 'IEEE802_5'],
  [7, 'ARCNET_BSD'],
  [8, 'SLIP'],
  [10, 'FDDI'],
  [100, 'ATM_RFC1483'],
  [104, 'C_HDLC'],
  [105, 'IEEE802_11'],
  [107, 'FRELAY'],
  [117, 'PFLOG'],
  [119, 'IEEE802_11_PRISM'],
  [122, 'IP_OVER_FC'],
  [127, 'IEEE802_11_RADIOTAP'],
  [129, 'ARCNET_LINUX'],
  [187, 'BLUETOOTH_HCI_H4'],
  [189, 'USB_LINUX'],
  [192, 'PPI'],
  [195, 'IEEE802_15_4_WITHFCS'],
  [197, 'ERF'],
  [201, 'BLUETOOTH_HCI_H4_WITH_PHDR'],
  [220, 'USB_LINUX_MMAPPED'],
  [227, 'CAN_SOCKETCAN'],
  [231, 'DBUS'],
  [242, 'IPOIB'],
  [247, 'INFINIBAND'],
  [249, 'USBPCAP'],
  [253, 'NETLINK'],
  [271, 'VSOCK'],
]);

export function isSupportedLinktype(linktype: number): boolean {
  return SUPPORTED.has(linktype);
}

/** Name and number, such as `ETHERNET (1)` or `USER13 (160)`. */
export function describeLinktype(linktype: number): string {
  const name = SUPPORTED.get(linktype) ?? OTHERS.get(linktype);
  if (name !== undefined) return `${name} (${linktype})`;
  if (linktype >= 147 && linktype <= 162) return `USER${linktype - 147} (${linktype})`;
  return String(linktype);
}

/** What a message says next to the name of a link type that cannot be replayed. */
export function supportedLinktypes(): string {
  return [...new Set(SUPPORTED.values())].join(', ');
}
