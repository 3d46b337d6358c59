/** Of TCP flags and ICMP types, what tells kinds of packets apart. */

export const FIN: u32 = 1;
export const SYN: u32 = 2;
export const RST: u32 = 4;
export const ACK: u32 = 16;
/** FIN, SYN, RST, ACK, URG. */
export const KIND_FLAGS: u32 = 0x37;

export const ECHO_REQUEST: u32 = 8;
export const ECHO_REPLY: u32 = 0;
export const ECHO_REQUEST6: u32 = 128;
export const ECHO_REPLY6: u32 = 129;
