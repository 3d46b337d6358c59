/**
 * What became of a packet: declared once, with the word that machines read and the sentence that people read.
 * The first four are the ends of a way through the hooks that no rule cut short.
 */
export const OUTCOMES = [
  /** Came in and reached a socket of this host (accepted by INPUT). */
  { name: 'delivered', sentence: 'delivered to this host' },
  /** Came in and left by another interface (accepted by POSTROUTING). */
  { name: 'forwarded', sentence: 'forwarded' },
  /** Made by this host and sent (accepted by POSTROUTING). */
  { name: 'sent', sentence: 'sent by this host' },
  /** Made by this host for itself: all four hooks of loopback traffic accepted it. */
  { name: 'looped', sentence: 'sent by this host to itself' },
  /** A rule's DROP or a chain's policy. */
  { name: 'dropped', sentence: 'dropped' },
  /** A REJECT rule; the answer itself is replayed when it is in the capture. */
  { name: 'rejected', sentence: 'rejected' },
  /** A target took the packet (NF_STOLEN). */
  { name: 'stolen', sentence: 'taken by a target' },
  /** Handed to a queue that nobody is assumed to read. */
  { name: 'queued', sentence: 'queued to user space, where nobody is assumed to listen' },
  /** Held for reassembly; the whole packet is counted when its last fragment comes. */
  { name: 'fragment', sentence: 'a fragment, counted with the packet it belongs to' },
  /** The network stack, not a rule, dropped it: see the reason. */
  { name: 'stack', sentence: 'dropped by the network stack' },
  /** Never IP: not seen by iptables. */
  { name: 'not-ip', sentence: 'not IP' },
  /** The same packet on its way out: replayed when it came in. */
  { name: 'echo', sentence: 'a packet seen before, on its way out' },
  /** The same packet at a bridge and at its port: replayed once. */
  { name: 'copy', sentence: 'a packet seen before, at the bridge or its port' },
] as const;

export const OUTCOME_DELIVERED = 0;
export const OUTCOME_FORWARDED = 1;
export const OUTCOME_SENT = 2;
export const OUTCOME_LOOPED = 3;
export const OUTCOME_DROPPED = 4;
export const OUTCOME_REJECTED = 5;
export const OUTCOME_STOLEN = 6;
export const OUTCOME_QUEUED = 7;
export const OUTCOME_FRAGMENT = 8;
export const OUTCOME_STACK = 9;
export const OUTCOME_NOT_IP = 10;
export const OUTCOME_ECHO = 11;
export const OUTCOME_COPY = 12;

export type OutcomeCode = 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10 | 11 | 12;

/**
 * Reasons of OUTCOME_STACK that the traversal itself gives (the decoder's header checks have their own list,
 * decode/drop-reasons.ts; those codes are below 128, these from 128 on).
 */
export const STACK_REASONS = {
  128: { name: 'otherhost', sentence: 'the frame was addressed to another machine (promiscuous capture)' },
  129: { name: 'no-route', sentence: 'no route to the destination' },
  130: { name: 'blackhole', sentence: 'blackhole route' },
  131: { name: 'unreachable', sentence: 'unreachable route' },
  132: { name: 'prohibit', sentence: 'prohibit route' },
  133: {
    name: 'martian',
    sentence: 'source address cannot come in by this interface (martian or rp_filter)',
  },
  134: { name: 'not-forwarding', sentence: 'forwarding is off' },
  135: { name: 'ttl-exceeded', sentence: 'TTL or hop limit ran out before FORWARD' },
  136: { name: 'too-big', sentence: 'longer than the MTU of its way, and not to be fragmented' },
  143: {
    name: 'hotdrop',
    sentence:
      'a match had the packet dropped: malformed, or a table full (hashlimit), or none to count (connlimit)',
  },
  137: { name: 'conntrack', sentence: 'dropped by connection tracking' },
  138: { name: 'nat', sentence: 'no free translation' },
  139: { name: 'unreadable', sentence: 'the capture holds too little of the packet to read its IP header' },
  140: { name: 'fragment-dropped', sentence: 'fragments that overlap, contradict or exceed the limits' },
  141: { name: 'fragment-timeout', sentence: 'fragments whose missing parts never came' },
  142: { name: 'not-local', sentence: 'addressed to a group that this host has not joined' },
  144: { name: 'ip-options', sentence: 'IP options that make no sense, or source routing, which is off' },
  146: {
    name: 'no-neighbour',
    sentence:
      'translated to a neighbour on its own bridge that did not answer, or that the port does not send it back to',
  },
  145: { name: 'not-for-host', sentence: 'routed onward, but the frame was a broadcast or multicast' },
} as const;

export const STACK_IP_OPTIONS = 144;
export const STACK_NOT_FOR_HOST = 145;
export const STACK_NO_NEIGHBOUR = 146;
export const STACK_OTHERHOST = 128;
export const STACK_NO_ROUTE = 129;
export const STACK_BLACKHOLE = 130;
export const STACK_UNREACHABLE = 131;
export const STACK_PROHIBIT = 132;
export const STACK_MARTIAN = 133;
export const STACK_NOT_FORWARDING = 134;
export const STACK_TTL_EXCEEDED = 135;
export const STACK_TOO_BIG = 136;
export const STACK_HOTDROP = 143;
export const STACK_CONNTRACK = 137;
export const STACK_NAT = 138;
export const STACK_UNREADABLE = 139;
export const STACK_FRAGMENT_DROPPED = 140;
export const STACK_FRAGMENT_TIMEOUT = 141;
export const STACK_NOT_LOCAL = 142;
