export const PROTO_ICMP = 1;
export const PROTO_TCP = 6;
export const PROTO_UDP = 17;
export const PROTO_ICMPV6 = 58;

export const FLAG_FIN = 1;
export const FLAG_SYN = 2;
export const FLAG_PSH = 8;
export const FLAG_ACK = 16;

/** The next packet, as a conversation sets it and the frame writer reads it: one object for a whole run. */
export class PacketSpec {
  family: 4 | 6 = 4;
  l4proto = PROTO_TCP;
  isFromClient = true;
  /** As the router sends it on, not as it has come in. */
  isSentOn = false;
  /** The address (IPv4), or its last word (IPv6). */
  client = 0;
  server = 0;
  clientPort = 0;
  serverPort = 0;
  /** ICMP echo: sequence number. */
  seq = 0;
  ack = 0;
  flags = 0;
  payloadBytes = 0;
  ipId = 0;
}
