/** Plays segments through the kernel and through a Machine, and says where they differ. */

import { R_CTINFO, R_CTSTATUS } from '../../src/packet/registers.ts';
import { VERDICT_ACCEPT } from '../../src/packet/verdict.ts';
import { type Case, disagreements, type Host, type Result, sameConntrack } from '../kernel/judge.ts';
import { hex, unhex } from '../kernel/packets.ts';
import { listing, Machine, stubHost } from './harness.ts';
import { dscpOf, markingRules, markOf } from './state-marks.ts';
import type { Segment } from './tcp-conversations.ts';

export interface Play {
  readonly name: string;
  readonly sysctls: Readonly<Record<string, number>>;
  readonly segments: readonly Segment[];
  /** Seconds of each segment, when time matters. */
  readonly at?: readonly number[];
}

export const MARKING_RULES = ['*mangle', ...markingRules('FORWARD'), 'COMMIT', ''].join('\n');

/** A router with two networks of each family; client packets arrive on eth0, the others on eth1. */
export function hostOf(sysctls: Play['sysctls']): Host {
  return {
    interfaces: [{ name: 'eth0' }, { name: 'eth1' }],
    addresses: [
      '10.1.0.1/24 dev eth0',
      '10.2.0.1/24 dev eth1',
      '2001:db8:1::1/64 dev eth0',
      '2001:db8:2::1/64 dev eth1',
    ],
    sysctls,
  };
}

/**
 * Every packet whose state differs, and every line of the final listings that does. Plays with times are asked for again
 * when they differ or came late; those that never came in time are said and passed over, but not all of them.
 */
export async function compareWithKernel(
  plays: readonly Play[],
): Promise<{ differences: string[]; packets: number }> {
  const cases = plays.map(
    ({ name, sysctls, segments, at }): Case => ({
      id: name,
      host: hostOf(sysctls),
      rules4: MARKING_RULES,
      rules6: MARKING_RULES,
      packets: segments.map(({ fromClient, bytes }, i) => ({
        iface: fromClient ? 'eth0' : 'eth1',
        dir: 'in' as const,
        hex: hex(bytes),
        ...(at === undefined ? {} : { at: at[i]! }),
      })),
      capture: true,
    }),
  );
  const differences = await disagreements(cases, (_one, result, number) => compare(plays[number]!, result));
  return { differences, packets: plays.reduce((sum, { segments }) => sum + segments.length, 0) };
}

/** Where a Machine that the play is passed through differs from what the kernel answered. */
function compare({ name, sysctls, segments, at }: Play, result: Result): string[] {
  const differences: string[] = [];
  const machine = new Machine({ host: stubHost({ sysctls }) });
  const marks = new Map(result.output!.map(([number, , packet]) => [number, dscpOf(unhex(packet))]));
  for (const [number, { bytes }] of segments.entries()) {
    const passed = machine.pass(bytes, { at: at?.[number] ?? 0 });
    // A packet that conntrack drops, or routing, does not come out: then there is nothing to compare.
    if (!marks.has(number)) continue;
    const ours =
      passed.verdict === VERDICT_ACCEPT
        ? markOf(passed.r[R_CTINFO]!, passed.ct >= 0 ? passed.r[R_CTSTATUS]! : 0)
        : undefined;
    if (ours !== marks.get(number)) {
      differences.push(
        `${name}, packet ${number} (${hex(bytes)}): kernel ${marks.get(number)}, we ${ours} (reason ${passed.reason})`,
      );
    }
  }
  // At its own pace the end of the play is not an instant: what expires meanwhile differs.
  if (at !== undefined) return differences;
  const theirs = result.conntrack!;
  const ours = listing(machine);
  if (!sameConntrack(theirs, ours)) {
    differences.push(
      ...theirs.filter((line) => !ours.includes(line)).map((line) => `${name}, kernel: ${line}`),
      ...ours.filter((line) => !theirs.includes(line)).map((line) => `${name}, we: ${line}`),
    );
  }
  return differences;
}
