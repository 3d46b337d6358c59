import { describe, expect, test } from 'vitest';
import { isJudgeAvailable } from '../kernel/judge.ts';
import { compareWithKernel } from './kernel-comparison.ts';
import { converse, Dice, type Segment } from './tcp-conversations.ts';

/**
 * Random TCP conversations through the kernel and through us: the state of every single packet, and the table at
 * the end. TCP_FUZZ_CASES and TCP_FUZZ_SEED in the environment make it longer or other.
 */
const CASES = Number(process.env.TCP_FUZZ_CASES ?? 6);
const SEED = Number(process.env.TCP_FUZZ_SEED ?? 20241);
const CONVERSATIONS = 40;

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
    const addresses = { client: client!, server: server!, clientPort: 1000 + i, serverPort: 80 };
    return converse(dice, addresses, 5 + dice.below(25));
  });
  const mixed: Segment[] = [];
  const left = () => running.filter((one) => one.length > 0);
  for (let some = left(); some.length > 0; some = left()) mixed.push(dice.pick(some).shift()!);
  return mixed;
}

describe.skipIf(!isJudgeAvailable())('TCP against the kernel', () => {
  test(`${CASES} times ${CONVERSATIONS} random conversations from seed ${SEED}`, async () => {
    const { differences, packets } = await compareWithKernel(
      Array.from({ length: CASES }, (_, i) => ({
        name: `seed ${SEED + i}`,
        sysctls: SETTINGS[i % SETTINGS.length]!,
        segments: conversations(SEED + i),
      })),
    );
    expect(differences).toEqual([]);
    expect(packets).toBeGreaterThan(100 * CASES);
  });
});
