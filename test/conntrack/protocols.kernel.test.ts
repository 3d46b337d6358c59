import { describe, expect, test } from 'vitest';
import { isJudgeAvailable } from '../kernel/judge.ts';
import { compareWithKernel } from './kernel-comparison.ts';
import { protocolMix } from './protocol-mix.ts';
import { Dice } from './tcp-conversations.ts';

/** As tcp.kernel.test.ts, for UDP, UDP-Lite, ICMP, ICMPv6, SCTP, GRE, protocols without a tracker, and ICMP errors. */
const CASES = Number(process.env.MIX_FUZZ_CASES ?? 6);
const SEED = Number(process.env.MIX_FUZZ_SEED ?? 777);

describe.skipIf(!isJudgeAvailable())('protocols against the kernel', () => {
  test(`${CASES} mixes from seed ${SEED}`, async () => {
    const { differences, packets } = await compareWithKernel(
      Array.from({ length: CASES }, (_, i) => ({
        name: `seed ${SEED + i}`,
        sysctls: i % 3 === 2 ? { 'net.netfilter.nf_conntrack_acct': 1 } : {},
        segments: protocolMix(new Dice(SEED + i), 400),
      })),
    );
    expect(differences).toEqual([]);
    expect(packets).toBe(400 * CASES);
  });
});
