import { describe, expect, test } from 'vitest';
import { askKernel, type Host, isJudgeAvailable, sameConntrack } from '../kernel/judge.ts';
import { hex, unhex } from '../kernel/packets.ts';
import { listing, Machine, stubHost } from './harness.ts';
import { dscpOf, markingRules, markOf } from './state-marks.ts';
import { converse, Dice, type Segment } from './tcp-conversations.ts';

/**
 * Random TCP conversations through the kernel and through us: the state of every single packet, and the table at
 * the end. TCP_FUZZ_CASES and TCP_FUZZ_SEED in the environment make it longer or other.
 */
const CASES = Number(process.env['TCP_FUZZ_CASES'] ?? 6);
const SEED = Number(process.env['TCP_FUZZ_SEED'] ?? 20241);
const CONVERSATIONS = 40;

const RULES = ['*mangle', ...markingRules('FORWARD'), 'COMMIT', ''].join('\n');

const SETTINGS: readonly Readonly<Record<string, number>>[] = [
  {},
  {},
  {},
  { 'net.netfilter.nf_conntrack_tcp_loose': 0 },
  { 'net.netfilter.nf_conntrack_tcp_be_liberal': 1 },
  { 'net.netfilter.nf_conntrack_tcp_ignore_invalid_rst': 1 },
  { 'net.netfilter.nf_conntrack_acct': 1 },
  { 'net.netfilter.nf_conntrack_checksum': 0 },
  {
    'net.netfilter.nf_conntrack_tcp_max_retrans': 1,
    'net.netfilter.nf_conntrack_tcp_timeout_established': 3000,
  },
];

function conversations(seed: number): Segment[] {
  const dice = new Dice(seed);
  const running = Array.from({ length: CONVERSATIONS }, (_, i) => {
    const isIpv6 = i % 8 === 7;
    const [client, server] = isIpv6 ? ['2001:db8:1::9', '2001:db8:2::9'] : ['10.1.0.9', '10.2.0.9'];
    return converse(
      dice,
      { client: client!, server: server!, clientPort: 1000 + i, serverPort: 80 },
      5 + dice.below(25),
    );
  });
  const mixed: Segment[] = [];
  for (
    let left = running.filter((one) => one.length > 0);
    left.length > 0;
    left = left.filter((one) => one.length > 0)
  ) {
    mixed.push(dice.pick(left).shift()!);
  }
  return mixed;
}

describe.skipIf(!isJudgeAvailable())('TCP against the kernel', () => {
  test(`${CASES} times ${CONVERSATIONS} random conversations from seed ${SEED}`, async () => {
    const plays = Array.from({ length: CASES }, (_, i) => ({
      seed: SEED + i,
      sysctls: SETTINGS[i % SETTINGS.length]!,
      segments: conversations(SEED + i),
    }));
    const results = await askKernel(
      plays.map(({ seed, sysctls, segments }) => {
        const host: Host = {
          interfaces: [{ name: 'eth0' }, { name: 'eth1' }],
          addresses: [
            '10.1.0.1/24 dev eth0',
            '10.2.0.1/24 dev eth1',
            '2001:db8:1::1/64 dev eth0',
            '2001:db8:2::1/64 dev eth1',
          ],
          sysctls,
        };
        const packets = segments.map(({ fromClient, bytes }) => ({
          iface: fromClient ? 'eth0' : 'eth1',
          dir: 'in' as const,
          hex: hex(bytes),
        }));
        return { id: `seed ${seed}`, host, rules4: RULES, rules6: RULES, packets, capture: true };
      }),
    );
    let packets = 0;
    const wrong: string[] = [];
    for (const [i, result] of results.entries()) {
      expect(result.refused).toBeUndefined();
      const { segments, sysctls, seed } = plays[i]!;
      const machine = new Machine({ host: stubHost({ sysctls }) });
      const marks = new Map(result.output!.map(([number, , packet]) => [number, dscpOf(unhex(packet))]));
      for (const [number, { bytes }] of segments.entries()) {
        const passed = machine.pass(bytes);
        // A packet dropped by conntrack does not come out.
        const ours =
          passed.verdict === 1 ? markOf(passed.r[28]!, passed.ct >= 0 ? passed.r[30]! : 0) : undefined;
        if (ours !== marks.get(number))
          wrong.push(
            `seed ${seed}, packet ${number}: kernel ${marks.get(number)}, we ${ours} (${passed.reason})`,
          );
        packets++;
      }
      const ours = listing(machine);
      if (!sameConntrack(result.conntrack!, ours)) {
        const theirs = result.conntrack!;
        wrong.push(
          ...theirs.filter((line) => !ours.includes(line)).map((line) => `seed ${seed}, kernel: ${line}`),
        );
        wrong.push(
          ...ours.filter((line) => !theirs.includes(line)).map((line) => `seed ${seed}, we: ${line}`),
        );
      }
    }
    expect(wrong).toEqual([]);
    expect(packets).toBeGreaterThan(100 * CASES);
  });
});
