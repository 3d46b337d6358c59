import { type Finding, FindingsError } from '../base/errors.ts';
import type { Family } from '../base/inet.ts';
import {
  IPPROTO_GRE,
  IPPROTO_ICMP,
  IPPROTO_ICMPV6,
  IPPROTO_SCTP,
  IPPROTO_TCP,
  IPPROTO_UDP,
  IPPROTO_UDPLITE,
} from '../packet/packet.ts';
import { SCTP_STATE_NAMES } from './sctp.ts';
import { TCP_STATE_NAMES } from './tcp-states.ts';
import { SECOND_NS, TCP_TIMEOUT_RETRANS, TCP_TIMEOUT_UNACK, type Timeouts } from './timeouts.ts';

/**
 * Timeout policies, which `CT --timeout NAME` gives to connections, as `nfct list timeout` prints them:
 *
 *   .short-tcp = {
 *           .l3proto = 2,
 *           .l4proto = 6,
 *           .policy = {
 *                   .SYN_SENT = 120,
 *                   …
 *           },
 *   };
 *
 * What a policy does not say has the timeout of the sysctl (net/netfilter/nfnetlink_cttimeout.c; each tracker's
 * nlattr_to_obj()).
 */
export interface TimeoutPolicy {
  readonly family: Family;
  /** The tracker that it is for; GENERIC for protocols without one. */
  readonly l4proto: number;
  readonly timeouts: Timeouts;
}

/** A policy as an entry holds it. */
export interface PolicyNumber extends Pick<TimeoutPolicy, 'family' | 'l4proto'> {
  /** Index in ConntrackCore.policies, + 1. */
  readonly number: number;
}

/** l4proto of nf_conntrack_l4proto_generic. */
const GENERIC = 255;
const FAMILIES = new Map<number, Family>([
  [2, 4],
  [10, 6],
]);

/** nf_ct_l4proto_find(): the tracker of a protocol, as policies name it. */
export function trackerOf(l4proto: number): number {
  return TRACKERS.has(l4proto) ? l4proto : GENERIC;
}

const TRACKERS = new Set([
  IPPROTO_TCP,
  IPPROTO_UDP,
  IPPROTO_UDPLITE,
  IPPROTO_ICMP,
  IPPROTO_ICMPV6,
  IPPROTO_SCTP,
  IPPROTO_GRE,
]);

type Writable<T> = { -readonly [K in keyof T]: T[K] };

/**
 * Reads a listing; what it does not say is taken from `defaults`.
 * @throws FindingsError with all that cannot be read.
 */
export function readTimeoutPolicies(
  text: string,
  file: string,
  defaults: Timeouts,
): Map<string, TimeoutPolicy> {
  const policies = new Map<string, TimeoutPolicy>();
  const findings: Finding[] = [];
  let name: string | undefined;
  let family = 0;
  let l4proto = 0;
  let seconds: [state: string, value: number, line: number][] = [];
  let isPolicy = false;
  const lines = text.split('\n');
  const wrong = (line: number, message: string) => {
    const source = lines[line]!;
    const position = { file, line: line + 1, column: 1, text: source, lengthChars: source.length };
    findings.push({ severity: 'error', message, position, hint: 'the form is that of `nfct list timeout`' });
  };
  for (const [number, line] of lines.entries()) {
    const words = line.trim();
    if (words === '' || words.startsWith('nfct v')) continue;
    const opening = /^\.(.+) = \{$/.exec(words);
    const field = /^\.(\w+) = (\d+),$/.exec(words);
    if (opening !== null && name === undefined) {
      name = opening[1]!;
      family = 0;
      l4proto = 0;
      seconds = [];
    } else if (opening !== null && opening[1] === 'policy' && name !== undefined && !isPolicy) {
      isPolicy = true;
    } else if (field !== null && isPolicy) {
      seconds.push([field[1]!, Number(field[2]), number]);
    } else if (field?.[1] === 'l3proto' && name !== undefined) {
      family = FAMILIES.get(Number(field[2])) ?? 0;
      if (family === 0) wrong(number, `layer 3 protocol ${field[2]} is neither IPv4 (2) nor IPv6 (10)`);
    } else if (field?.[1] === 'l4proto' && name !== undefined) {
      l4proto = Number(field[2]);
    } else if (words === '},' && isPolicy) {
      isPolicy = false;
    } else if (words === '};' && name !== undefined && !isPolicy) {
      const timeouts = copyOf(defaults);
      for (const [state, value, at] of seconds) {
        if (!set(timeouts, l4proto, state, value)) wrong(at, `protocol ${l4proto} has no state ${state}`);
      }
      policies.set(name, { family: family as Family, l4proto, timeouts });
      name = undefined;
    } else wrong(number, 'this is no part of a timeout policy');
  }
  if (name !== undefined) wrong(lines.length - 1, `the policy ${name} does not end`);
  if (findings.length > 0) throw new FindingsError(findings);
  return policies;
}

function copyOf(timeouts: Timeouts): Writable<Timeouts> {
  return { ...timeouts, tcp: timeouts.tcp.slice(), sctp: timeouts.sctp.slice() };
}

/** False when the tracker knows no such state. */
function set(timeouts: Writable<Timeouts>, l4proto: number, state: string, seconds: number): boolean {
  const ns = seconds * SECOND_NS;
  switch (l4proto) {
    case IPPROTO_TCP: {
      const index =
        state === 'RETRANS'
          ? TCP_TIMEOUT_RETRANS
          : state === 'UNACKNOWLEDGED'
            ? TCP_TIMEOUT_UNACK
            : TCP_STATE_NAMES.indexOf(state);
      if (index > 0) timeouts.tcp[index] = ns;
      return index > 0;
    }
    case IPPROTO_SCTP: {
      const index = SCTP_STATE_NAMES.indexOf(state);
      if (index > 0) timeouts.sctp[index] = ns;
      return index > 0;
    }
    case IPPROTO_UDP:
    case IPPROTO_UDPLITE:
      return setPair(timeouts, 'udp', 'udpStream', state, ns);
    case IPPROTO_GRE:
      return setPair(timeouts, 'gre', 'greStream', state, ns);
    default: {
      const key = l4proto === IPPROTO_ICMP ? 'icmp' : l4proto === IPPROTO_ICMPV6 ? 'icmpv6' : 'generic';
      if (state === 'TIMEOUT') timeouts[key] = ns;
      return state === 'TIMEOUT';
    }
  }
}

function setPair(
  timeouts: Writable<Timeouts>,
  unreplied: 'udp' | 'gre',
  replied: 'udpStream' | 'greStream',
  state: string,
  ns: number,
): boolean {
  if (state === 'UNREPLIED') timeouts[unreplied] = ns;
  else if (state === 'REPLIED') timeouts[replied] = ns;
  else return false;
  return true;
}
