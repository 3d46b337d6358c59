/**
 * How the kernel says what it made of each single packet: rules write the packet's conntrack state into its DSCP,
 * and the packet is read back where it leaves.
 */

import { IPS_ASSURED, IPS_SEEN_REPLY } from '../../src/packet/conntrack-access.ts';
import { CT_IS_REPLY, CT_NEW, CT_NONE, CT_RELATED, CT_UNTRACKED } from '../../src/packet/registers.ts';

const STATES: readonly (readonly [number, string])[] = [
  [1, '--ctstate NEW'],
  [2, '--ctstate ESTABLISHED --ctdir ORIGINAL'],
  [3, '--ctstate ESTABLISHED --ctdir REPLY'],
  [4, '--ctstate RELATED --ctdir ORIGINAL'],
  [5, '--ctstate RELATED --ctdir REPLY'],
  [6, '--ctstate INVALID'],
  [7, '--ctstate UNTRACKED'],
];

/** Rules for `chain` of the mangle table. */
export function markingRules(chain: string): string[] {
  const rules: string[] = [];
  for (const [code, match] of STATES) {
    rules.push(`-A ${chain} -m conntrack ${match} -j DSCP --set-dscp ${code}`);
    if (code > 5) continue;
    rules.push(`-A ${chain} -m conntrack ${match} --ctstatus SEEN_REPLY -j DSCP --set-dscp ${code + 8}`);
    rules.push(`-A ${chain} -m conntrack ${match} --ctstatus ASSURED -j DSCP --set-dscp ${code + 16}`);
    // SEEN_REPLY and ASSURED: two matches, since the listed statuses of one are alternatives.
    rules.push(
      `-A ${chain} -m conntrack ${match} --ctstatus SEEN_REPLY -m conntrack --ctstatus ASSURED -j DSCP --set-dscp ${code + 24}`,
    );
  }
  return rules;
}

/** Rules for `chain` that accept every packet, each those of one mark: the marks in the order of the rules. */
export function acceptingRules(chain: string): { rules: string[]; marks: number[] } {
  const rules: string[] = [];
  const marks: number[] = [];
  for (const [code, match] of STATES) {
    const add = (mark: number, more = '') => {
      rules.push(`-A ${chain} -m conntrack ${match}${more} -j ACCEPT`);
      marks.push(mark);
    };
    if (code <= 5) {
      add(code + 24, ' --ctstatus SEEN_REPLY -m conntrack --ctstatus ASSURED');
      add(code + 16, ' --ctstatus ASSURED');
      add(code + 8, ' --ctstatus SEEN_REPLY');
    }
    add(code);
  }
  return { rules, marks };
}

/** The DSCP that those rules give a packet with these registers. */
export function markOf(ctinfo: number, status: number): number {
  if (ctinfo === CT_NONE) return 6;
  if (ctinfo === CT_UNTRACKED) return 7;
  const isReply = ctinfo >= CT_IS_REPLY;
  const base = ctinfo - (isReply ? CT_IS_REPLY : 0);
  const code = base === CT_NEW ? 1 : base === CT_RELATED ? (isReply ? 5 : 4) : isReply ? 3 : 2;
  return code + ((status & IPS_SEEN_REPLY) !== 0 ? 8 : 0) + ((status & IPS_ASSURED) !== 0 ? 16 : 0);
}

/** The DSCP of a packet as it left. */
export function dscpOf(packet: Uint8Array): number {
  const field = packet[0]! >> 4 === 4 ? packet[1]! : ((packet[0]! & 15) << 4) | (packet[1]! >> 4);
  return field >> 2;
}
