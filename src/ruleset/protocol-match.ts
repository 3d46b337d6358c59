import { strtoui } from '../extension/numbers.ts';
import { protocolName } from '../extension/protocols.ts';

/** Names by which iptables looks for a protocol's match before it looks into /etc/protocols. */
const OWN: Readonly<Record<number, string>> = {
  6: 'tcp',
  17: 'udp',
  132: 'sctp',
  136: 'udplite',
  1: 'icmp',
  58: 'icmp6',
  50: 'esp',
  51: 'ah',
  135: 'mh',
};

/** Name of the match that `-p name` brings in by its first option: find_proto(). */
export function protocolMatchName(name: string): string | undefined {
  const number = strtoui(name, 0, 255);
  if (number !== undefined) return OWN[number] ?? protocolName(number);
  if (name === 'icmpv6' || name === 'ipv6-icmp') return 'icmp6';
  if (name === 'ipv6-mh' || name === 'mobility-header') return 'mh';
  return name;
}
