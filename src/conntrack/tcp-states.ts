/**
 * TCP connection states and their transitions: which state a connection is in after a packet of a kind in a
 * direction (net/netfilter/nf_conntrack_proto_tcp.c, tcp_conntracks; Linux 6.18).
 */
export const TCP_NONE = 0;
export const TCP_SYN_SENT = 1;
export const TCP_SYN_RECV = 2;
export const TCP_ESTABLISHED = 3;
export const TCP_FIN_WAIT = 4;
export const TCP_CLOSE_WAIT = 5;
export const TCP_LAST_ACK = 6;
export const TCP_TIME_WAIT = 7;
export const TCP_CLOSE = 8;
export const TCP_SYN_SENT2 = 9;
/** Not a state: the packet is invalid. */
export const TCP_INVALID = 10;
/** Not a state: the packet passes, and the entry's state is not touched. */
export const TCP_IGNORE = 11;

/** As conntrack(8) prints them. */
export const TCP_STATE_NAMES: readonly string[] = [
  'NONE',
  'SYN_SENT',
  'SYN_RECV',
  'ESTABLISHED',
  'FIN_WAIT',
  'CLOSE_WAIT',
  'LAST_ACK',
  'TIME_WAIT',
  'CLOSE',
  'SYN_SENT2',
];

/** Kinds of packets (enum tcp_bit_set): RST before SYN before FIN before ACK. */
export const TCP_SYN_SET = 0;
export const TCP_SYNACK_SET = 1;
export const TCP_FIN_SET = 2;
export const TCP_ACK_SET = 3;
export const TCP_RST_SET = 4;
export const TCP_NONE_SET = 5;

const FIN = 1;
const SYN = 2;
const RST = 4;
const ACK = 16;
const URG = 32;

/**
 * One row a kind, one column a state: NONE SYN_SENT SYN_RECV ESTABLISHED FIN_WAIT CLOSE_WAIT LAST_ACK TIME_WAIT
 * CLOSE SYN_SENT2. `-` invalid, `~` ignored, else the first letters of the state to go to:
 * S SYN_SENT, R SYN_RECV, E ESTABLISHED, F FIN_WAIT, W CLOSE_WAIT, L LAST_ACK, T TIME_WAIT, C CLOSE, 2 SYN_SENT2.
 */
const ORIGINAL: readonly string[] = [
  /* SYN     */ 'SS~~~~~SS2',
  /* SYN+ACK */ '--R------R',
  /* FIN     */ '--FFLLLTC-',
  /* ACK     */ 'E-EEWWTTC-',
  /* RST     */ '-CCCCCCCCC',
  /* none    */ '----------',
];
const REPLY: readonly string[] = [
  /* SYN     */ '-2-----S-2',
  /* SYN+ACK */ '-R~~~~~~~R',
  /* FIN     */ '--FFLLLTC-',
  /* ACK     */ '-~REWWTTC~',
  /* RST     */ '-CCCCCCCCC',
  /* none    */ '----------',
];
const LETTERS = '.SREFWLTC2-~';

/** Next state: at direction * 96 + kind * 16 + state. */
export const TCP_TRANSITIONS: Uint8Array = new Uint8Array(192);
for (const [direction, rows] of [ORIGINAL, REPLY].entries()) {
  for (const [kind, row] of rows.entries()) {
    for (let state = 0; state < 10; state++) {
      TCP_TRANSITIONS[direction * 96 + kind * 16 + state] = LETTERS.indexOf(row[state]!);
    }
  }
}

/** Kind of a packet by its flags byte (get_conntrack_index()). */
export const TCP_KIND: Uint8Array = new Uint8Array(256);
/** 1 for the flag combinations that a TCP may send (tcp_valid_flags; PSH, ECE and CWR do not matter). */
export const TCP_FLAGS_VALID: Uint8Array = new Uint8Array(256);
const VALID = [SYN, SYN | URG, SYN | ACK, RST, RST | ACK, FIN | ACK, FIN | ACK | URG, ACK, ACK | URG];
for (let flags = 0; flags < 256; flags++) {
  TCP_KIND[flags] =
    (flags & RST) !== 0
      ? TCP_RST_SET
      : (flags & SYN) !== 0
        ? (flags & ACK) !== 0
          ? TCP_SYNACK_SET
          : TCP_SYN_SET
        : (flags & FIN) !== 0
          ? TCP_FIN_SET
          : (flags & ACK) !== 0
            ? TCP_ACK_SET
            : TCP_NONE_SET;
  TCP_FLAGS_VALID[flags] = VALID.includes(flags & (FIN | SYN | RST | ACK | URG)) ? 1 : 0;
}
