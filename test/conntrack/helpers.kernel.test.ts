/**
 * Conntrack helpers, held against the kernel beyond their counters (test/engine/kernel.test.ts): the connections and
 * expectations that stand at the end, and every packet that leaves, byte for byte.
 */
import { afterEach, describe, expect, it, vi } from 'vitest';
import { Conntrack } from '../../src/conntrack/conntrack.ts';
import { HOOK_POSTROUTING, R_HOOK } from '../../src/packet/registers.ts';
import { currentBytes } from '../../src/packet/rewrite.ts';
import { VERDICT_ACCEPT } from '../../src/packet/verdict.ts';
import { describeHosts, runCase } from '../engine/run-case.ts';
import { SUITES } from '../kernel/cases/index.ts';
import { digest, judge, sameConntrack } from '../kernel/judge.ts';
import { hex } from '../kernel/packets.ts';

afterEach(() => vi.restoreAllMocks());

/** What leaves: [number of the packet, its bytes]. */
function recordOutput(): [number, string][] {
  const sent: [number, string][] = [];
  const confirm = Conntrack.prototype.confirm;
  vi.spyOn(Conntrack.prototype, 'confirm').mockImplementation(function (this: Conntrack, p) {
    const hook = p.r[R_HOOK];
    const verdict = confirm.call(this, p);
    if (hook === HOOK_POSTROUTING && verdict === VERDICT_ACCEPT) {
      const bytes = currentBytes(p);
      sent.push([p.number, hex(bytes.subarray(p.l3Offset, p.l3End))]);
    }
    return verdict;
  });
  return sent;
}

describe.each(['helpers', 'helpers-sip', 'helpers-h323'])('%s', async (suite) => {
  const cases = SUITES[suite]!();
  const judged = await judge(cases, { suite });
  const hosts = await describeHosts(cases.map(({ host }) => host));

  it.each(cases.map((one) => [one.id, one] as const))('%s', async (_, one) => {
    const { result, drift } = judged.get(one.id)!;
    expect(drift).toEqual([]);
    expect(result.refused).toBeUndefined();
    const sent = recordOutput();
    const { output } = await runCase(one, hosts.get(digest(one.host))!, result.errors);
    const varies = new Set(one.varies);
    const words = (lines: readonly string[]) => lines.map((line) => line.split(/\s+/).join(' ')).sort();
    if (!varies.has('output')) {
      // A broadcast is sent twice: the copy for the host itself comes first.
      const left = sent.filter(
        ([number, bytes], i) => number !== sent[i + 1]?.[0] || bytes !== sent[i + 1]![1],
      );
      expect(left).toEqual(result.output!.map(([number, , packet]) => [number, packet]));
    }
    if (varies.has('conntrack')) return;
    const connections = words(output.result.conntrackDump);
    if (!sameConntrack(result.conntrack!, connections)) expect(connections).toEqual(result.conntrack);
    const expectations = words(output.result.expectationDump.map((line) => line.replace(/^\d+ /, '')));
    expect(expectations).toEqual(result.expectations);
  });
});
